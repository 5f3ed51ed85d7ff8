/** What Python's proxies do in one step is one step here, and lists sort as Python's do. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type SetProxy, ValueError } from '../../src/index.ts'
import { GROUNDS } from '../fixtures/managers/grounds.ts'
import * as tasks from '../fixtures/managers/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

for (const [ground, library] of GROUNDS) {
  describe(`Python's steps over ${ground}`, { timeout }, () => {
    let manager: Awaited<ReturnType<typeof library.Manager>>
    before(async () => {
      manager = await library.Manager()
    })
    after(() => manager.shutdown())

    test('a list removes, counts, inserts and extends, and pops at an index', { timeout }, async () => {
      const list = await manager.list<unknown>([1, 2, { a: 1 }, 2])
      assert.deepEqual([await list.count(2), await list.count({ a: 1 }), list.countSync(9)], [2, 1, 0])
      await list.remove(2)
      list.removeSync({ a: 1 })
      assert.deepEqual(await list.copy(), [1, 2])
      await assert.rejects(list.remove(9), ValueError)
      await list.insert(1, 'one')
      await list.insert(-1, 'last but one')
      await list.insert(99, 'end')
      assert.deepEqual(await list.copy(), [1, 'one', 'last but one', 2, 'end'])
      assert.deepEqual([await list.pop(0), await list.pop(-2), await list.pop()], [1, 2, 'end'])
      await assert.rejects(list.pop(5), RangeError)
      const many = Array.from({ length: 200_000 }, (_, i) => i)
      assert.equal(await list.extend(many.values()), many.length + 2)
    })

    test('sort compares as Python does', { timeout }, async () => {
      const sorted = async (items: readonly unknown[]) => {
        const list = await manager.list(items)
        await list.sort()
        return list.copy()
      }
      assert.deepEqual(await sorted([10, 9, 1, 100, -5, 2.5]), [-5, 1, 2.5, 9, 10, 100])
      assert.deepEqual(await sorted([3n, 2, true, Number.NaN, 0]), [0, true, 2, 3n, Number.NaN])
      assert.deepEqual(await sorted(['b', 'a', 'B', 'aa', '\u{1f600}', '\uffff']), [
        'B',
        'a',
        'aa',
        'b',
        '\uffff',
        '\u{1f600}'
      ])
      assert.deepEqual(await sorted([[2], [1, 'z'], [1, 'a'], [1]]), [[1], [1, 'a'], [1, 'z'], [2]])
      const [older, newer] = [new Date(1), new Date(2)]
      assert.deepEqual(await sorted([newer, older]), [older, newer])
      const mixed = await manager.list<unknown>([2, 'a', 1])
      await assert.rejects(mixed.sort(), /cannot sort the list: .* have no order; give sort a function/)
      assert.deepEqual(await mixed.copy(), [2, 'a', 1])
      await mixed.sort((a, b) => Number(typeof a === 'string') - Number(typeof b === 'string'))
      assert.deepEqual(await mixed.copy(), [2, 1, 'a'])
      await assert.rejects(mixed.sort(5 as never), /compare must be a function/)
    })

    test('a set pops, and returns what it has in common with others', { timeout }, async () => {
      const set = await manager.set([1, 2, 3])
      const others = await manager.set([3, 4])
      assert.deepEqual(await set.union([4]), new Set([1, 2, 3, 4]))
      assert.deepEqual(await set.intersection(await others.values()), new Set([3]))
      assert.deepEqual(await set.difference(new Set([3, 4])), new Set([1, 2]))
      assert.deepEqual(set.symmetricDifferenceSync([3, 4].values()), new Set([1, 2, 4]))
      assert.deepEqual(
        [await set.isSubsetOf([1, 2, 3, 4]), await set.isSupersetOf([1, 4]), await set.isDisjointFrom([4])],
        [true, false, true]
      )
      const popped = [await set.pop(), set.popSync(), await set.pop()]
      assert.deepEqual(popped.sort(), [1, 2, 3])
      await assert.rejects(set.pop(), ValueError)
    })

    test('a dict returns a fallback for a missing key', { timeout }, async () => {
      const dict = await manager.dict<string, number | undefined>({ a: 1, none: undefined })
      assert.deepEqual(
        [await dict.get('a', 5), await dict.get('b', 5), dict.getSync('c', 'none'), await dict.get('none', 5)],
        [1, 5, 'none', undefined]
      )
    })

    test("a pool at the server takes a pool's options", { timeout }, async () => {
      const pool = await manager.Pool(1, { initializer: tasks.remember, initargs: ['kept'], maxTasksPerChild: 100 })
      assert.equal(await pool.apply(tasks.remembered), 'kept')
      await pool.terminate()
      const other = await manager.Pool({ processes: 1, initializer: tasks.remember, initargs: ['again'] })
      assert.equal(other.applySync(tasks.remembered), 'again')
      await other.terminate()
    })

    test('a blocking call refuses a signal, which no code could abort', { timeout }, async () => {
      const [lock, pool] = [await manager.Lock(), await manager.Pool(1)]
      const { signal } = new AbortController()
      assert.throws(() => lock.acquireSync({ signal } as never), /cannot call acquireSync with a signal/)
      assert.equal(await lock.locked(), false)
      assert.throws(() => pool.applySync(tasks.square, [2], { signal } as never), /cannot call applySync with a signal/)
      await pool.terminate()
    })
  })
}

/** Never called: it has to compile. */
export async function compiles(set: SetProxy<number>): Promise<void> {
  const union: Set<number> = await set.union([1])
  const isSubset: boolean = set.isSubsetOfSync(union)
  // @ts-expect-error a value of another type
  await set.add('text')
  // @ts-expect-error a method that sets don't have
  await set.push(isSubset)
}
