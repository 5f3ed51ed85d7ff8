/** One suite over both: the local pool, and machines with a server. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, type TestContext, test } from 'node:test'
import {
  type MultiprocessError,
  PoolTerminatedError,
  SerializationError,
  TimeoutError,
  ValueError,
  WorkerDiedError
} from 'multiprocess'
import { ClusterPool, type ClusterPoolOptions } from '../src/index.ts'
import { closeAll } from './fixtures/opened.ts'
import { KEY, startWorker } from './fixtures/programs.ts'
import { missing, RedisServer } from './fixtures/redis.ts'
import * as tasks from './fixtures/tasks.ts'
import { range, Scratch, until } from './fixtures/tools.ts'

const timeout = 60_000

for (const where of ['this machine', 'a cluster'] as const) {
  const isLocal = where === 'this machine'
  describe(`a ClusterPool on ${where}`, { skip: isLocal ? false : missing, timeout: 5 * timeout }, () => {
    let options: ClusterPoolOptions = { processes: 2 }
    let pool: ClusterPool
    before(async () => {
      if (!isLocal) {
        const server = await RedisServer.start()
        await startWorker(server.url, 'both', ['--processes', '2'])
        options = { url: server.url, name: 'both', key: KEY }
      }
      pool = new ClusterPool(options)
    })
    after(async () => {
      await pool[Symbol.asyncDispose]()
      await closeAll()
    })
    const it = (name: string, run: (t: TestContext) => unknown) => test(name, { timeout }, t => run(t) as Promise<void>)

    it('apply runs a function of a module, a closure and a builtin', async () => {
      const factor = 3
      assert.equal(await pool.apply(tasks.square, [7]), 49)
      assert.equal(await pool.apply((n: number) => n * factor, [7]), 21)
      assert.equal(await pool.apply(Math.max, [1, 3, 2]), 3)
      assert.equal(
        await pool.apply({ module: new URL('./fixtures/tasks.js', import.meta.url), export: 'square' }, [4]),
        16
      )
      assert.notEqual(await pool.apply(tasks.pid), process.pid)
    })

    it('values keep their kind', async () => {
      const value = {
        map: new Map([[{ key: 1 }, new Set([1])]]),
        nan: Number.NaN,
        bytes: new Uint8Array([1, 2]),
        date: new Date(1000),
        big: 2n ** 70n,
        nothing: undefined,
        minus: -0
      }
      assert.deepEqual(await pool.apply(tasks.identity<typeof value>, [value]), value)
      const large = new Float64Array(1 << 17).fill(1.5)
      assert.deepEqual(await pool.apply(tasks.identity<Float64Array>, [large]), large)
    })

    it('map, starmap, imap and imapUnordered give each result once, in their order', async () => {
      const items = range(3000)
      const squares = items.map(n => n * n)
      assert.deepEqual(await pool.map(tasks.square, items), squares)
      assert.deepEqual(await pool.map(tasks.square, items, 100), squares)
      assert.deepEqual(
        await pool.starmap(
          tasks.add,
          items.map(n => [n, 1] as [number, number])
        ),
        items.map(n => n + 1)
      )
      const ordered: number[] = []
      for await (const n of pool.imap(tasks.square, items)) ordered.push(n)
      assert.deepEqual(ordered, squares)
      const unordered: number[] = []
      for await (const n of pool.imapUnordered(tasks.square, items)) unordered.push(n)
      assert.deepEqual(
        unordered.sort((a, b) => a - b),
        squares
      )
      assert.deepEqual(await pool.map(tasks.square, []), [])
    })

    it('applyAsync, mapAsync and starmapAsync return an AsyncResult and call back once', async () => {
      const calls: unknown[] = []
      const callback = (value: unknown) => calls.push(value)
      const errorCallback = (error: unknown) => calls.push((error as Error).message)
      assert.equal(await pool.applyAsync(tasks.square, [3], { callback }), 9)
      const failed = pool.applyAsync(tasks.fail, ['no'], { errorCallback })
      assert.equal(await failed.wait(), true)
      assert.equal(failed.successful(), false)
      assert.deepEqual(await pool.mapAsync(tasks.square, [1, 2], { callback }).get(), [1, 4])
      assert.deepEqual(await pool.starmapAsync(tasks.add, [[1, 2]]), [3])
      assert.deepEqual(calls, [9, 'no', [1, 4]])
    })

    it('map rejects with the error of the first item of a chunk that fails, and with the first error of any chunk', async () => {
      type Ends = [ms: number, end: 'return' | 'throw', message: string][]
      const error = async (items: Ends, chunksize: number) =>
        assert.rejects(pool.starmap(tasks.endAfter, items, chunksize), { name: 'RangeError', message: 'right' })
      await error(
        [
          [100, 'throw', 'right'],
          [0, 'throw', 'wrong']
        ],
        2
      )
      await error(
        [
          [50, 'return', ''],
          [100, 'throw', 'right'],
          [0, 'return', ''],
          [0, 'throw', 'wrong']
        ],
        4
      )
      await error(
        [
          [100, 'return', ''],
          [0, 'throw', 'right']
        ],
        2
      )
      await error(
        [
          [5000, 'throw', 'wrong'],
          [0, 'throw', 'right']
        ],
        1
      )
    })

    it('an error arrives with its class and message, and an error of map is that of the whole map', async () => {
      await assert.rejects(pool.apply(tasks.fail, ['no']), { name: 'RangeError', message: 'no' })
      await assert.rejects(pool.map(tasks.fail, ['no', 'never']), RangeError)
      assert.equal(await pool.apply(tasks.square, [2]), 4)
    })

    it('a value that cannot cross is refused at the call', async () => {
      assert.throws(() => pool.applyAsync(tasks.identity, [Symbol('here')]), SerializationError)
      await assert.rejects(pool.apply('square' as never), TypeError)
      await assert.rejects(pool.map(tasks.square, [1], { chunksize: 0 }), ValueError)
      await assert.rejects(pool.apply(tasks.square, [1], { retries: -1 }), ValueError)
    })

    it('a task that takes longer than its timeout rejects with TimeoutError', async () => {
      await assert.rejects(pool.apply(tasks.wait, [60_000], { timeout: 100, killAfter: 100 }), TimeoutError)
      await assert.rejects(pool.map(tasks.compute, [1, 60_000], { timeout: 200, killAfter: 50 }), TimeoutError)
      assert.equal(await pool.apply(tasks.square, [2]), 4)
    })

    it('a task is aborted by its signal, even when it runs', async () => {
      using scratch = new Scratch()
      const file = scratch.file('abort')
      const controller = new AbortController()
      const result = pool.apply(tasks.untilAborted, [file], { signal: controller.signal })
      await until(async () => (await readFile(file, 'utf8').catch(() => '')) === 'begun\n')
      controller.abort(new Error('enough'))
      await assert.rejects(result, { message: 'enough' })
      await until(async () => (await readFile(file, 'utf8')).includes('aborted'))
      await assert.rejects(pool.apply(tasks.square, [1], { signal: AbortSignal.abort(new Error('before')) }), {
        message: 'before'
      })
    })

    it('a task whose process is killed runs again, and after its last try rejects with WorkerDiedError', async () => {
      using scratch = new Scratch()
      const items = range(20).map(n => ({ file: scratch.file('die'), n }))
      assert.deepEqual(await pool.map(tasks.dieOnce, items, { retries: 1, chunksize: 1 }), range(20))
      const kill = () => process.kill(process.pid, 'SIGKILL')
      await assert.rejects(pool.apply(kill, [], { retries: 0 }), WorkerDiedError)
    })

    it('progress is reported as results arrive', async () => {
      const told: number[] = []
      await pool.map(tasks.square, range(500), { progress: done => told.push(done) })
      assert.equal(told.at(-1), 500)
    })

    it('an endless input is read no further than buffersize, and closed when the loop is left', async () => {
      let taken = 0
      let isClosed = false
      const endless = function* () {
        try {
          for (;;) yield taken++
        } finally {
          isClosed = true
        }
      }
      let seen = 0
      for await (const _ of pool.imap(tasks.square, endless(), { buffersize: 10 })) {
        assert.ok(taken <= seen + 11, `${taken} taken, ${seen} seen`)
        if (++seen === 50) break
      }
      assert.equal(isClosed, true)
    })

    it('10,000 tasks at once each give their own result', async () => {
      // Some of what the tests before left under way may still come.
      await until(() => pool.stats.pending === 0)
      const before = pool.stats.completed
      const results = await Promise.all(range(10_000).map(n => pool.apply(tasks.square, [n])))
      assert.deepEqual(
        results,
        range(10_000).map(n => n * n)
      )
      assert.equal(pool.stats.completed, before + 10_000)
    })

    it('a consumer of imap that is slow holds the input back, and gets each result once', async () => {
      const buffersize = 20
      let taken = 0
      const input = function* () {
        while (taken < 200) yield taken++
      }
      const got: number[] = []
      const ahead: number[] = []
      for await (const n of pool.imap(tasks.square, input(), { buffersize })) {
        got.push(n)
        // All that may be read ahead has been, long before the next result is asked for.
        if (got.length % 50 === 0) await until(() => taken >= Math.min(200, got.length + buffersize))
        await new Promise(resolve => setTimeout(resolve, 2))
        ahead.push(taken - got.length)
      }
      assert.deepEqual(
        got,
        range(200).map(n => n * n)
      )
      assert.ok(Math.max(...ahead) <= buffersize, `${Math.max(...ahead)} items were read ahead`)
      assert.ok(Math.max(...ahead) > buffersize / 2, `only ${Math.max(...ahead)} items were read ahead`)
      const single: number[] = []
      for await (const n of pool.imapUnordered(tasks.square, range(20), { buffersize: 1 })) single.push(n)
      assert.deepEqual(
        single,
        range(20).map(n => n * n)
      )
    })

    it('imapUnordered gives the errors of items and of the input, each with all other results', async () => {
      const failOnThree = (n: number) => {
        if (n === 3) throw new RangeError('bad 3')
        return n
      }
      const results = pool.imapUnordered(failOnThree, range(6))
      const got: unknown[] = []
      for (let step = 0; step < 6; step++) {
        got.push(
          await results.next().then(
            ({ value }) => value,
            error => String(error)
          )
        )
      }
      assert.deepEqual(new Set(got), new Set([0, 1, 2, 'RangeError: bad 3', 4, 5]))
      assert.equal((await results.next()).done, true)
      const failing = function* () {
        yield* range(5)
        throw new RangeError('no more')
      }
      const seen: number[] = []
      await assert.rejects(
        async () => {
          for await (const n of pool.imapUnordered(tasks.square, failing())) seen.push(n)
        },
        { name: 'RangeError', message: 'no more' }
      )
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        [0, 1, 4, 9, 16]
      )
    })

    it('stats count tasks', async () => {
      const before = pool.stats.completed
      await pool.apply(tasks.square, [2])
      const { completed, machines, queued } = pool.stats
      assert.equal(completed, before + 1)
      assert.equal(machines.length, isLocal ? 0 : 1)
      assert.equal(typeof queued, 'number')
    })

    it('terminate rejects pending tasks, close finishes them, and join waits', async () => {
      const ended = new ClusterPool(options)
      const pending = ended.applyAsync(tasks.wait, [60_000])
      await assert.rejects(ended.join(), ValueError)
      ended.terminate()
      await assert.rejects(pending, PoolTerminatedError)
      await ended.join()
      await assert.rejects(ended.apply(tasks.square, [1]), PoolTerminatedError)
      const closed = new ClusterPool(options)
      const last = closed.map(tasks.square, range(100))
      closed.close()
      await assert.rejects(closed.apply(tasks.square, [1]), ValueError)
      await closed.join()
      assert.equal((await last).length, 100)
    })

    it('applySync runs on this machine only', () => {
      if (isLocal) assert.equal(pool.applySync(tasks.square, [5]), 25)
      else assert.throws(() => pool.applySync(tasks.square, [5]), { code: 'ERR_CLUSTER_SYNC' } as MultiprocessError)
    })
  })
}
