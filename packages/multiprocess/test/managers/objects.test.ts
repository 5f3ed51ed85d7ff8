/** What a manager's server keeps, used by this process and by others, over processes and over threads. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { BrokenBarrierError, Empty, Full, SerializationError, TimeoutError, ValueError } from '../../src/index.ts'
import { begin, GROUNDS, joinAll } from '../fixtures/managers/grounds.ts'
import * as tasks from '../fixtures/managers/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

for (const [ground, library] of GROUNDS) {
  describe(`managers over ${ground}`, { timeout }, () => {
    let manager: Awaited<ReturnType<typeof library.Manager>>
    before(async () => {
      manager = await library.Manager()
    })
    after(() => manager.shutdown())

    test('a dict has the methods of a Map, and those of Python', { timeout }, async () => {
      const dict = await manager.dict<string, unknown>({ a: 1 })
      assert.equal(await dict.get('a'), 1)
      assert.equal(await dict.set('b', [1, { deep: true }]), undefined)
      assert.deepEqual(dict.getSync('b'), [1, { deep: true }])
      assert.deepEqual([await dict.has('a'), await dict.has('z'), await dict.get('z')], [true, false, undefined])
      assert.equal(await dict.size(), 2)
      assert.deepEqual(await dict.keys(), ['a', 'b'])
      assert.deepEqual(await dict.values(), [1, [1, { deep: true }]])
      assert.deepEqual(await dict.entries(), [
        ['a', 1],
        ['b', [1, { deep: true }]]
      ])
      await dict.update({ a: 2, c: 3 })
      await dict.update(new Map([['d', 4]]))
      assert.deepEqual(
        await dict.copy(),
        new Map<string, unknown>([
          ['a', 2],
          ['b', [1, { deep: true }]],
          ['c', 3],
          ['d', 4]
        ])
      )
      assert.deepEqual([await dict.pop('c'), await dict.pop('c'), await dict.pop('c', 'none')], [3, undefined, 'none'])
      assert.deepEqual(await dict.popItem(), ['d', 4])
      assert.deepEqual([await dict.setDefault('e', 5), await dict.setDefault('e', 6)], [5, 5])
      assert.deepEqual([await dict.delete('e'), dict.deleteSync('e')], [true, false])
      const seen: unknown[] = []
      for await (const [key] of dict) seen.push(key)
      assert.deepEqual(seen, ['a', 'b'])
      await dict.clear()
      assert.equal(dict.sizeSync(), 0)
      assert.equal(await (await manager.dict(new Map([[1, 'one']]))).get(1), 'one')
      await assert.rejects(manager.dict(5 as never), TypeError)
    })

    test('compute reads, changes and writes in one step', { timeout }, async () => {
      const dict = await manager.dict<string, number>()
      const children = Array.from({ length: 3 }, () => begin(library, tasks.addOnes, dict, 50))
      await joinAll(children)
      assert.equal(await dict.get('sum'), 150)
      const step = 7
      assert.equal(await dict.compute('sum', sum => (sum ?? 0) + step), 157)
      assert.equal(await dict.compute('sum', () => undefined), undefined)
      assert.equal(await dict.has('sum'), false)
      await assert.rejects(dict.compute('sum', (async () => 1) as never), TypeError)
      await assert.rejects(
        dict.compute('sum', () => {
          throw new RangeError('no')
        }),
        RangeError
      )
    })

    test('a list has the methods of an array, and those of Python', { timeout }, async () => {
      const list = await manager.list([3, 1, 2])
      await list.sort()
      assert.deepEqual(await list.copy(), [1, 2, 3])
      await list.sort((a, b) => b - a)
      assert.deepEqual(list.copySync(), [3, 2, 1])
      await list.reverse()
      assert.deepEqual(
        [await list.push(4, 5), await list.pop(), await list.shift(), await list.unshift(0)],
        [5, 5, 1, 4]
      )
      assert.deepEqual([await list.at(-1), await list.at(9), await list.length()], [4, undefined, 4])
      await list.set(-1, 40)
      assert.deepEqual(await list.slice(1, 3), [2, 3])
      assert.deepEqual(await list.splice(1, 2, 7, 8, 9), [2, 3])
      assert.deepEqual(await list.copy(), [0, 7, 8, 9, 40])
      assert.deepEqual([await list.indexOf(8), await list.includes(8), await list.lastIndexOf(1)], [2, true, -1])
      await assert.rejects(list.set(5, 1), RangeError)
      const seen: number[] = []
      for await (const item of list) seen.push(item)
      assert.deepEqual(seen, [0, 7, 8, 9, 40])
      await list.clear()
      assert.equal(await list.length(), 0)
      const objects = await manager.list([{ a: 1 }, { a: 2 }])
      assert.deepEqual([await objects.indexOf({ a: 2 }), await objects.includes({ a: 3 })], [1, false])
    })

    test('sets, namespaces, values and arrays have their methods', { timeout }, async () => {
      const set = await manager.set(['a'])
      await set.add('b')
      await set.update(['b', 'c'])
      assert.deepEqual([await set.has('b'), await set.size(), set.valuesSync()], [true, 3, ['a', 'b', 'c']])
      assert.deepEqual([await set.delete('a'), await set.copy()], [true, new Set(['b', 'c'])])
      const seen: string[] = []
      for await (const value of set) seen.push(value)
      assert.deepEqual(seen, ['b', 'c'])

      const names = await manager.Namespace<{ x: number; y?: string }>({ x: 10 })
      await names.set('y', 'hello')
      assert.deepEqual(
        [await names.get('x'), names.getSync('y'), await names.copy()],
        [10, 'hello', { x: 10, y: 'hello' }]
      )
      assert.deepEqual([await names.has('y'), await names.delete('y'), await names.keys()], [true, true, ['x']])

      const value = await manager.Value('i', 5)
      await value.set((await value.get()) + 1)
      assert.equal(value.getSync(), 6)
      await assert.rejects(
        value.set('six' as never),
        error => error instanceof TypeError || error instanceof ValueError
      )
      const array = await manager.Array('i', [1, 2, 3])
      await array.set(1, 20)
      assert.deepEqual(await array.copy(), [1, 20, 3])
      await assert.rejects(array.push(1.5), error => error instanceof TypeError || error instanceof ValueError)
      await assert.rejects(manager.Value('nothing' as never, 1), error => error instanceof Error)
    })

    test('queues pass items on, and count unfinished ones', { timeout }, async () => {
      const [requests, replies] = [await manager.Queue<unknown>(2), await manager.Queue<unknown>()]
      const child = begin(library, tasks.echo, requests, replies)
      for (let i = 0; i < 20; i++) await requests.put({ i })
      for (let i = 0; i < 20; i++) assert.deepEqual(await replies.get(), { i })
      await requests.put(null)
      await child.join()
      assert.equal(child.exitcode, 0)
      await requests.put(1)
      requests.putSync(2)
      await assert.rejects(requests.putNowait(3), Full)
      await assert.rejects(requests.put(3, { timeout: 5 }), Full)
      assert.deepEqual([await requests.full(), await requests.qsize(), await requests.empty()], [true, 2, false])
      const put = requests.put(3)
      assert.deepEqual([requests.getSync(), await requests.get(), await requests.get()], [1, 2, 3])
      await put
      await assert.rejects(requests.getNowait(), Empty)
      await assert.rejects(requests.get({ timeout: 5 }), Empty)
      assert.throws(() => requests.getSync({ timeout: 5 }), Empty)

      const work = await manager.JoinableQueue<number>()
      const done = await manager.list<number>()
      const worker = begin(library, tasks.doItems, work, done)
      for (let i = 0; i < 5; i++) await work.put(i)
      await work.join()
      assert.deepEqual(await done.copy(), [0, 2, 4, 6, 8])
      await assert.rejects(work.taskDone(), ValueError)
      await work.put(-1)
      await assert.rejects(work.join({ timeout: 5 }), TimeoutError)
      await worker.join()
    })

    test('an aborted wait leaves nothing in the line', { timeout }, async () => {
      const [queue, lock, event] = [await manager.Queue<number>(), await manager.Lock(), await manager.Event()]
      const condition = await manager.Condition()
      const abort = new AbortController()
      await lock.acquire()
      await condition.acquire()
      const waits = [
        queue.get({ signal: abort.signal }),
        lock.acquire({ signal: abort.signal }),
        event.wait({ signal: abort.signal }),
        condition.wait({ signal: abort.signal })
      ]
      const reason = new Error('enough')
      abort.abort(reason)
      for (const wait of waits) await assert.rejects(wait, reason)
      await queue.put(1)
      assert.equal(await queue.getNowait(), 1)
      await lock.release()
      assert.equal(await lock.acquire({ timeout: 0 }), true)
      // The condition's lock is held again.
      await condition.release()
      await assert.rejects(condition.release(), ValueError)
      await assert.rejects(lock.acquire({ signal: AbortSignal.abort(reason) }), reason)
    })

    test('an abort that comes after the success of a call does not undo the call', { timeout }, async () => {
      const queue = await manager.Queue<number>()
      const [first, second] = [new AbortController(), new AbortController()]
      const [a, b] = [queue.get({ signal: first.signal }), queue.get({ signal: second.signal })]
      await queue.put(1)
      first.abort(new Error('late'))
      second.abort(new Error('in time'))
      assert.equal(await a, 1)
      await assert.rejects(b, /in time/)
      assert.equal(await queue.qsize(), 0)
    })

    test('locks exclude each other, and an RLock lets its holder in again', { timeout }, async () => {
      const list = await manager.list([0])
      for (const lock of [await manager.Lock(), await manager.RLock(), await manager.BoundedSemaphore(1)]) {
        await list.set(0, 0)
        const children = [tasks.addUnderLock, tasks.addUnderLockSync].map(task => begin(library, task, lock, list, 40))
        await joinAll(children)
        assert.equal(await list.at(0), 80)
        assert.equal(await lock.locked(), false)
      }
      const lock = await manager.Lock()
      assert.equal(await lock.acquire(), true)
      assert.equal(lock.acquireSync({ timeout: 5 }), false)
      await assert.rejects(
        lock.runExclusive(() => 1, { timeout: 5 }),
        TimeoutError
      )
      await lock.release()
      await assert.rejects(lock.release(), ValueError)
      const again = await manager.RLock()
      await again.runExclusive(() => again.runExclusive(() => undefined))
      await again.acquire()
      assert.equal(again.acquireSync(), true)
      // Two tasks of one process exclude each other.
      await assert.rejects(
        again.runExclusive(() => 1, { timeout: 5 }),
        TimeoutError
      )
      await again.release()
      await again.release()
      await assert.rejects(again.release(), ValueError)
      const order: number[] = []
      await Promise.all(
        [1, 2].map(n =>
          again.runExclusive(async () => {
            order.push(n)
            await list.length()
            order.push(n)
          })
        )
      )
      assert.deepEqual(order, [1, 1, 2, 2])
    })

    test('semaphores, events, conditions and barriers work between clients', { timeout }, async () => {
      const semaphore = await manager.Semaphore(2)
      await semaphore.acquire()
      assert.deepEqual([await semaphore.value(), await semaphore.locked()], [1, false])
      await semaphore.release()
      await semaphore.release()
      assert.equal(semaphore.valueSync(), 3)
      const bounded = await manager.BoundedSemaphore(2)
      await bounded.acquire()
      await bounded.release()
      await assert.rejects(bounded.release(), ValueError)
      await assert.rejects(manager.Semaphore(-1), ValueError)

      const event = await manager.Event()
      assert.equal(await event.wait({ timeout: 5 }), false)
      const waiting = event.wait()
      await event.set()
      assert.deepEqual([await waiting, await event.isSet(), event.waitSync()], [true, true, true])
      await event.clear()
      assert.equal(await event.isSet(), false)

      const [condition, list] = [await manager.Condition(), await manager.list<string>()]
      await assert.rejects(condition.notify(), ValueError)
      await assert.rejects(condition.wait(), ValueError)
      const children = [1, 2].map(() => begin(library, tasks.waitFor, condition, list))
      await condition.acquire()
      await condition.waitFor(() => list.lengthSync() === 2, { timeout: 50 })
      await condition.release()
      while ((await list.length()) < 2) await event.wait({ timeout: 2 })
      await condition.runExclusive(() => condition.notifyAll())
      await joinAll(children)
      assert.deepEqual(await list.copy(), ['waits', 'waits', 'woken', 'woken'])
      assert.equal(await condition.runExclusive(() => condition.wait({ timeout: 5 })), false)
      const shared = await manager.Lock()
      const over = await manager.Condition(shared)
      await over.acquire()
      assert.equal(await shared.locked(), true)
      await over.release()
      await assert.rejects(manager.Condition(event as never), TypeError)

      const [barrier, met] = [await manager.Barrier(3), await manager.list<number>()]
      const parties = [1, 2, 3].map(() => begin(library, tasks.meet, barrier, met))
      for (const party of parties) await party.join()
      assert.deepEqual((await met.copy()).sort(), [0, 1, 2])
      assert.deepEqual([await barrier.parties(), await barrier.nWaiting(), await barrier.broken()], [3, 0, false])
      await assert.rejects(barrier.wait({ timeout: 5 }), BrokenBarrierError)
      assert.equal(await barrier.broken(), true)
      await barrier.reset()
      const left = barrier.wait()
      await barrier.abort()
      await assert.rejects(left, BrokenBarrierError)
    })

    test('a pool at the server runs tasks in children of the server', { timeout }, async () => {
      const pool = await manager.Pool(1)
      assert.equal(await pool.apply(tasks.square, [3]), 9)
      assert.equal(pool.applySync(tasks.square, [4]), 16)
      assert.deepEqual(await pool.map(tasks.square, [1, 2, 3]), [1, 4, 9])
      assert.deepEqual(await pool.starmap((a: number, b: number) => a * b, [[2, 3] as [number, number]]), [6])
      const result = await pool.applyAsync(tasks.square, [5])
      assert.deepEqual([await result.get(), await result.ready(), await result.successful()], [25, true, true])
      const items: number[] = []
      for await (const item of await pool.imap(tasks.square, [1, 2, 3])) items.push(item)
      assert.deepEqual(items, [1, 4, 9])
      const abort = new AbortController()
      const spinning = pool.apply(() => new Promise(resolve => setTimeout(resolve, 1_000_000)), [], {
        signal: abort.signal,
        killAfter: 10
      })
      abort.abort(new Error('stop'))
      await assert.rejects(spinning, /stop/)
      await pool.close()
      await pool.join()
      await assert.rejects(pool.apply(tasks.square, [1]), ValueError)
    })

    test('a value that cannot cross is refused at the call, and errors have both stacks', { timeout }, async () => {
      const dict = await manager.dict()
      await assert.rejects(
        dict.set('socket', { db: new WeakMap() }),
        error => error instanceof SerializationError && error.path === 'args[1].db'
      )
      assert.equal(await dict.size(), 0)
      await assert.rejects(
        async function caller() {
          await (await manager.list()).set(3, 1)
        },
        (error: Error) => {
          assert.match(error.stack as string, /ListObject[\s\S]*called from[\s\S]*caller/)
          return true
        }
      )
    })

    test('a proxy is shown by its type, id and address', { timeout }, async () => {
      const list = await manager.list([1])
      const { id } = (await manager.debugInfo()).at(-1) as { id: number }
      assert.equal(inspect(list), `ListProxy { list, id ${id}, at ${manager.address} }`)
      list[Symbol.dispose]()
      assert.equal(inspect(list), 'ListProxy { disposed }')
      await assert.rejects(list.length(), ValueError)
      while ((await manager.debugInfo()).some(object => object.id === id)) await sleep(5)
    })

    test('calls of one client begin in the order in which it made them', { timeout }, async () => {
      const list = await manager.list<unknown>()
      const sent = Array.from({ length: 200 }, (_, i) => (i % 50 === 0 ? new Map([[i, () => i]]) : i))
      await Promise.all(sent.map(item => list.push(item)))
      const came = await list.copy()
      assert.deepEqual(
        came.map(item => (item instanceof Map ? [...item.keys()][0] : item)),
        Array.from({ length: 200 }, (_, i) => i)
      )
    })
  })
}
