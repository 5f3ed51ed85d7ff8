import assert from 'node:assert/strict'
import { conform } from '../fixtures/conformance/grounds.ts'
import { collectGarbage } from '../fixtures/garbage.ts'
import * as dying from '../fixtures/pool/dying.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { until } from '../fixtures/pool/tools.ts'

const TASKS = new URL('../fixtures/pool/tasks.js', import.meta.url)

conform('Pool', ({ face, behaviour, pool: shared, blocks }) => {
  const { cpuCount, currentProcess, Pool, ValueError } = face

  behaviour('apply() runs a function in another process and returns its result', async () => {
    const pool = shared(1)
    assert.equal(await pool.apply(tasks.square, [7]), 49)
    assert.notEqual(await pool.apply(tasks.pid), currentProcess().pid)
    assert.deepEqual(await pool.apply(tasks.list, [1, 'two', null, undefined]), [1, 'two', null, undefined])
    assert.deepEqual(await pool.apply(tasks.list, []), [])
    assert.deepEqual(await pool.apply(tasks.list), [])
  })

  behaviour(
    'apply() takes functions of every kind: async, arrow, default export, static method, of JavaScript itself',
    async () => {
      const pool = shared(1)
      assert.equal(await pool.apply(tasks.squareLater, [7]), 49)
      assert.equal(await pool.apply(tasks.arrow, [7]), 8)
      assert.equal(await pool.apply(tasks.default), 'default')
      assert.equal(await pool.apply(tasks.Calculator.double, [7]), 14)
      assert.equal(await pool.apply(Math.max, [1, 3, 2]), 3)
    }
  )

  behaviour('apply() takes a function that is named by { module, export }', async () => {
    const pool = shared(1)
    assert.equal(await pool.apply({ module: TASKS, export: 'square' }, [7]), 49)
    assert.equal(await pool.apply({ module: TASKS.href }), 'default')
    assert.deepEqual(await pool.map({ module: TASKS.href, export: 'square' }, [1, 2, 3]), [1, 4, 9])
    await assert.rejects(pool.apply({ module: TASKS.href, export: 'missing' }), /missing/)
    await assert.rejects(pool.apply({ module: new URL('./missing.js', TASKS) }), /missing\.js/)
    assert.equal(await pool.apply(tasks.square, [2]), 4)
  })

  behaviour('a result can be undefined, null, or a promise of either', async () => {
    const pool = shared(1)
    assert.equal(await pool.apply(tasks.nothing), undefined)
    assert.equal(await pool.apply(tasks.nothingLater), undefined)
    assert.equal(await pool.apply(tasks.identity, [null]), null)
    assert.equal(await pool.apply(tasks.identityLater, [undefined]), undefined)
  })

  behaviour('values keep their types on the way there and back', async () => {
    const pool = shared(1)
    const twice = { x: 1 }
    const cycle: Record<string, unknown> = { shared: [twice, twice] }
    cycle['self'] = cycle
    const value = {
      numbers: [0, -0, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 53, -1.5, 12345678901234567890n],
      // biome-ignore lint/suspicious/noSparseArray: a hole is one of the values.
      hole: [1, , undefined, null],
      text: ['', 'ä', '€', '😀', 'x'.repeat(1000)],
      map: new Map<unknown, unknown>([[{ key: 1 }, new Set([1, 'a'])]]),
      date: new Date(86_400_000),
      expression: /a+/giu,
      bytes: new Uint8Array([1, 2, 3]),
      floats: new Float64Array([1.5, Number.NaN]),
      error: new RangeError('as a value', { cause: 'cause' })
    }
    assert.deepEqual(await pool.apply(tasks.identity, [value]), value)
    const back = await pool.apply(tasks.identity<typeof cycle>, [cycle])
    assert.equal(back['self'], back)
    const [first, second] = back['shared'] as object[]
    assert.equal(first, second)
  })

  behaviour('processes is the number of workers, and no more start', async () => {
    await using pool = new Pool(3)
    assert.equal(pool.stats.workers.length, 3)
    const pids = new Set(await Promise.all(Array.from({ length: 50 }, () => pool.apply(tasks.pid))))
    const known = pool.stats.workers.map(({ pid }) => pid)
    for (const pid of pids) assert.ok(known.includes(pid))
    assert.equal(pool.stats.workers.length, 3)
  })

  behaviour('a pool without processes uses the number of processors', async () => {
    await using pool = new Pool()
    assert.equal(pool.stats.workers.length, cpuCount())
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })

  behaviour('the number of workers can be given as an option', async () => {
    await using pool = new Pool({ processes: 2 })
    assert.equal(pool.stats.workers.length, 2)
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })

  behaviour('a worker is a daemon, and its name shows that it is a worker', async () => {
    await using pool = new Pool(1)
    const { pid, name, daemon } = await pool.apply(tasks.whoAmI)
    assert.equal(pid, pool.stats.workers[0].pid)
    assert.match(name, /^PoolWorker-\d+$/)
    assert.equal(daemon, true)
  })

  behaviour('an initializer runs once in each worker, with initargs, before the first task', async () => {
    await using pool = new Pool(2, { initializer: dying.initialize, initargs: ['a', { b: 1 }] })
    const seen = new Set<number>()
    while (seen.size < 2) {
      const [first, second] = await Promise.all([
        pool.apply(dying.whatWasInitialized),
        pool.apply(dying.whatWasInitialized),
        pool.apply(tasks.block, [1])
      ])
      for (const { pid, args } of [first, second]) {
        assert.deepEqual(args, ['a', { b: 1 }])
        seen.add(pid)
      }
    }
  })

  behaviour(
    'a worker waits for the promise of its initializer, and a fresh worker runs the initializer too',
    async () => {
      await using pool = new Pool(1, { initializer: dying.initializeLater, initargs: [7], maxTasksPerChild: 1 })
      const first = await pool.apply(dying.whatWasInitialized)
      const second = await pool.apply(dying.whatWasInitialized)
      assert.deepEqual([first.args, second.args], [[7], [7]])
      assert.notEqual(first.pid, second.pid)
    }
  )

  behaviour('an initializer can be named by { module, export }, and can do without initargs', async () => {
    const module = new URL('../fixtures/pool/dying.js', import.meta.url)
    await using pool = new Pool(1, { initializer: { module, export: 'initialize' } })
    assert.deepEqual((await pool.apply(dying.whatWasInitialized)).args, [])
  })

  const refused = (options: unknown, expected: object) =>
    assert.throws(() => new Pool(options as never), expected, `new Pool(${JSON.stringify(options)})`)

  behaviour('the constructor refuses invalid options', () => {
    refused(0, { name: 'ValueError', message: /processes must be .* got 0/ })
    refused(-1, { name: 'ValueError', message: /processes/ })
    refused(1.5, { name: 'ValueError', message: /processes/ })
    refused(Number.NaN, { name: 'ValueError', message: /processes/ })
    refused('2', { name: 'TypeError', message: /processes must be an integer from 1 to 1023, got '2' \(a string\)/ })
    refused({ processes: 0 }, { name: 'ValueError', message: /processes/ })
    refused({ processes: 1, maxTasksPerChild: 0 }, { name: 'ValueError', message: /maxTasksPerChild/ })
    refused({ processes: 1, concurrency: 0 }, { name: 'ValueError', message: /concurrency/ })
    refused({ processes: 1, concurrency: '4' }, { name: 'TypeError', message: /concurrency/ })
    refused({ processes: 1, initializer: 7 }, { name: 'TypeError', message: /initializer/ })
    refused({ processes: 1, initializer: tasks.nothing, initargs: 'ab' }, { name: 'TypeError', message: /initargs/ })
  })

  behaviour('an initializer or initargs that cannot cross are refused, and nothing is left behind', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const before = blocks()
    const stream = process.stdin
    const local = () => void stream
    assert.throws(() => new Pool(2, { initializer: local }), { name: 'SerializationError' })
    assert.throws(() => new Pool(2, { initializer: tasks.nothing, initargs: [Symbol('only here')] as never }), {
      name: 'SerializationError',
      message: /initargs\[0\]/
    })
    await until(() => {
      collectGarbage()
      return blocks() === before
    }, `${before} blocks in use again, as before`)
  })

  behaviour('a target that is not a function, and arguments that are not an array, are refused', async () => {
    const pool = shared(1)
    for (const fn of [7, 'square', null, undefined, {}]) {
      await assert.rejects(pool.apply(fn as never), TypeError)
      assert.throws(() => pool.applyAsync(fn as never), TypeError)
      await assert.rejects(pool.map(fn as never, [1]), TypeError)
      assert.throws(() => pool.imap(fn as never, [1]), TypeError)
    }
    await assert.rejects(pool.apply(tasks.square, 7 as never), { name: 'TypeError', message: /args must be an array/ })
    await assert.rejects(pool.apply(tasks.square, { 0: 7, length: 1 } as never), TypeError)
    assert.equal(await pool.apply(tasks.square, [2]), 4)
  })

  behaviour('a function that cannot cross is refused, and no task is lost', async () => {
    await using pool = new Pool(1)
    const stream = process.stdin
    const local = (n: number) => [n, stream.fd]
    const message = /captured variable `stream` \(via `local`\)/
    await assert.rejects(pool.apply(local, [1]), { name: 'SerializationError', message })
    assert.throws(() => pool.applyAsync(local, [1]), { name: 'SerializationError', message })
    await assert.rejects(pool.map(local, [1]), { name: 'SerializationError', message })
    assert.throws(() => pool.imap(local, [1]), { name: 'SerializationError', message })
    assert.equal(await pool.apply(tasks.square, [2]), 4)
    pool.close()
    await pool.join()
  })

  behaviour('an invalid chunksize or buffersize is refused', async () => {
    const pool = shared(1)
    for (const chunksize of [0, -1, 1.5]) {
      await assert.rejects(pool.map(tasks.square, [1], chunksize), ValueError)
      await assert.rejects(pool.map(tasks.square, [1], { chunksize }), ValueError)
      assert.throws(() => pool.imap(tasks.square, [1], chunksize), ValueError)
      assert.throws(() => pool.imapUnordered(tasks.square, [1], { buffersize: chunksize }), ValueError)
    }
    await assert.rejects(pool.map(tasks.square, [1], '2' as never), TypeError)
  })

  behaviour('items that cannot be iterated are refused', async () => {
    await using pool = new Pool(1)
    for (const items of [7, null, undefined, { length: 1 }]) {
      await assert.rejects(pool.map(tasks.square, items as never), { name: 'TypeError', message: /iterable/ })
      assert.throws(() => pool.imap(tasks.square, items as never), { name: 'TypeError', message: /iterable/ })
    }
    pool.close()
    await pool.join()
  })
})
