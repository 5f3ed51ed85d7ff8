/** `mapAsync`, `starmap` and `starmapAsync`. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { Gate, range, Scratch } from '../fixtures/pool/tools.ts'

const pairs = (count: number) => range(count).map((n): [number, string] => [n, `s${n}`])

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await null
    yield item
  }
}

conform('Pool.starmap', ({ face, behaviour, pool: shared }) => {
  const { AsyncResult, Pool, PoolTerminatedError, TimeoutError, ValueError } = face

  behaviour('starmap() passes each item as arguments, and keeps the order of the items', async () => {
    const pool = shared(2)
    assert.deepEqual(await pool.starmap(tasks.list, pairs(500)), pairs(500))
    assert.deepEqual(await pool.starmap(tasks.list, new Set(pairs(5)), 2), pairs(5))
    assert.deepEqual(await pool.starmap(tasks.list, later(pairs(50)), { chunksize: 7 }), pairs(50))
    assert.deepEqual(await pool.starmap(tasks.squareLater, [[2], [3]]), [4, 9])
    assert.deepEqual(await pool.starmap(tasks.nothing, [[], []]), [undefined, undefined])
    assert.deepEqual(await pool.starmap(tasks.list, []), [])
    assert.deepEqual(await pool.starmapAsync(tasks.list, pairs(9)), pairs(9))
  })

  behaviour('starmap() refuses an item that is not an array of arguments, and says so', async () => {
    const pool = shared(1)
    const expected = { name: 'TypeError', message: /item of starmap must be an array of arguments, not number/ }
    await assert.rejects(pool.starmap(tasks.square, [[1], 2] as never), expected)
    await assert.rejects(pool.starmap(tasks.square, [null] as never), { message: /not null/ })
  })

  behaviour('the first error of starmap() is the error of the whole call', async () => {
    const pool = shared(2)
    await assert.rejects(
      pool.starmap(
        tasks.failOnThree,
        range(10).map((n): [number] => [n])
      ),
      { message: 'bad 3' }
    )
  })

  behaviour('mapAsync() returns an AsyncResult at once', async () => {
    await using scratch = await Scratch.create()
    const pool = shared(1)
    const gate = new Gate(scratch)
    const result = pool.mapAsync(tasks.holdOrReturn, [1, gate.args, 3])
    assert.ok(result instanceof AsyncResult)
    assert.equal(result.ready(), false)
    assert.throws(() => result.successful(), ValueError)
    await assert.rejects(result.get({ timeout: 5 }), TimeoutError)
    gate.open()
    assert.deepEqual(await result.get(), [1, 'held', 3])
    assert.equal(result.successful(), true)
  })

  behaviour('mapAsync() takes an asynchronous input', async () => {
    const pool = shared(2)
    assert.deepEqual(await pool.mapAsync(tasks.square, later(range(100))), range(100).map(tasks.square))
  })

  behaviour('mapAsync() calls callback once with all results, and errorCallback once with the error', async () => {
    const pool = shared(2)
    const calls: unknown[] = []
    const callback = (values: number[]) => void calls.push(values)
    const errorCallback = (error: unknown) => void calls.push((error as Error).message)
    await pool.mapAsync(tasks.square, [1, 2, 3], { chunksize: 1, callback, errorCallback }).wait()
    const failed = pool.mapAsync(tasks.failOnThree, range(8), { chunksize: 1, callback, errorCallback })
    await failed.wait()
    assert.equal(failed.successful(), false)
    await null
    await null
    assert.deepEqual(calls, [[1, 4, 9], 'bad 3'])
  })

  behaviour('an error of mapAsync() that is never read is not an unhandled rejection', async () => {
    const pool = shared(1)
    const result = pool.mapAsync(tasks.failOnThree, [3])
    assert.equal(await result.wait(), true)
    await tasks.sleep(10)
  })

  behaviour('mapAsync() throws for invalid arguments at the call', async () => {
    await using pool = new Pool(1)
    assert.throws(() => pool.mapAsync(tasks.square, [1], { chunksize: 0 }), ValueError)
    assert.throws(() => pool.mapAsync(tasks.square, [1], { chunksize: '1' } as never), TypeError)
    assert.throws(() => pool.starmapAsync(tasks.square, [[1]], { chunksize: -1 }), ValueError)
    assert.throws(() => pool.mapAsync(tasks.square, 7 as never), { name: 'TypeError', message: /iterable/ })
    assert.throws(() => pool.mapAsync(7 as never, [1]), TypeError)
    assert.throws(() => pool.mapAsync(tasks.square, [1], { callback: 7 } as never), /callback must be a function/)
    pool.close()
    assert.throws(() => pool.mapAsync(tasks.square, [1]), ValueError)
    assert.throws(() => pool.starmapAsync(tasks.square, [[1]]), ValueError)
    await pool.join()
  })

  behaviour('mapAsync() of a terminated pool fails', async () => {
    const pool = new Pool(1)
    const result = pool.mapAsync(tasks.neverWith, [1, 2, 3])
    const endless = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<number>>(() => {}) }) }
    const input = pool.mapAsync(tasks.square, endless)
    pool.terminate()
    await assert.rejects(result.get(), PoolTerminatedError)
    await assert.rejects(input.get(), PoolTerminatedError)
    await pool.join()
  })

  behaviour('callbacks run in the async context of the call', async () => {
    const pool = shared(1)
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const see = () => void seen.push(storage.getStore())
    const options = { callback: see, errorCallback: see }
    await Promise.all([
      storage.run('apply', () => pool.applyAsync(tasks.square, [1], options)).wait(),
      storage.run('error', () => pool.applyAsync(tasks.fail, ['no'], options)).wait(),
      storage.run('map', () => pool.mapAsync(tasks.square, [1], options)).wait()
    ])
    await new Promise(setImmediate)
    assert.deepEqual(seen.sort(), ['apply', 'error', 'map'])
    assert.equal(
      await storage.run('await', async () => (await pool.apply(tasks.square, [1])) && storage.getStore()),
      'await'
    )
  })
})
