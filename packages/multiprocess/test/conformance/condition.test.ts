/** `multiprocessing.Condition`, `Event`, `Barrier`. */
import assert from 'node:assert/strict'
import { WordLock } from '../../src/ground/arena/word-lock.ts'
import { processStatus } from '../../src/ground/os/process-status.ts'
import type { Condition, Semaphore } from '../../src/index.ts'
import { handleOf, payloadAt } from '../../src/memory/shared-object.ts'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/conformance/tasks.ts'
import { limit } from '../fixtures/slowness.ts'
import * as sync from '../fixtures/sync/tasks.ts'

const ROUNDS = Number(process.env.MULTIPROCESS_TEST_ROUNDS ?? 100)

async function acquireTimes(semaphore: Semaphore, times: number): Promise<void> {
  for (let i = 0; i < times; i++) assert.equal(await semaphore.acquire({ timeout: limit(20_000) }), true, 'nobody came')
}

conform('Condition', ({ face, behaviour, pool, start }) => {
  const { Condition, Lock, RLock, Semaphore, Value, ValueError } = face
  const notifying = async (condition: Condition) => condition.runExclusive(() => condition.notify())

  behaviour('the lock option takes a Lock or an RLock, and nothing else', () => {
    const lock = new Lock()
    assert.equal(new Condition(lock).lock, lock)
    const rlock = new RLock()
    assert.equal(new Condition(rlock).lock, rlock)
    assert.throws(() => new Condition(new Semaphore() as never), TypeError)
    assert.throws(() => new Condition(5 as never), TypeError)
  })

  behaviour('without the lock option a new RLock is created: its holder can acquire it again', () => {
    const condition = new Condition()
    assert.equal(condition.acquireSync(), true)
    assert.equal(condition.acquireSync({ timeout: 0 }), true)
    condition.release()
    assert.equal(condition.locked, true)
    condition.release()
    assert.equal(condition.locked, false)
  })

  behaviour('acquire() and release() act on the underlying lock', async () => {
    const lock = new Lock()
    const condition = new Condition(lock)
    await condition.acquire()
    assert.equal(lock.locked, true)
    lock.release()
    assert.equal(condition.locked, false)
    await condition.runExclusive(() => assert.equal(lock.locked, true))
    condition.runExclusiveSync(() => assert.equal(lock.locked, true))
  })

  behaviour('wait() raises if the caller has not acquired the lock', async () => {
    const condition = new Condition()
    await assert.rejects(condition.wait(), ValueError)
    assert.throws(() => condition.waitSync(), ValueError)
  })

  behaviour('notify() raises if the caller has not acquired the lock', async () => {
    const condition = new Condition()
    assert.throws(() => condition.notify(), ValueError)
    assert.throws(() => condition.notifyAll(), ValueError)
    condition.acquireSync()
    assert.equal(await pool().apply(tasks.errorOf, [condition, 'notify']), 'ValueError')
  })

  behaviour('notify() refuses a count that is not an integer of 0 or more', () => {
    const condition = new Condition()
    condition.acquireSync()
    for (const n of [-1, 1.5, Number.NaN]) assert.throws(() => condition.notify(n), ValueError)
    const message = /^n must be an integer of 0 or more, got ('2' \(a string\)|null)$/
    for (const n of ['2', null] as never[]) assert.throws(() => condition.notify(n), { name: 'TypeError', message })
  })

  behaviour('notify() does nothing if no process waits', async () => {
    const condition = new Condition()
    await condition.runExclusive(() => condition.notify())
    condition.acquireSync()
    assert.equal(await condition.wait({ timeout: 5 }), false)
  })

  behaviour('wait() releases the lock, blocks until it is awakened, and re-acquires the lock', async () => {
    const condition = new Condition(new Lock())
    await condition.acquire()
    const notified = pool().apply(notifying, [condition])
    assert.equal(await condition.wait(), true)
    await notified
    assert.equal(condition.locked, true)
  })

  behaviour('waitSync() does the same while this event loop stands still', async () => {
    const condition = new Condition()
    condition.acquireSync()
    const notified = pool().apply(notifying, [condition])
    assert.equal(condition.waitSync(), true)
    assert.equal(condition.locked, true)
    condition.release()
    await notified
  })

  behaviour('wait() returns false if its timeout expires', async () => {
    const condition = new Condition()
    condition.acquireSync()
    assert.equal(await condition.wait({ timeout: 5 }), false)
    assert.equal(condition.waitSync({ timeout: 5 }), false)
    assert.equal(condition.locked, true)
  })

  behaviour('wait() releases an RLock that was acquired several times completely, and restores its count', async () => {
    const lock = new RLock()
    const condition = new Condition(lock)
    lock.acquireSync()
    lock.acquireSync()
    const notified = pool().apply(notifying, [condition])
    assert.equal(await condition.wait({ timeout: limit(20_000) }), true)
    await notified
    lock.release()
    assert.equal(lock.locked, true)
    lock.release()
    assert.equal(lock.locked, false)
  })

  behaviour('callers of one event loop that are woken together can each release the RLock', async () => {
    const condition = new Condition()
    const sleep = async () => {
      await condition.acquire()
      assert.equal(await condition.wait({ timeout: limit(20_000) }), true)
      await new Promise(setImmediate)
      condition.release()
    }
    const sleepers: Promise<void>[] = []
    for (let i = 0; i < 3; i++) {
      sleepers.push(sleep())
      await new Promise(setImmediate)
    }
    await condition.acquire()
    condition.notifyAll()
    // It is their process's, so they go on before this one has released it.
    await sleepers[0]
    condition.release()
    await Promise.all(sleepers)
    assert.equal(condition.locked, false)
  })

  behaviour('notify() wakes one waiter, in the order of arrival, whether it blocks or not', async () => {
    const condition = new Condition()
    const [sleeping, woken] = [new Semaphore(0), new Semaphore(0)]
    const results: Promise<boolean>[] = []
    for (const isBlocking of [true, false, true]) {
      results.push(pool(4).apply(sync.sleepOn, [condition, sleeping, woken, { isBlocking }]))
      await acquireTimes(sleeping, 1)
    }
    for (let n = 0; n < 3; n++) {
      await condition.runExclusive(() => condition.notify())
      await results[n]
      assert.equal(woken.value, n + 1)
    }
    assert.deepEqual(await Promise.all(results), [true, true, true])
  })

  behaviour('notify(n) wakes n waiters, notifyAll() wakes all, and an expired wait takes no wake-up', async () => {
    const condition = new Condition(new Lock())
    const [sleeping, woken] = [new Semaphore(0), new Semaphore(0)]
    await using two = new face.Pool(2, { concurrency: 6 })
    const short = [1, 2, 3].map(() => two.apply(sync.sleepOn, [condition, sleeping, woken, { timeout: 20 }]))
    assert.deepEqual(await Promise.all(short), [false, false, false])
    const long = [1, 2, 3, 4, 5, 6].map(() => two.apply(sync.sleepOn, [condition, sleeping, woken]))
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
    assert.equal(woken.value, 0)
  })

  behaviour('a notification goes to a process that already waits, not to one that comes later', async () => {
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

  behaviour('waitFor() waits until the predicate is true, and returns the last value of the predicate', async () => {
    const condition = new Condition()
    const state = Value('i', -1)
    const result = pool().apply(sync.countDown, [condition, state])
    await condition.acquire()
    assert.equal(await condition.waitFor(() => state.value === 0, { timeout: limit(20_000) }), true)
    condition.release()
    for (let i = 0; i < 4; i++) {
      await condition.runExclusive(() => {
        state.value++
        condition.notify()
      })
    }
    assert.equal(await result, true)
    condition.acquireSync()
    assert.equal(await condition.waitFor(() => 'at once'), 'at once')
    assert.equal(
      condition.waitForSync(() => 'at once'),
      'at once'
    )
  })

  behaviour('waitFor() waits for a predicate that returns a promise, and waitForSync() refuses it', async () => {
    const condition = new Condition(new Lock())
    let isDone = false
    const waiting = condition.runExclusive(() => condition.waitFor(async () => isDone && 'done'))
    await new Promise(setImmediate)
    await condition.runExclusive(() => {
      isDone = true
      condition.notify()
    })
    assert.equal(await waiting, 'done')
    condition.acquireSync()
    assert.throws(() => condition.waitForSync(async () => true), TypeError)
    for (const options of [5, null] as never[]) {
      await assert.rejects(condition.wait(options), TypeError)
      await assert.rejects(
        condition.waitFor(() => true, options),
        TypeError
      )
      assert.throws(() => condition.waitSync(options), TypeError)
      assert.throws(() => condition.waitForSync(() => true, options), TypeError)
    }
    assert.equal(condition.locked, true)
  })

  behaviour('waitFor() returns the last value of the predicate if its timeout expires', async () => {
    const condition = new Condition()
    condition.acquireSync()
    assert.equal(
      condition.waitForSync(() => false, { timeout: 5 }),
      false
    )
    assert.equal(await condition.waitFor(() => 0, { timeout: 5 }), 0)
  })

  behaviour('wait() rejects if its signal is aborted, holds the lock then, and takes no notification', async () => {
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

  /** One that is to die, and one that came after it. */
  const twoSleepers = async () => {
    const condition = new Condition()
    const [sleeping, woken] = [new Semaphore(0), new Semaphore(0)]
    const victim = start(sync.sleepOn, condition, sleeping, woken, {})
    await acquireTimes(sleeping, 1)
    const other = pool().apply(sync.sleepOn, [condition, sleeping, woken])
    await acquireTimes(sleeping, 1)
    return { condition, victim, other }
  }

  behaviour('a process that is killed while it waits takes no notification', async () => {
    const { condition, victim, other } = await twoSleepers()
    victim.kill()
    await victim.join()
    await condition.runExclusive(() => condition.notify())
    assert.equal(await other, true)
  })

  behaviour(
    'a killed process takes no notification, even before its busy parent notices',
    async () => {
      const { condition, victim, other } = await twoSleepers()
      await condition.runExclusive(() => {})
      victim.kill()
      while (processStatus(victim.pid as number)?.state !== 'Z');
      condition.runExclusiveSync(() => condition.notify())
      assert.equal(await other, true)
    },
    { only: 'processes', because: 'a thread is dead once its parent says so' }
  )
})

conform('Event', ({ face, behaviour, pool }) => {
  const { Event } = face

  behaviour('the flag of a new event is false', () => {
    assert.equal(new Event().isSet(), false)
  })

  behaviour('isSet() returns true if and only if the flag is true, here and elsewhere', async () => {
    const event = new Event()
    assert.equal(await pool().apply(tasks.call, [event, 'isSet']), false)
    event.set()
    assert.equal(event.isSet(), true)
    assert.equal(await pool().apply(tasks.call, [event, 'isSet']), true)
  })

  behaviour('set() sets the flag to true, and wakes every process that waits for it', async () => {
    const event = new Event()
    const waits = [
      event.wait(),
      pool().apply(tasks.call, [event, 'wait']),
      pool().apply(tasks.call, [event, 'waitSync'])
    ]
    event.set()
    assert.deepEqual(await Promise.all(waits), [true, true, true])
  })

  behaviour('wait() does not block if the flag is true', async () => {
    const event = new Event()
    event.set()
    assert.equal(await event.wait({ timeout: 0 }), true)
    assert.equal(event.waitSync(), true)
    assert.equal(await pool().apply(tasks.call, [event, 'waitSync']), true)
  })

  behaviour('clear() resets the flag to false, and wait() then blocks until set() is called', async () => {
    const event = new Event()
    event.set()
    event.clear()
    assert.equal(event.isSet(), false)
    assert.equal(await event.wait({ timeout: 5 }), false)
    await pool().apply(tasks.call, [event, 'set'])
    assert.equal(await event.wait(), true)
  })

  behaviour('wait() returns false if its timeout expires', async () => {
    const event = new Event()
    assert.equal(await event.wait({ timeout: 0 }), false)
    assert.equal(await event.wait({ timeout: 5 }), false)
    assert.equal(event.waitSync({ timeout: 5 }), false)
    assert.equal(await pool().apply(tasks.call, [event, 'waitSync', { timeout: 5 }]), false)
  })

  behaviour('an event that is set and cleared at once wakes the processes that waited', async () => {
    const event = new Event()
    for (let i = 0; i < 100; i++) {
      const waits = [event.wait({ timeout: limit(20_000) }), event.wait({ timeout: limit(20_000) })]
      event.set()
      event.clear()
      assert.deepEqual(await Promise.all(waits), [true, true])
    }
  })

  behaviour('a second set() or clear() does nothing more than the first', () => {
    const event = new Event()
    event.set()
    event.set()
    assert.equal(event.isSet(), true)
    event.clear()
    event.clear()
    assert.equal(event.isSet(), false)
  })

  behaviour('wait() refuses invalid options, such as a number of milliseconds', async () => {
    const event = new Event()
    for (const options of [5, null, () => {}] as never[]) {
      await assert.rejects(event.wait(options), TypeError)
      assert.throws(() => event.waitSync(options), TypeError)
    }
  })

  behaviour('wait() rejects with the reason if its signal is aborted', async () => {
    const event = new Event()
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = event.wait({ signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(waiting, reason)
    await assert.rejects(event.wait({ signal: controller.signal }), reason)
  })
})

conform('Barrier', ({ face, behaviour, pool, start }) => {
  const { Array: SharedArray, Barrier, BrokenBarrierError, Event, ValueError } = face

  behaviour('parties is the number of processes that must arrive to pass the barrier', () => {
    assert.equal(new Barrier(3).parties, 3)
    for (const parties of [0, -1, 1.5]) assert.throws(() => new Barrier(parties), ValueError)
    const message = "parties must be a positive integer, got '2' (a string)"
    assert.throws(() => new Barrier('2' as never), { name: 'TypeError', message })
  })

  behaviour('nWaiting is the number of processes that wait in the barrier', async () => {
    const barrier = new Barrier(2)
    assert.equal(barrier.nWaiting, 0)
    const waiting = barrier.wait()
    assert.equal(barrier.nWaiting, 1)
    assert.equal(await pool().apply(tasks.get, [barrier, 'nWaiting']), 1)
    await pool().apply(tasks.call, [barrier, 'waitSync'])
    await waiting
    assert.equal(barrier.nWaiting, 0)
  })

  behaviour('wait() releases all parties together, each with another number below parties', async () => {
    const barrier = new Barrier(3)
    const indices = await Promise.all([
      barrier.wait(),
      pool().apply(tasks.call, [barrier, 'wait']),
      pool().apply(tasks.call, [barrier, 'waitSync'])
    ])
    assert.deepEqual(indices.sort(), [0, 1, 2])
  })

  behaviour('a barrier of one party is passed at once', async () => {
    const barrier = new Barrier(1)
    assert.equal(await barrier.wait(), 0)
    assert.equal(barrier.waitSync(), 0)
  })

  behaviour(`a barrier can be used again and again: 5 parties pass ${ROUNDS} rounds, blocked or not`, async () => {
    const barrier = new Barrier(5)
    const counts = SharedArray('i', ROUNDS)
    const sums = await Promise.all([
      ...[0, 1, 2, 3].map(n => pool(4).apply(sync.rounds, [barrier, counts, ROUNDS, n % 2 === 0])),
      sync.rounds(barrier, counts, ROUNDS, false)
    ])
    // Each index once a round.
    assert.equal(
      sums.reduce((sum, n) => sum + n, 0),
      ROUNDS * (0 + 1 + 2 + 3 + 4)
    )
    assert.equal(barrier.nWaiting, 0)
  })

  behaviour('one of the parties calls action before they are all released', async () => {
    const count = SharedArray('i', 1)
    const barrier = new Barrier(2, { action: () => void count[0]++ })
    for (let round = 1; round <= 3; round++) {
      await Promise.all([pool().apply(sync.arrive, [barrier]), pool().apply(sync.arrive, [barrier])])
      assert.equal(count[0], round)
    }
  })

  behaviour('an action that throws breaks the barrier', async () => {
    const barrier = new Barrier(2, { action: () => tasks.fail('mine') })
    const results = await Promise.allSettled([barrier.wait(), barrier.wait()])
    assert.deepEqual(results.map(result => (result as PromiseRejectedResult).reason.name).sort(), [
      'BrokenBarrierError',
      'RangeError'
    ])
    assert.equal(barrier.broken, true)
  })

  behaviour('the constructor refuses options of another type', () => {
    assert.throws(() => new Barrier(2, { action: 5 as never }), TypeError)
    assert.throws(() => new Barrier(2, { timeout: '5' as never }), TypeError)
    // Python's second argument.
    for (const options of [() => {}, 5, null] as never[]) assert.throws(() => new Barrier(2, options), TypeError)
    assert.throws(() => new Barrier(2).waitSync(5 as never), TypeError)
  })

  behaviour('a wait() that times out breaks the barrier', async () => {
    const barrier = new Barrier(3)
    const waiting = assert.rejects(barrier.wait(), BrokenBarrierError)
    await assert.rejects(barrier.wait({ timeout: 5 }), BrokenBarrierError)
    await waiting
    assert.equal(barrier.broken, true)
  })

  behaviour('the timeout of the constructor is the default of wait()', async () => {
    const barrier = new Barrier(2, { timeout: 5 })
    await assert.rejects(barrier.wait(), BrokenBarrierError)
    barrier.reset()
    assert.throws(() => barrier.waitSync(), BrokenBarrierError)
    barrier.reset()
    assert.equal(await pool().apply(tasks.errorOf, [barrier, 'waitSync']), 'BrokenBarrierError')
  })

  behaviour('wait() on a broken barrier raises BrokenBarrierError', async () => {
    const barrier = new Barrier(2)
    barrier.abort()
    await assert.rejects(barrier.wait(), BrokenBarrierError)
    assert.throws(() => barrier.waitSync(), BrokenBarrierError)
    assert.equal(await pool().apply(tasks.errorOf, [barrier, 'wait']), 'BrokenBarrierError')
  })

  behaviour('reset() empties the barrier, and waiting parties get BrokenBarrierError', async () => {
    const barrier = new Barrier(3)
    const waiting = barrier.wait()
    barrier.reset()
    await assert.rejects(waiting, BrokenBarrierError)
    assert.equal(barrier.broken, false)
    assert.equal(barrier.nWaiting, 0)
    barrier.abort()
    barrier.reset()
    assert.equal(barrier.broken, false)
    assert.deepEqual((await Promise.all([1, 2, 3].map(() => barrier.wait()))).sort(), [0, 1, 2])
  })

  behaviour('abort() breaks the barrier: waits that run and waits that come fail', async () => {
    const barrier = new Barrier(2)
    const waiting = assert.rejects(barrier.wait(), BrokenBarrierError)
    await pool().apply(tasks.call, [barrier, 'abort'])
    await waiting
    assert.equal(barrier.broken, true)
    assert.equal(await pool().apply(tasks.get, [barrier, 'broken']), true)
  })

  behaviour('an aborted wait() rejects with the reason, and breaks the barrier for the others', async () => {
    const barrier = new Barrier(3)
    const other = assert.rejects(barrier.wait(), BrokenBarrierError)
    const controller = new AbortController()
    const reason = new Error('enough')
    const aborted = barrier.wait({ signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(aborted, reason)
    await other
  })

  behaviour('all parties pass or none does, even if a timeout expires as the last party arrives', async () => {
    const barrier = new Barrier(2)
    const { family, at } = handleOf(barrier)
    const mutex = new WordLock(family.memory, payloadAt({ family, at }), family.self, () => true)
    const other = pool().apply(sync.arriveSoon, [barrier, 100])
    while (barrier.nWaiting === 0) await new Promise(resolve => setTimeout(resolve, 1))
    // Its time runs out while it can't say so.
    mutex.acquire()
    await new Promise(resolve => setTimeout(resolve, 150))
    mutex.release()
    const mine = await barrier.wait({ timeout: limit(10_000) }).catch(error => error.name)
    const both = [mine, await other].join()
    assert.ok(both === '1,0' || both === 'BrokenBarrierError,BrokenBarrierError', both)
    assert.equal(barrier.broken, mine !== 1)
  })

  behaviour('a party that has died breaks the barrier for the last one to arrive, which never waits', async () => {
    const barrier = new Barrier(2)
    for (let round = 0; round < 3; round++) {
      const victim = start(sync.arrive, barrier)
      while (barrier.nWaiting < 1) await new Promise(setImmediate)
      victim.kill()
      await victim.join()
      assert.throws(() => barrier.waitSync(), BrokenBarrierError)
      assert.equal(barrier.broken, true)
      barrier.reset()
    }
  })

  behaviour('a party that dies while the action runs breaks the barrier', async () => {
    const [isActing, goOn] = [new Event(), new Event()]
    const action = async () => {
      isActing.set()
      await goOn.wait()
    }
    const barrier = new Barrier(2, { action })
    const victim = start(sync.arrive, barrier)
    while (barrier.nWaiting < 1) await new Promise(setImmediate)
    const acting = barrier.wait()
    await isActing.wait()
    victim.kill()
    await victim.join()
    goOn.set()
    await assert.rejects(acting, BrokenBarrierError)
    assert.equal(barrier.broken, true)
  })

  behaviour('a party that dies breaks the barrier until it is reset', async () => {
    const barrier = new Barrier(3)
    const victim = start(sync.arrive, barrier)
    const other = pool().apply(sync.arrive, [barrier])
    while (barrier.nWaiting < 2) await new Promise(setImmediate)
    victim.kill()
    await assert.rejects(other, { name: 'BrokenBarrierError' })
    await victim.join()
    barrier.reset()
    const results = await Promise.all([1, 2, 3].map(() => barrier.wait()))
    assert.deepEqual(results.sort(), [0, 1, 2])
  })
})
