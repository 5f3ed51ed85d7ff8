/** Condition, Event, Barrier, between processes: what CPython's own tests of them ask, and deaths. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WordLock } from '../src/ground/word-lock.ts'
import {
  Barrier,
  BrokenBarrierError,
  Condition,
  Event,
  Lock,
  Pool,
  Process,
  RLock,
  Semaphore,
  Array as SharedArray,
  Value,
  ValueError
} from '../src/index.ts'
import { handleOf, payloadAt } from '../src/memory/shared-object.ts'
import { keepsBlocks } from './fixtures/channel/killing.ts'
import { meetAt } from './fixtures/sync/long-run.ts'
import * as tasks from './fixtures/sync/tasks.ts'

const timeout = 60_000
const ROUNDS = Number(process.env.MULTIPROCESS_TEST_ROUNDS ?? 100)

async function acquireTimes(semaphore: Semaphore, times: number): Promise<void> {
  for (let i = 0; i < times; i++) assert.equal(await semaphore.acquire({ timeout: 20_000 }), true, 'nobody came')
}

describe('a Condition', { timeout }, () => {
  test('wakes one sleeper for each notify, in the order they came, blocked or not', async () => {
    const condition = new Condition()
    const [sleeping, woken] = [new Semaphore(0), new Semaphore(0)]
    await using pool = new Pool(3)
    const results: Promise<boolean>[] = []
    for (const isBlocking of [true, false, true]) {
      results.push(pool.apply(tasks.sleepOn, [condition, sleeping, woken, { isBlocking }]))
      await acquireTimes(sleeping, 1)
    }
    for (let n = 0; n < 3; n++) {
      await condition.runExclusive(() => condition.notify())
      await results[n]
      assert.equal(woken.value, n + 1)
    }
    assert.deepEqual(await Promise.all(results), [true, true, true])
  })

  test('wakes 3 of 6, and then the others; times that run out half-way take no wake-up', async () => {
    const condition = new Condition(new Lock())
    const [sleeping, woken] = [new Semaphore(0), new Semaphore(0)]
    await using pool = new Pool(2, { concurrency: 6 })
    const short = [1, 2, 3].map(() => pool.apply(tasks.sleepOn, [condition, sleeping, woken, { timeout: 20 }]))
    assert.deepEqual(await Promise.all(short), [false, false, false])
    const long = [1, 2, 3, 4, 5, 6].map(() => pool.apply(tasks.sleepOn, [condition, sleeping, woken]))
    await acquireTimes(sleeping, 9)
    await acquireTimes(woken, 3)
    await condition.acquire()
    condition.notify(3)
    condition.release()
    await acquireTimes(woken, 3)
    assert.equal(await woken.acquire({ timeout: 20 }), false)
    await condition.runExclusive(() => condition.notifyAll())
    await acquireTimes(woken, 3)
    assert.deepEqual(await Promise.all(long), [true, true, true, true, true, true])
    await condition.runExclusive(() => condition.notifyAll())
    assert.equal(woken.value, 0)
  })

  test('a notification goes to who waited already, not to one that comes later', async () => {
    const condition = new Condition(new Lock())
    const order: string[] = []
    const waiting: string[] = []
    const wait = async (name: string) => {
      await condition.runExclusive(async () => {
        waiting.push(name)
        await condition.wait()
        order.push(name)
      })
    }
    const early = wait('early')
    await new Promise(setImmediate)
    let late: Promise<void> | undefined
    await condition.runExclusive(() => {
      condition.notify()
      late = wait('late')
    })
    await early
    assert.deepEqual(order, ['early'])
    while (waiting.length < 2) await new Promise(setImmediate)
    await condition.runExclusive(() => condition.notify())
    await late
  })

  test('waitFor asks until it is so, or its time ran out', async () => {
    const condition = new Condition()
    const state = Value('i', -1)
    await using pool = new Pool(1)
    const result = pool.apply(tasks.countDown, [condition, state])
    await condition.acquire()
    assert.equal(await condition.waitFor(() => state.value === 0, { timeout: 20_000 }), true)
    condition.release()
    for (let i = 0; i < 4; i++) {
      await condition.runExclusive(() => {
        state.value++
        condition.notify()
      })
    }
    assert.equal(await result, true)
    condition.acquireSync()
    assert.equal(
      condition.waitForSync(() => false, { timeout: 10 }),
      false
    )
    assert.equal(await condition.waitFor(() => 0, { timeout: 10 }), 0)
    condition.release()
  })

  test('an aborted wait rejects, with the lock held, and takes no notification', async () => {
    const condition = new Condition()
    const controller = new AbortController()
    const reason = new Error('enough')
    await condition.runExclusive(async () => {
      const waiting = condition.wait({ signal: controller.signal })
      setImmediate(() => controller.abort(reason))
      await assert.rejects(waiting, reason)
      assert.equal(condition.locked, true)
    })
    assert.equal(condition.locked, false)
    const other = condition.runExclusive(() => condition.wait())
    await new Promise(setImmediate)
    await condition.runExclusive(() => condition.notify())
    assert.equal(await other, true)
  })

  test('needs its lock to wait and to notify, and releases an RLock however often it is held', async () => {
    const condition = new Condition()
    assert.throws(() => condition.notify(), ValueError)
    await assert.rejects(condition.wait(), ValueError)
    assert.throws(() => new Condition(new Semaphore() as never), TypeError)
    const lock = new RLock()
    const own = new Condition(lock)
    lock.acquireSync()
    lock.acquireSync()
    await using pool = new Pool(1)
    const notified = pool.apply(async (condition: Condition) => condition.runExclusive(() => condition.notify()), [own])
    assert.equal(await own.wait({ timeout: 20_000 }), true)
    await notified
    lock.release()
    assert.equal(lock.locked, true)
    lock.release()
    assert.equal(lock.locked, false)
  })

  test('leaves nothing of sleepers that were killed when it is dropped itself', async () => {
    await keepsBlocks(async () => {
      const condition = new Condition()
      const [sleeping, woken] = [new Semaphore(0), new Semaphore(0)]
      const victims = [true, false].map(isBlocking => {
        const victim = new Process({ target: tasks.sleepOn, args: [condition, sleeping, woken, { isBlocking }] })
        victim.start()
        return victim
      })
      await acquireTimes(sleeping, 2)
      // Who takes the lock now knows that they sleep.
      await condition.runExclusive(() => {})
      for (const victim of victims) victim.kill()
      await Promise.all(victims.map(victim => victim.join()))
    }, 1)
  })

  test('a sleeper that is killed takes no notification with it', async () => {
    const condition = new Condition()
    const [sleeping, woken] = [new Semaphore(0), new Semaphore(0)]
    const victim = new Process({ target: tasks.sleepOn as never, args: [condition, sleeping, woken] as never })
    victim.start()
    await acquireTimes(sleeping, 1)
    await using pool = new Pool(1)
    const other = pool.apply(tasks.sleepOn, [condition, sleeping, woken])
    await acquireTimes(sleeping, 1)
    victim.kill()
    await victim.join()
    await condition.runExclusive(() => condition.notify())
    assert.equal(await other, true)
  })
})

describe('an Event', { timeout }, () => {
  test('lets all go on that wait, blocked or not, here and elsewhere', async () => {
    const event = new Event()
    await using pool = new Pool(2)
    assert.equal(event.isSet(), false)
    assert.equal(await event.wait({ timeout: 0 }), false)
    assert.equal(await event.wait({ timeout: 5 }), false)
    assert.equal(event.waitSync({ timeout: 5 }), false)
    const waits = [event.wait(), pool.apply(tasks.waitFor, [event]), pool.apply(tasks.waitForSync, [event])]
    event.set()
    assert.deepEqual(await Promise.all(waits), [true, true, true])
    assert.equal(await event.wait({ timeout: 0 }), true)
    event.clear()
    assert.equal(event.isSet(), false)
    assert.equal(await pool.apply(tasks.waitFor, [event, 5]), false)
    await pool.apply(tasks.set, [event])
    assert.equal(event.isSet(), true)
  })

  test('set and cleared at once, it wakes who waited', async () => {
    const event = new Event()
    await using pool = new Pool(1)
    for (let i = 0; i < 100; i++) {
      const waits = [event.wait({ timeout: 20_000 }), event.wait({ timeout: 20_000 })]
      event.set()
      event.clear()
      assert.deepEqual(await Promise.all(waits), [true, true])
    }
    assert.equal(await pool.apply(tasks.waitFor, [event, 5]), false)
  })

  test('an aborted wait rejects with the reason', async () => {
    const event = new Event()
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = event.wait({ signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(waiting, reason)
    await assert.rejects(event.wait({ signal: controller.signal }), reason)
  })
})

describe('a Barrier', { timeout }, () => {
  test(`of 5 over ${ROUNDS} rounds, blocked or not`, () => meetAt(new Barrier(5), ROUNDS))

  test('runs its action once, before anybody passes', async () => {
    const count = SharedArray('i', 1)
    const barrier = new Barrier(2, { action: () => void count[0]++ })
    await using pool = new Pool(2)
    for (let round = 1; round <= 3; round++) {
      await Promise.all([pool.apply(tasks.arrive, [barrier]), pool.apply(tasks.arrive, [barrier])])
      assert.equal(count[0], round)
    }
  })

  test('an action that fails breaks it for all', async () => {
    const barrier = new Barrier(2, {
      action: () => {
        throw new RangeError('mine')
      }
    })
    const results = await Promise.allSettled([barrier.wait(), barrier.wait()])
    assert.deepEqual(results.map(result => (result as PromiseRejectedResult).reason.name).sort(), [
      'BrokenBarrierError',
      'RangeError'
    ])
    assert.equal(barrier.broken, true)
  })

  test('a timeout, an abort of a signal or of the barrier breaks it, until it is reset', async () => {
    const barrier = new Barrier(3, { timeout: 20 })
    assert.equal(barrier.parties, 3)
    await assert.rejects(Promise.all([barrier.wait(), barrier.wait()]), BrokenBarrierError)
    await assert.rejects(barrier.wait(), BrokenBarrierError)
    assert.throws(() => barrier.waitSync(), BrokenBarrierError)
    barrier.reset()
    assert.equal(barrier.broken, false)
    const waiting = barrier.wait({ timeout: 20_000 })
    assert.equal(barrier.nWaiting, 1)
    barrier.reset()
    await assert.rejects(waiting, BrokenBarrierError)
    assert.equal(barrier.broken, false)
    const again = barrier.wait({ timeout: 20_000 })
    const controller = new AbortController()
    const reason = new Error('enough')
    const aborted = barrier.wait({ timeout: 20_000, signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(aborted, reason)
    await assert.rejects(again, BrokenBarrierError)
    barrier.reset()
    const last = barrier.wait({ timeout: 20_000 })
    barrier.abort()
    await assert.rejects(last, BrokenBarrierError)
    assert.equal(barrier.broken, true)
    assert.throws(() => new Barrier(0), ValueError)
  })

  test('all pass or none, though a time runs out as the last one comes', async () => {
    const barrier = new Barrier(2)
    const { family, at } = handleOf(barrier)
    const mutex = new WordLock(family.memory, payloadAt({ family, at }), family.self, () => true)
    await using pool = new Pool(1)
    const other = pool.apply(tasks.arriveSoon, [barrier, 300])
    while (barrier.nWaiting === 0) await new Promise(resolve => setTimeout(resolve, 1))
    // Its time runs out while it can't say so.
    mutex.acquire()
    await new Promise(resolve => setTimeout(resolve, 400))
    mutex.release()
    const mine = await barrier.wait({ timeout: 10_000 }).catch(error => error.name)
    const both = [mine, await other].join()
    assert.ok(both === '1,0' || both === 'BrokenBarrierError,BrokenBarrierError', both)
    assert.equal(barrier.broken, mine !== 1)
  })

  test('a party that dies breaks it', async () => {
    const barrier = new Barrier(3)
    const victim = new Process({ target: tasks.arrive as never, args: [barrier] as never })
    victim.start()
    await using pool = new Pool(1)
    const other = pool.apply(tasks.arrive, [barrier])
    while (barrier.nWaiting < 2) await new Promise(setImmediate)
    victim.kill()
    await assert.rejects(other, { name: 'BrokenBarrierError' })
    await victim.join()
    barrier.reset()
    const results = await Promise.all([1, 2, 3].map(() => barrier.wait()))
    assert.deepEqual(results.sort(), [0, 1, 2])
  })
})
