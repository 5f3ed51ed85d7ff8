/** What programs give to managers: what makes no sense is refused and loses nothing, and what does is taken. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ValueError } from '../../src/index.ts'
import { GROUNDS } from '../fixtures/managers/grounds.ts'
import * as tasks from '../fixtures/managers/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

for (const [ground, library] of GROUNDS) {
  describe(`what is given to managers over ${ground}`, { timeout }, () => {
    let manager: Awaited<ReturnType<typeof library.Manager>>
    before(async () => {
      manager = await library.Manager()
    })
    after(() => manager.shutdown())

    test('a list finds a proxy by what it stands for', { timeout }, async () => {
      const [a, b, c] = [await manager.list([1]), await manager.list([1]), await manager.list([1])]
      const list = await manager.list<unknown>([a, b, [b]])
      assert.deepEqual([await list.indexOf(b), await list.lastIndexOf(a), await list.indexOf([b])], [1, 0, 2])
      assert.deepEqual([await list.includes(c), await list.includes([a])], [false, false])
      assert.notDeepEqual(a, b)
      assert.deepEqual([await list.at(1)], [b])
    })

    test('a promise where an answer is due harms no other client', { timeout }, async () => {
      const fails = async () => {
        throw new RangeError('nobody sees it')
      }
      const barrier = await manager.Barrier(1, { action: fails })
      await assert.rejects(barrier.wait(), /action .* may not be asynchronous/)
      assert.equal(await barrier.broken(), true)
      const list = await manager.list([3, 1, 2])
      await assert.rejects(list.sort(fails as never), /compare .* may not be asynchronous/)
      await assert.rejects((await manager.dict()).compute('a', fails as never), /fn .* may not be asynchronous/)
      assert.deepEqual(await list.copy(), [3, 1, 2])
    })

    test('the objects of a server refuse invalid options and numbers', { timeout }, async () => {
      const wrong: [Promise<unknown>, string, RegExp][] = [
        [manager.Queue('3' as never), 'TypeError', /^maxsize must be an integer, got '3' \(a string\)$/],
        [manager.JoinableQueue(1.5), 'ValueError', /^maxsize must be an integer, got 1.5$/],
        [manager.Semaphore(null as never), 'TypeError', /^value must be an integer of 0 or more, got null$/],
        [manager.BoundedSemaphore(-1), 'ValueError', /^value must be an integer of 0 or more, got -1$/],
        [manager.Barrier(0), 'ValueError', /^parties must be a positive integer, got 0$/],
        [manager.Barrier(2, { timout: 1 } as never), 'TypeError', /^unknown option 'timout': did you mean 'timeout'\?/],
        [
          manager.Condition({} as never),
          'TypeError',
          /^lock must be a Lock or an RLock of the same manager, got an object$/
        ]
      ]
      for (const [made, name, message] of wrong) await assert.rejects(made, { name, message })
    })

    test('an invalid signal is refused before anything is done', { timeout }, async () => {
      const [lock, queue] = [await manager.Lock(), await manager.Queue<number>()]
      await queue.put(1)
      for (const signal of [{}, 5, null] as never[]) {
        await assert.rejects(lock.acquire({ signal }), /signal must be an AbortSignal/)
        await assert.rejects(queue.get({ signal }), /signal must be an AbortSignal/)
      }
      assert.deepEqual([await lock.locked(), await queue.qsize()], [false, 1])
    })

    test('an invalid argument rejects the promise that a call returns, and does not throw', { timeout }, async () => {
      const [lock, again, event] = [await manager.Lock(), await manager.RLock(), await manager.Event()]
      const [queue, condition] = [await manager.JoinableQueue(), await manager.Condition()]
      const wrong = { timeout: 'soon' as never }
      const calls = [
        () => lock.acquire(wrong),
        () => again.acquire(wrong),
        () => event.wait(wrong),
        () => queue.put(1, wrong),
        () => queue.get(wrong),
        () => queue.join(wrong),
        () => condition.wait(wrong),
        () => condition.runExclusive(5 as never),
        () => manager.list(5 as never),
        () => manager.list(null as never),
        () => manager.set(5 as never),
        () => manager.dict(5 as never),
        () => manager.Array('i', 5 as never),
        () => manager.Namespace(5 as never)
      ]
      for (const call of calls) {
        const promise = call()
        await assert.rejects(promise, TypeError, String(call))
      }
      assert.throws(() => condition.runExclusiveSync(async () => {}), /must not be async/)
      await assert.rejects(new library.SyncManager().numberOfObjects(), ValueError)
    })

    test('notify wakes as many waiters as it is asked for', { timeout }, async () => {
      const condition = await manager.Condition()
      const waits = [1, 2].map(() => condition.runExclusive(() => condition.wait({ timeout: 50 })))
      await condition.runExclusive(async () => {
        for (const count of [-1, Number.NaN]) await assert.rejects(condition.notify(count), ValueError)
        await assert.rejects(condition.notify('x' as never), /^TypeError: n must be an integer of 0 or more, got 'x'/)
        await condition.notify(0)
      })
      assert.deepEqual(await Promise.all(waits), [false, false])
    })

    test("a condition's lock is held by a runExclusive of the condition or of the lock, and by no other", {
      timeout
    }, async () => {
      const lock = await manager.RLock()
      const condition = await manager.Condition(lock)
      const events: string[] = []
      const waiting = lock.runExclusive(async () => {
        events.push('waits')
        await condition.runExclusive(async () => condition.wait())
        await condition.notify()
        events.push('woken')
      })
      while (events.length === 0 || (await lock.locked())) await condition.locked()
      await condition.runExclusive(async () => {
        assert.equal(await lock.acquire({ timeout: 0 }), true)
        await lock.release()
        lock.runExclusiveSync(() => condition.notifySync())
        // It is this one's still.
        events.push('notified')
        assert.equal(await lock.locked(), true)
      })
      await waiting
      assert.deepEqual(events, ['waits', 'notified', 'woken'])
      assert.equal(await lock.locked(), false)
      // What two tasks have in common is another lock: it does not let one into the other's.
      const common = await manager.RLock()
      let isInside = false
      const enter = () =>
        condition.runExclusive(async () => {
          assert.equal(isInside, false)
          isInside = true
          await lock.locked()
          isInside = false
        })
      await common.runExclusive(() => Promise.all([enter(), enter(), lock.runExclusive(enter)]))
    })

    test('any iterable is accepted, however long it is', { timeout }, async () => {
      const [dict, set, pool] = [
        await manager.dict<number, number>(),
        await manager.set<number>(),
        await manager.Pool(1)
      ]
      await dict.update(new Map([[1, 2]]).entries())
      dict.updateSync(new Map([[3, 4]]).entries())
      assert.deepEqual(await dict.entries(), [
        [1, 2],
        [3, 4]
      ])
      await set.update(new Map([[1, 2]]).keys())
      set.updateSync([2, 3].values())
      assert.deepEqual(await set.values(), [1, 2, 3])
      assert.deepEqual(await pool.map(tasks.square, new Set([1, 2]).values()), [1, 4])
      assert.deepEqual(pool.mapSync(tasks.square, [3, 4].values()), [9, 16])
      await pool.terminate()
      const many = Array.from({ length: 200_000 }, (_, i) => i)
      assert.equal(await (await manager.Array('i', many)).length(), many.length)
    })
  })
}
