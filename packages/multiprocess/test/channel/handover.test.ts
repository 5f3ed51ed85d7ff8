/** Whoever is killed while it takes over the end of a pipe: the other end gets EOFError. In the soak, 2,000 are killed. */
import { describe, test } from 'node:test'
import { killReceivers, killStarted, killWorkers } from '../fixtures/channel/handovers.ts'

const timeout = 180_000

describe('a process that is killed while it takes over the end of a pipe', { timeout }, () => {
  test('gives it back when the end was an argument of the process', { timeout }, () => killStarted(8))
  test('gives it back when the end came in a message', { timeout }, () => killReceivers(8))
  test('gives it back when the end was an argument of a task of a pool', { timeout }, () => killWorkers(3))
})
