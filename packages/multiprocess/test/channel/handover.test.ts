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
  test('gives it back when the end was an argument of the process', { timeout }, () => killStarted(8))
  test('gives it back when the end came in a message', { timeout }, () => killReceivers(8))
  test('gives it back when the end was an argument of a task of a pool', { timeout }, () => killWorkers(3))
  test('gives it back when the pool of the task ends', { timeout }, () => killPools(3))
  test('gives it back when the end was an argument of a call to a manager', { timeout }, () => killServers(3))
  test('gives it back when nobody has read the message with the end', { timeout }, () => leaveUnread(3))
})
