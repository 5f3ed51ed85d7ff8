/** Whoever is killed while it takes over the end of a pipe: the other end gets EOFError. In the soak, 2,000 are killed. */
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

const timeout = limit(180_000)

describe('a process that is killed while it takes over the end of a pipe', { timeout }, () => {
  test('the end of a pipe is freed if it was an argument of the killed process', { timeout }, () => killStarted(8))
  test('the end of a pipe is freed if it came in a message', { timeout }, () => killReceivers(8))
  test("the end of a pipe is freed if it was an argument of a pool's task", { timeout }, () => killWorkers(3))
  test('the end of a pipe is freed if the pool of the task ends', { timeout }, () => killPools(3))
  test('the end of a pipe is freed if it was an argument of a call to a manager', { timeout }, () => killServers(3))
  test('the end of a pipe is freed if no process has read the message with it', { timeout }, () => leaveUnread(3))
})
