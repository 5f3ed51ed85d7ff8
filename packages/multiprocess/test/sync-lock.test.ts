/** Lock, RLock, Semaphore, BoundedSemaphore, between processes. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  BoundedSemaphore,
  Event,
  Lock,
  OwnerDiedError,
  Pool,
  Process,
  RLock,
  Semaphore,
  Array as SharedArray,
  TimeoutError,
  ValueError,
  WorkerDiedError
} from '../src/index.ts'
import { countTogether, dropLocks, KINDS, killAnywhere, killHolders } from './fixtures/sync/long-run.ts'
import * as tasks from './fixtures/sync/tasks.ts'

const timeout = 60_000
const TIMES = Number(process.env.MULTIPROCESS_TEST_RUNS ?? 20_000)

describe('mutual exclusion', { timeout }, () => {
  for (const [name, make] of Object.entries(KINDS)) {
    test(`${name}: blocking and asynchronous callers of 4 processes count to the last`, { timeout }, () =>
      countTogether(make(), TIMES)
    )
  }

  test('no waiter starves while another takes the lock again and again', { timeout }, async () => {
    const lock = new Lock()
    await using pool = new Pool(2)
    const [asynchronous, blocking] = await Promise.all([
      pool.apply(tasks.longestWait, [lock, 1000, false]),
      pool.apply(tasks.longestWait, [lock, 1000, true])
    ])
    assert.ok(asynchronous.turns > 20, `${asynchronous.turns} turns`)
    assert.ok(blocking.turns > 20, `${blocking.turns} turns`)
  })
})

describe('a Lock', { timeout }, () => {
  test('is taken once, and released by anybody', async () => {
    const lock = new Lock()
    await using pool = new Pool(1)
    assert.equal(lock.locked, false)
    assert.equal(await lock.acquire(), true)
    assert.equal(await pool.apply(tasks.isLocked, [lock]), true)
    assert.equal(await lock.acquire({ timeout: 0 }), false)
    assert.equal(lock.acquireSync({ timeout: 5 }), false)
    assert.equal(await pool.apply(tasks.acquire, [lock, 5]), false)
    await pool.apply(tasks.release, [lock])
    assert.equal(lock.locked, false)
    assert.equal(await pool.apply(tasks.acquire, [lock]), true)
    lock.release()
    assert.throws(() => lock.release(), ValueError)
  })

  test('wakes who waits, in the order they came', async () => {
    const lock = new Lock()
    lock.acquireSync()
    const order: number[] = []
    const waits = [1, 2, 3].map(async n => {
      await lock.acquire()
      order.push(n)
      lock.release()
    })
    lock.release()
    await Promise.all(waits)
    assert.deepEqual(order, [1, 2, 3])
  })

  test('runExclusive releases it whatever happens', async () => {
    const lock = new Lock()
    assert.equal(await lock.runExclusive(async () => lock.locked), true)
    await assert.rejects(
      lock.runExclusive(() => {
        throw new RangeError('mine')
      }),
      RangeError
    )
    assert.throws(
      () =>
        lock.runExclusiveSync(() => {
          throw new RangeError('mine')
        }),
      RangeError
    )
    assert.equal(lock.locked, false)
    lock.acquireSync()
    await assert.rejects(
      lock.runExclusive(() => assert.fail('it ran'), { timeout: 5 }),
      TimeoutError
    )
    assert.throws(() => lock.runExclusiveSync(() => assert.fail('it ran'), { timeout: 5 }), TimeoutError)
  })

  test('an aborted wait rejects with the reason and leaves the lock to others', async () => {
    const lock = new Lock()
    const reason = new Error('enough')
    await assert.rejects(lock.acquire({ signal: AbortSignal.abort(reason) }), reason)
    assert.equal(lock.locked, false)
    lock.acquireSync()
    const controller = new AbortController()
    const aborted = lock.acquire({ signal: controller.signal })
    const other = lock.acquire()
    controller.abort(reason)
    await assert.rejects(aborted, reason)
    lock.release()
    assert.equal(await other, true)
    // Aborted and released at once: whoever is left gets it.
    for (let i = 0; i < 50; i++) {
      const controller = new AbortController()
      const first = lock.acquire({ signal: controller.signal }).catch(() => false)
      const second = lock.acquire()
      if (i % 2 === 0) {
        lock.release()
        controller.abort(reason)
      } else {
        controller.abort(reason)
        lock.release()
      }
      if (await first) lock.release()
      assert.equal(await second, true)
    }
    lock.release()
    assert.equal(lock.locked, false)
  })

  test('is free for a blocking caller, though another of its event loop goes first', { timeout }, async () => {
    const lock = new Lock()
    await lock.acquire()
    const waiting = lock.acquire()
    // Woken in vain, after a while: it claims the next turn.
    for (let i = 0; i < 20; i++) {
      await new Promise(resolve => setTimeout(resolve, 2))
      lock.release()
      lock.acquireSync()
    }
    lock.release()
    assert.equal(lock.acquireSync({ timeout: 10_000 }), true)
    lock.release()
    assert.equal(await waiting, true)
    lock.release()
  })

  test('is not kept free for one that is busy with other things', { timeout }, async () => {
    const lock = new Lock()
    const isBusy = new Event()
    await using pool = new Pool(1)
    await lock.acquire()
    const busy = pool.apply(tasks.waitAndBeBusy, [lock, isBusy, 1200])
    while (!isBusy.isSet()) {
      await new Promise(resolve => setTimeout(resolve, 2))
      lock.release()
      lock.acquireSync()
    }
    const begin = performance.now()
    lock.release()
    assert.equal(await lock.acquire(), true)
    assert.ok(performance.now() - begin < 800, `${performance.now() - begin} ms`)
    lock.release()
    await busy
  })

  test('refuses times that are none', async () => {
    const lock = new Lock()
    await assert.rejects(lock.acquire({ timeout: Number.NaN }), RangeError)
    assert.throws(() => lock.acquireSync({ timeout: '5' as never }), TypeError)
    assert.equal(lock.locked, false)
  })

  test('comes back as the object it is, and reaches a grandchild', async () => {
    const lock = new Lock()
    await using pool = new Pool(1)
    assert.equal(await pool.apply(tasks.makeLock, [lock]), lock)
    assert.equal(await pool.apply(tasks.isSame, [lock, lock]), true)
    const outer = new Process({
      target: async (lock: Lock) => {
        const { Process } = await import('../src/index.ts')
        const inner = new Process({ target: (lock: Lock) => void lock.acquireSync(), args: [lock] })
        inner.start()
        await inner.join()
      },
      args: [lock]
    })
    outer.start()
    await outer.join()
    assert.equal(outer.exitcode, 0)
    // The grandchild ended while it held the lock.
    await assert.rejects(lock.acquire(), OwnerDiedError)
    lock.release()
  })

  test('is captured by a function that is sent', async () => {
    const lock = new Lock()
    await using pool = new Pool(1)
    assert.equal(await pool.apply(() => lock.runExclusiveSync(() => lock.locked)), true)
    assert.equal(lock.locked, false)
  })
})

describe('a dead holder', { timeout }, () => {
  for (const [name, make] of [
    ['Lock', () => new Lock()],
    ['RLock', () => new RLock()]
  ] as const) {
    test(`${name}: the next to ask gets it at once, and is told; those after it are not`, async () => {
      const lock = make()
      await using pool = new Pool(1)
      await assert.rejects(pool.apply(tasks.holdAndDie, [lock]), WorkerDiedError)
      assert.equal(lock.locked, true)
      const begin = performance.now()
      await assert.rejects(lock.acquire(), OwnerDiedError)
      assert.ok(performance.now() - begin < 1000)
      assert.equal(lock.locked, true)
      lock.release()
      assert.equal(await lock.acquire(), true)
      lock.release()
    })
  }

  test('one of those who wait gets it: in the event loop, blocked, and in other processes', async () => {
    const lock = new Lock()
    const hasIt = new Event()
    const holder = new Process({ target: tasks.holdUntilKilled, args: [lock, hasIt] })
    holder.start()
    await using pool = new Pool(2)
    await hasIt.wait()
    const count = SharedArray('i', 2)
    const wait = async (lock: Lock, count: Int32Array, isBlocking: boolean) => {
      try {
        if (isBlocking) lock.acquireSync()
        else await lock.acquire()
        Atomics.add(count, 0, 1)
      } catch {
        Atomics.add(count, 1, 1)
      }
      lock.release()
    }
    const waits = [
      pool.apply(wait, [lock, count, true]),
      pool.apply(wait, [lock, count, false]),
      wait(lock, count, false)
    ]
    holder.kill()
    await Promise.all(waits)
    await holder.join()
    assert.deepEqual([...count], [2, 1])
    assert.equal(lock.locked, false)
  })

  test('runExclusive rejects once, and the lock is free then', async () => {
    const lock = new Lock()
    await using pool = new Pool(1)
    await assert.rejects(pool.apply(tasks.holdAndDie, [lock]), WorkerDiedError)
    await assert.rejects(
      lock.runExclusive(() => assert.fail('it ran')),
      OwnerDiedError
    )
    assert.equal(await lock.runExclusive(() => 5), 5)
  })

  test('a blocked parent, which cannot notice the death, gets the lock all the same', () => {
    const lock = new Lock()
    const hasIt = new Event()
    const child = new Process({ target: tasks.holdAndDie, args: [lock, hasIt] })
    child.start()
    hasIt.waitSync()
    assert.throws(() => lock.acquireSync(), OwnerDiedError)
    lock.release()
    child.joinSync()
  })
})

describe('holders that are killed one after the other', { timeout }, () => {
  for (const name of ['Lock', 'RLock', 'BoundedSemaphore']) {
    test(name, { timeout }, () => killHolders(KINDS[name](), 5))
  }

  test('anywhere in their turns', { timeout }, () => killAnywhere(KINDS.Lock(), 5))
})

test('locks of all kinds that are dropped give their memory back', { timeout }, () => dropLocks(10_000))

describe('an RLock', { timeout }, () => {
  test('is taken again by who holds it, and free after as many releases', async () => {
    const lock = new RLock()
    await using pool = new Pool(1)
    for (let i = 0; i < 3; i++) assert.equal(await lock.acquire(), true)
    assert.equal(await pool.apply(tasks.acquire, [lock, 5]), false)
    await assert.rejects(pool.apply(tasks.release, [lock]), { name: 'ValueError' })
    for (let i = 0; i < 3; i++) {
      assert.equal(lock.locked, true)
      lock.release()
    }
    assert.throws(() => lock.release(), ValueError)
    assert.equal(await pool.apply(tasks.recursive, [lock]), true)
    assert.equal(lock.locked, false)
  })

  test('two tasks of one event loop exclude each other in runExclusive', async () => {
    const lock = new RLock()
    const order: string[] = []
    const task = (name: string) =>
      lock.runExclusive(async () => {
        order.push(`${name} in`)
        await lock.runExclusive(() => new Promise(setImmediate))
        await new Promise(setImmediate)
        order.push(`${name} out`)
      })
    await Promise.all([task('a'), task('b')])
    assert.deepEqual(order, ['a in', 'a out', 'b in', 'b out'])
    assert.equal(lock.locked, false)
  })

  test('what outlives its runExclusive is not inside it any more', async () => {
    const lock = new RLock()
    let isOver = () => {}
    const over = new Promise<void>(resolve => {
      isOver = resolve
    })
    let inside = 0
    let most = 0
    const later = async () => {
      await over
      await lock.runExclusive(async () => {
        most = Math.max(most, ++inside)
        await new Promise(setImmediate)
        inside--
      })
    }
    const left = await lock.runExclusive(() => [later(), later()])
    isOver()
    await Promise.all(left)
    assert.equal(most, 1)
    // One inside another may outlast it, and still release what it holds.
    let leave = () => {}
    let inner: Promise<void> | undefined
    await lock.runExclusive(() => {
      inner = lock.runExclusive(
        () =>
          new Promise<void>(resolve => {
            leave = resolve
          })
      )
    })
    assert.equal(lock.locked, true)
    leave()
    await inner
    assert.equal(lock.locked, false)
  })

  test('what runExclusive holds, nobody else of the process releases', async () => {
    const lock = new RLock()
    let leave = () => {}
    const inside = lock.runExclusive(
      () =>
        new Promise<void>(resolve => {
          leave = resolve
        })
    )
    await new Promise(setImmediate)
    assert.throws(() => lock.release(), ValueError)
    assert.equal(await lock.acquire({ timeout: 5 }), false)
    leave()
    await inside
    assert.equal(lock.locked, false)
  })
})

describe('a Semaphore', { timeout }, () => {
  test('lets in as many as its value', async () => {
    const semaphore = new Semaphore(2)
    assert.equal(semaphore.value, 2)
    assert.equal(await semaphore.acquire(), true)
    assert.equal(semaphore.acquireSync(), true)
    assert.equal(semaphore.locked, true)
    assert.equal(await semaphore.acquire({ timeout: 5 }), false)
    await using pool = new Pool(1)
    assert.equal(await pool.apply(tasks.acquire, [semaphore, 5]), false)
    const waiting = semaphore.acquire()
    await pool.apply(tasks.release, [semaphore])
    assert.equal(await waiting, true)
    for (let i = 0; i < 5; i++) semaphore.release()
    assert.equal(semaphore.value, 5)
  })

  test('a bounded one does not rise above its first value', async () => {
    const semaphore = new BoundedSemaphore(2)
    assert.throws(() => semaphore.release(), ValueError)
    semaphore.acquireSync()
    await using pool = new Pool(1)
    await pool.apply(tasks.release, [semaphore])
    await assert.rejects(pool.apply(tasks.release, [semaphore]), { name: 'ValueError' })
    assert.equal(semaphore.value, 2)
  })

  test('refuses values that are none', () => {
    for (const value of [-1, 1.5, Number.NaN, 2 ** 31, '1' as never])
      assert.throws(() => new Semaphore(value), ValueError)
    assert.equal(new Semaphore(0).locked, true)
  })
})
