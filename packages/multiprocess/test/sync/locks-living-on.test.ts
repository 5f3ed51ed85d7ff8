/** For a moment, what sync.soak.ts does for long: locks of every kind are counted with, their holders killed, and dropped. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Barrier, Condition, Process, Queue, Semaphore } from '../../src/index.ts'
import { keepsBlocks } from '../fixtures/channel/killing.ts'
import { putFunction } from '../fixtures/channel/tasks.ts'
import { limit } from '../fixtures/slowness.ts'
import { countTogether, dropLocks, KINDS, killAnywhere, killHolders, meetAt } from '../fixtures/sync/long-run.ts'
import { sleepOn } from '../fixtures/sync/tasks.ts'

const timeout = limit(60_000)

describe('locks', { timeout }, () => {
  for (const name of ['Condition', 'Condition of a Lock']) {
    test(`${name}: 4 processes count to the last`, { timeout }, () => countTogether(KINDS[name](), 2000))
  }

  for (const name of ['Lock', 'BoundedSemaphore']) {
    test(`${name}: holders are killed one after the other`, { timeout }, () => killHolders(KINDS[name](), 4))
  }

  test('a lock whose holder is killed anywhere in its turns lives on', { timeout }, () => killAnywhere(KINDS.Lock(), 3))

  test('locks of all kinds that are dropped free their memory', { timeout }, () => dropLocks(5000))

  test('five processes meet at a barrier', { timeout }, () => meetAt(new Barrier(5), 30))

  test('a dropped condition leaves nothing of killed sleepers', { timeout }, () =>
    keepsBlocks(async () => {
      const condition = new Condition()
      const [sleeping, woken] = [new Semaphore(0), new Semaphore(0)]
      const victims = [true, false].map(isBlocking => {
        const victim = new Process({ target: sleepOn, args: [condition, sleeping, woken, { isBlocking }] })
        victim.start()
        return victim
      })
      for (const _ of victims) assert.equal(await sleeping.acquire({ timeout: limit(20_000) }), true)
      // Who takes the lock now knows that they sleep.
      await condition.runExclusive(() => {})
      for (const victim of victims) victim.kill()
      await Promise.all(victims.map(victim => victim.join()))
    }, 1)
  )
})

test('a blocked process receives a function of a module that is not imported here', { timeout }, async () => {
  const queue = new Queue()
  const child = new Process({ target: putFunction, args: [queue] })
  child.start()
  const received = queue.getSync() as (n: number) => string
  assert.equal(received(5), 'only there 5')
  await child.join()
})
