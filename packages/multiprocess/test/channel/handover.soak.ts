/** As handover.test.ts, in thousands of kills; MULTIPROCESS_KILLS says how many. */
import { describe, test } from 'node:test'
import {
  killPools,
  killReceivers,
  killServers,
  killStarted,
  killWorkers,
  leaveUnread
} from '../fixtures/channel/handovers.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(1_500_000)
const KILLS = Number(process.env.MULTIPROCESS_KILLS ?? 2000)

describe(`a process that is killed while it takes over the end of a pipe, ${KILLS} times`, {
  timeout: 3 * timeout
}, () => {
  test('the end of a pipe is freed if it was an argument of the killed process', { timeout }, () => killStarted(KILLS))
  test('the end of a pipe is freed if it came in a message', { timeout }, () => killReceivers(KILLS))
  test("the end of a pipe is freed if it was an argument of a pool's task", { timeout }, () => killWorkers(KILLS / 10))
  test('the end of a pipe is freed if the pool of the task ends', { timeout }, () => killPools(KILLS / 10))
  test('the end of a pipe is freed if it was an argument of a call to a manager', { timeout }, () =>
    killServers(KILLS / 10)
  )
  test('the end of a pipe is freed if no process has read the message with it', { timeout }, () =>
    leaveUnread(KILLS / 10)
  )
})
