/** `multiprocessing.Lock`, `RLock`, `Semaphore`, `BoundedSemaphore`. */
import assert from 'node:assert/strict'
import type { Lock } from '../../src/index.ts'
import { handleOf, payloadAt, wordsOf } from '../../src/memory/shared-object.ts'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/conformance/tasks.ts'
import { limit } from '../fixtures/slowness.ts'
import * as sync from '../fixtures/sync/tasks.ts'

/** Wakes the one that waits for the lock in vain, until it claims the next turn. */
async function claimNextTurn(lock: Lock): Promise<void> {
  const { family } = handleOf(lock)
  const { words, index } = wordsOf(handleOf(lock))
  while (Atomics.load(words, index + 1) === 0) {
    family.lot.unpark(payloadAt(handleOf(lock)))
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

const TIMES = Number(process.env.MULTIPROCESS_TEST_RUNS ?? 12_000)

for (const name of ['Lock', 'RLock', 'Semaphore', 'BoundedSemaphore'] as const) {
  conform(`each lock: ${name}`, ({ face, behaviour, pool }) => {
    const { Array: SharedArray, TimeoutError, ValueError } = face
    const make = (): Lock => new face[name]()

    behaviour('acquire() locks an unlocked lock and returns true', async () => {
      const lock = make()
      assert.equal(lock.locked, false)
      assert.equal(await lock.acquire(), true)
      assert.equal(lock.locked, true)
      lock.release()
      assert.equal(lock.acquireSync(), true)
      assert.equal(await pool().apply(tasks.get, [lock, 'locked']), true)
    })

    behaviour('acquire() in another process returns false once its timeout has expired', async () => {
      const lock = make()
      lock.acquireSync()
      assert.equal(await pool().apply(tasks.call, [lock, 'acquire', { timeout: 5 }]), false)
      assert.equal(await pool().apply(tasks.call, [lock, 'acquireSync', { timeout: 5 }]), false)
    })

    behaviour('a timeout of 0 does not block, and a negative timeout is treated as 0', async () => {
      const lock = make()
      lock.acquireSync()
      for (const timeout of [0, -1]) {
        assert.equal(await pool().apply(tasks.call, [lock, 'acquire', { timeout }]), false)
        assert.equal(await pool().apply(tasks.call, [lock, 'acquireSync', { timeout }]), false)
      }
    })

    behaviour('acquire() blocks until the lock is unlocked', async () => {
      const lock = make()
      lock.acquireSync()
      const elsewhere = [
        pool().apply(tasks.callAll, [lock, ['acquireSync'], ['release']]),
        pool().apply(tasks.call, [lock, 'runExclusive', tasks.identity])
      ]
      lock.release()
      await Promise.all(elsewhere)
      assert.equal(lock.locked, false)
    })

    behaviour('release() of a lock that no process holds raises ValueError', () => {
      const lock = make()
      if (name === 'Semaphore') lock.release()
      else assert.throws(() => lock.release(), ValueError)
    })

    behaviour('acquire() refuses a timeout that is not a number of milliseconds, and takes nothing', async () => {
      const lock = make()
      await assert.rejects(lock.acquire({ timeout: Number.NaN }), RangeError)
      assert.throws(() => lock.acquireSync({ timeout: '5' as never }), TypeError)
      assert.equal(lock.locked, false)
    })

    behaviour('acquire() refuses invalid options before it waits', async () => {
      const lock = make()
      lock.acquireSync()
      for (const options of [5, false, null, 'x', { signal: {} }] as never[]) {
        await assert.rejects(lock.acquire(options), TypeError)
        assert.throws(() => lock.acquireSync(options), TypeError)
        await assert.rejects(
          lock.runExclusive(() => {}, options),
          TypeError
        )
      }
      await assert.rejects(lock.runExclusive(undefined as never), TypeError)
      assert.throws(() => lock.runExclusiveSync(5 as never), TypeError)
      assert.throws(() => lock.runExclusiveSync(async () => {}), /must not be async/)
      lock.release()
      assert.equal(lock.locked, false)
    })

    behaviour('acquire() whose signal is already aborted rejects with the reason, and takes nothing', async () => {
      const lock = make()
      const reason = new Error('enough')
      await assert.rejects(lock.acquire({ signal: AbortSignal.abort(reason) }), reason)
      assert.equal(lock.locked, false)
    })

    behaviour('runExclusive() releases the lock whatever happens', async () => {
      const lock = make()
      assert.equal(await lock.runExclusive(async () => lock.locked), true)
      assert.equal(
        lock.runExclusiveSync(() => lock.locked),
        true
      )
      const fail = () => tasks.fail('mine')
      await assert.rejects(lock.runExclusive(fail), RangeError)
      assert.throws(() => lock.runExclusiveSync(fail), RangeError)
      assert.equal(lock.locked, false)
    })

    behaviour('runExclusive() raises TimeoutError, and does not call fn, if the lock is not free in time', async () => {
      const lock = make()
      await pool().apply(tasks.call, [lock, 'acquireSync'])
      await assert.rejects(
        lock.runExclusive(() => assert.fail('it ran'), { timeout: 5 }),
        TimeoutError
      )
      assert.throws(() => lock.runExclusiveSync(() => assert.fail('it ran'), { timeout: 5 }), TimeoutError)
    })

    behaviour('a lock that comes back is the same object, and it is the same lock in the other process', async () => {
      const lock = make()
      assert.equal(await pool().apply(tasks.identity<Lock>, [lock]), lock)
      assert.equal(await pool().apply(sync.isSame, [lock, lock]), true)
    })

    behaviour('a function that is sent can capture the lock', async () => {
      const lock = make()
      assert.equal(await pool().apply(() => lock.runExclusiveSync(() => lock.locked)), true)
      assert.equal(lock.locked, false)
    })

    behaviour('blocking and asynchronous callers of 4 processes count without losing a step', async () => {
      const lock = make()
      const counter = SharedArray('i', 1)
      const ways = [sync.countBlocking, sync.countAsync, sync.countConcurrently, sync.countBlocking]
      const times = TIMES / 4 - ((TIMES / 4) % 3)
      await Promise.all(ways.map(way => pool(4).apply(way as typeof sync.countAsync, [lock, counter, times])))
      assert.equal(counter[0], 4 * times)
      assert.equal(lock.locked, false)
    })
  })
}

conform('Lock', ({ face, behaviour, pool, start }) => {
  const { Array: SharedArray, Event, Lock, OwnerDiedError, Process, RawArray } = face

  behaviour('once a process has acquired a lock, further attempts to acquire it block, its own too', async () => {
    const lock = new Lock()
    lock.acquireSync()
    assert.equal(lock.acquireSync({ timeout: 0 }), false)
    assert.equal(await lock.acquire({ timeout: 5 }), false)
  })

  behaviour('any process can release a lock', async () => {
    const lock = new Lock()
    lock.acquireSync()
    await pool().apply(tasks.call, [lock, 'release'])
    assert.equal(lock.locked, false)
    await pool().apply(tasks.call, [lock, 'acquireSync'])
    lock.release()
    assert.equal(lock.locked, false)
  })

  behaviour('ValueError from releasing an unlocked lock is a ValueError in the other process, too', async () => {
    assert.equal(await pool().apply(tasks.errorOf, [new Lock(), 'release']), 'ValueError')
  })

  behaviour('waiters get the lock in the order in which they arrived', async () => {
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

  behaviour('acquire() that is aborted rejects with the reason and leaves the lock to others', async () => {
    const lock = new Lock()
    const reason = new Error('enough')
    lock.acquireSync()
    // Aborted and released at once: whoever is left gets it.
    for (let i = 0; i < 50; i++) {
      const controller = new AbortController()
      const first = lock.acquire({ signal: controller.signal }).catch(error => {
        assert.equal(error, reason)
        return false
      })
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

  behaviour('no waiter starves while another process takes the lock again and again', async () => {
    const lock = new Lock()
    const turns = RawArray('i', 2)
    await Promise.all([0, 1].map(me => pool().apply(sync.takeTurns, [lock, turns, me, 50])))
  })

  behaviour(
    'a free lock goes to a blocking caller, even if another waiter of its event loop is first in line',
    async () => {
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
      assert.equal(lock.acquireSync({ timeout: limit(10_000) }), true)
      lock.release()
      assert.equal(await waiting, true)
      lock.release()
    }
  )

  behaviour('a lock is not kept free for a waiter whose event loop is busy', async () => {
    const lock = new Lock()
    const [isWaiting, beBusy, isBusy, goOn] = [new Event(), new Event(), new Event(), new Event()]
    await lock.acquire()
    const busy = pool().apply(sync.waitAndBlock, [lock, isWaiting, beBusy, isBusy, goOn])
    await isWaiting.wait()
    await claimNextTurn(lock)
    beBusy.set()
    await isBusy.wait()
    lock.release()
    // It is busy until this one has had the lock.
    const isMine = await lock.acquire({ timeout: limit(10_000) })
    if (isMine) lock.release()
    goOn.set()
    await busy
    assert.ok(isMine, 'it was kept for one that did not come')
  })

  behaviour('a lock is not kept from callers that only try it, for a waiter whose event loop is busy', async () => {
    const lock = new Lock()
    const [isWaiting, beBusy, isBusy, goOn] = [new Event(), new Event(), new Event(), new Event()]
    await lock.acquire()
    const busy = pool().apply(sync.waitAndBlock, [lock, isWaiting, beBusy, isBusy, goOn])
    await isWaiting.wait()
    await claimNextTurn(lock)
    beBusy.set()
    await isBusy.wait()
    lock.release()
    // It is busy until this one has had the lock.
    const end = performance.now() + limit(10_000)
    let isMine = false
    while (!isMine && performance.now() < end) {
      isMine = lock.acquireSync({ timeout: 0 })
      await new Promise(setImmediate)
    }
    if (isMine) lock.release()
    goOn.set()
    await busy
    assert.ok(isMine, 'it was free, and not to be had')
  })

  behaviour('a grandchild gets the lock, and the parent learns that it ended while it held the lock', async () => {
    const lock = new Lock()
    const outer = start(tasks.runInChild, Process, tasks.call, lock, 'acquireSync')
    await outer.join()
    assert.equal(outer.exitcode, 0)
    await assert.rejects(lock.acquire(), OwnerDiedError)
    lock.release()
  })

  behaviour('one waiter gets the lock from a dead holder and is told, and the others are not told', async () => {
    const lock = new Lock()
    const hasIt = new Event()
    const holder = start(tasks.holdForEver, lock, hasIt)
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
      pool().apply(wait, [lock, count, true]),
      pool().apply(wait, [lock, count, false]),
      wait(lock, count, false)
    ]
    holder.kill()
    await Promise.all(waits)
    await holder.join()
    assert.deepEqual([...count], [2, 1])
    assert.equal(lock.locked, false)
  })

  for (const name of ['Lock', 'RLock'] as const) {
    behaviour(`the next process to ask for the ${name} of a dead holder gets it, and is told`, async () => {
      const lock = new face[name]()
      const hasIt = new Event()
      const holder = start(tasks.holdForEver, lock, hasIt)
      await hasIt.wait()
      holder.kill()
      await holder.join()
      assert.equal(lock.locked, true)
      await assert.rejects(lock.acquire(), OwnerDiedError)
      assert.equal(lock.locked, true)
      lock.release()
      assert.equal(await lock.acquire(), true)
      lock.release()
    })
  }

  behaviour('runExclusive() after a death rejects once, and the lock is free then', async () => {
    const lock = new Lock()
    const hasIt = new Event()
    const holder = start(tasks.holdForEver, lock, hasIt)
    await hasIt.wait()
    holder.kill()
    await holder.join()
    await assert.rejects(
      lock.runExclusive(() => assert.fail('it ran')),
      OwnerDiedError
    )
    assert.equal(await lock.runExclusive(() => 5), 5)
  })

  behaviour('a blocked parent gets the lock of a dead child, although it cannot notice the death', () => {
    const lock = new Lock()
    const hasIt = new Event()
    const holder = start(tasks.holdForEver, lock, hasIt)
    hasIt.waitSync()
    holder.kill()
    assert.throws(() => lock.acquireSync(), OwnerDiedError)
    lock.release()
    holder.joinSync()
  })
})

conform('RLock', ({ face, behaviour, pool }) => {
  const { Lock, RLock, ValueError } = face

  behaviour('the holder of an RLock can acquire it again without blocking', async () => {
    const lock = new RLock()
    assert.ok(lock instanceof Lock)
    for (let i = 0; i < 3; i++) assert.equal(await lock.acquire(), true)
    assert.equal(lock.acquireSync(), true)
    assert.equal(await pool().apply(tasks.call, [lock, 'acquireSync', { timeout: 5 }]), false)
  })

  behaviour('an RLock must be released as often as it was acquired', async () => {
    const lock = new RLock()
    for (let i = 0; i < 3; i++) lock.acquireSync()
    for (let i = 0; i < 3; i++) {
      assert.equal(lock.locked, true)
      assert.equal(await pool().apply(tasks.call, [lock, 'acquireSync', { timeout: 0 }]), false)
      lock.release()
    }
    assert.equal(lock.locked, false)
    assert.throws(() => lock.release(), ValueError)
  })

  behaviour('an RLock can be released only by the process that acquired it', async () => {
    const lock = new RLock()
    lock.acquireSync()
    assert.equal(await pool().apply(tasks.errorOf, [lock, 'release']), 'ValueError')
    assert.equal(lock.locked, true)
  })

  behaviour('runExclusive() can run inside runExclusive() of the same lock', async () => {
    const lock = new RLock()
    assert.equal(await pool().apply(sync.recursive, [lock]), true)
    assert.equal(lock.locked, false)
  })

  behaviour('runExclusiveSync() does not block in the process that has acquired the RLock', () => {
    const lock = new RLock()
    lock.acquireSync()
    assert.equal(
      lock.runExclusiveSync(() => lock.runExclusiveSync(() => lock.locked), { timeout: 0 }),
      true
    )
    assert.equal(lock.locked, true)
    lock.release()
    assert.equal(lock.locked, false)
  })

  behaviour('two tasks of one event loop exclude each other in runExclusive()', async () => {
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

  behaviour('code that outlives its runExclusive() is no longer inside it', async () => {
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
  })

  behaviour('a runExclusive() inside another may last longer, and still releases its own hold', async () => {
    const lock = new RLock()
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

  behaviour('other code of the process cannot release the hold of runExclusive()', async () => {
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

conform('Semaphore', ({ face, behaviour, pool }) => {
  const { BoundedSemaphore, Semaphore, ValueError } = face

  behaviour('acquire() counts a semaphore down, and release() counts it up', async () => {
    const semaphore = new Semaphore(2)
    assert.ok(semaphore instanceof face.Lock)
    assert.equal(semaphore.value, 2)
    assert.equal(await semaphore.acquire(), true)
    assert.equal(semaphore.value, 1)
    assert.equal(semaphore.acquireSync(), true)
    assert.equal(semaphore.value, 0)
    semaphore.release()
    assert.equal(semaphore.value, 1)
  })

  behaviour('the first argument is the initial value, which is 1 by default', () => {
    assert.equal(new Semaphore().value, 1)
    assert.equal(new Semaphore(7).value, 7)
    assert.equal(new Semaphore(0).locked, true)
    assert.equal(new BoundedSemaphore().value, 1)
  })

  behaviour('an initial value below 0 raises ValueError, and one that is not a number raises TypeError', () => {
    for (const type of [Semaphore, BoundedSemaphore]) {
      for (const value of [-1, 1.5, Number.NaN, 2 ** 31]) assert.throws(() => new type(value), ValueError)
      const message = /^value must be an integer from 0 to \d+, got '1' \(a string\)$/
      assert.throws(() => new type('1' as never), { name: 'TypeError', message })
    }
  })

  behaviour('acquire() blocks while the counter is 0, until another process calls release()', async () => {
    const semaphore = new Semaphore(0)
    assert.equal(await semaphore.acquire({ timeout: 5 }), false)
    assert.equal(await pool().apply(tasks.call, [semaphore, 'acquireSync', { timeout: 5 }]), false)
    const waiting = semaphore.acquire()
    await pool().apply(tasks.call, [semaphore, 'release'])
    assert.equal(await waiting, true)
  })

  behaviour('the value of a semaphore is the same in all processes', async () => {
    const semaphore = new Semaphore(5)
    await pool().apply(tasks.callAll, [semaphore, ['acquireSync'], ['acquireSync']])
    assert.equal(semaphore.value, 3)
    assert.equal(await pool().apply(tasks.get, [semaphore, 'value']), 3)
  })

  behaviour('release() may raise the counter above the initial value', () => {
    const semaphore = new Semaphore(1)
    for (let i = 0; i < 5; i++) semaphore.release()
    assert.equal(semaphore.value, 6)
  })

  behaviour('each release() wakes one waiter', async () => {
    const semaphore = new Semaphore(0)
    const waits = [semaphore.acquire(), pool().apply(tasks.call, [semaphore, 'acquireSync']), semaphore.acquire()]
    for (let i = 0; i < 3; i++) semaphore.release()
    assert.deepEqual(await Promise.all(waits), [true, true, true])
    assert.equal(semaphore.value, 0)
  })

  behaviour(
    'release() of a BoundedSemaphore past the initial value raises ValueError, here and elsewhere',
    async () => {
      const semaphore = new BoundedSemaphore(2)
      assert.ok(semaphore instanceof Semaphore)
      assert.throws(() => semaphore.release(), ValueError)
      semaphore.acquireSync()
      await pool().apply(tasks.call, [semaphore, 'release'])
      assert.equal(await pool().apply(tasks.errorOf, [semaphore, 'release']), 'ValueError')
      assert.equal(semaphore.value, 2)
    }
  )
})
