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
  test('gives it back when the end was an argument of the process', { timeout }, () => killStarted(KILLS))
  test('gives it back when the end came in a message', { timeout }, () => killReceivers(KILLS))
  test('gives it back when the end was an argument of a task of a pool', { timeout }, () => killWorkers(KILLS / 10))
  test('gives it back when the pool of the task ends', { timeout }, () => killPools(KILLS / 10))
  test('gives it back when the end was an argument of a call to a manager', { timeout }, () => killServers(KILLS / 10))
  test('gives it back when nobody has read the message with the end', { timeout }, () => leaveUnread(KILLS / 10))
})
