/** What became of each item of `imap`, errors of the input, and the async context in which it is read. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { Pool, type SettledItem } from '../../../src/index.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import { Gate, range, Scratch } from '../../fixtures/pool/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const timeout = limit(60_000)

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const result of results) list.push(result)
  return list
}

test('settled imap gives an object for each item, and no error ends its loop', { timeout }, async () => {
  await using pool = new Pool(2)
  const odd = (n: number) => {
    if (n % 2 === 0) throw new RangeError(`${n} is even`)
    return n * 10
  }
  const ordered = await all(pool.imap(odd, [1, 2, 3], { settled: true, chunksize: 2 }))
  const [first, second, third] = ordered
  assert.deepEqual(
    [first, third],
    [
      { status: 'fulfilled', value: 10, item: 1, index: 0 },
      { status: 'fulfilled', value: 30, item: 3, index: 2 }
    ]
  )
  assert.ok(second.status === 'rejected' && second.reason instanceof RangeError)
  assert.deepEqual([second.item, second.index], [2, 1])
  const unordered: SettledItem<number, number>[] = await all(pool.imapUnordered(odd, range(50), { settled: true }))
  assert.deepEqual(
    unordered.map(({ item, index, status }) => [item, index, status]).sort((a, b) => Number(a[1]) - Number(b[1])),
    range(50).map(n => [n, n, n % 2 === 0 ? 'rejected' : 'fulfilled'])
  )
})

test('a plain imap continues after an item that failed, by next()', { timeout }, async () => {
  await using pool = new Pool(1)
  const results = pool.imap(tasks.fail, ['a', 'b'])
  await assert.rejects(results.next(), { message: 'a' })
  await assert.rejects(results.next(), { message: 'b' })
  assert.deepEqual(await results.next(), { done: true, value: undefined })
})

test('an error of the input comes after the results of the items before it, also without order', {
  timeout
}, async () => {
  await using scratch = await Scratch.create()
  await using pool = new Pool(2)
  for (const method of ['imap', 'imapUnordered'] as const) {
    for (const settled of [false, true]) {
      const gate = new Gate(scratch, `${method}-${settled}`)
      function* failing(): Generator<unknown> {
        yield gate.args
        yield 2
        throw new RangeError('the input')
      }
      const results = pool[method](tasks.holdOrReturn as (item: unknown) => unknown, failing(), {
        settled: settled as false
      })
      const seen: unknown[] = []
      const reading = (async () => {
        for await (const result of results) seen.push(result)
      })()
      // The input has failed when the first item is still held.
      await gate.arrival()
      gate.open()
      await assert.rejects(reading, { message: 'the input' })
      assert.equal(seen.length, 2, `${method} ${settled}`)
    }
  }
})

test('imap reads its input in the async context of the call', { timeout }, async () => {
  await using pool = new Pool(1)
  const storage = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  async function* input(): AsyncGenerator<number> {
    for (const n of range(20)) {
      seen.push(storage.getStore())
      yield n
    }
  }
  const results = storage.run('of the call', () => pool.imap(tasks.square, input(), { buffersize: 2 }))
  await storage.run('of the reader', () => all(results))
  assert.deepEqual(
    seen,
    range(20).map(() => 'of the call')
  )
})
