/** `applySync`: the thread stands still, and everything else goes on. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as threads from 'multiprocess/threads'
import { Lock, Pool, PoolTerminatedError, TimeoutError, ValueError, WorkerDiedError } from '../../src/index.ts'
import * as dying from '../fixtures/pool/dying.ts'
import * as nested from '../fixtures/pool/nested.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { cpuTicks, Gate, range, Scratch, until, workers } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'
import { square as squareInThread } from '../fixtures/threads/tasks.ts'

const timeout = limit(120_000)

describe('applySync', { timeout }, () => {
  test('applySync returns the results of sync and async functions, small and large', async () => {
    await using pool = new Pool(2)
    assert.equal(pool.applySync(tasks.square, [7]), 49)
    assert.equal(pool.applySync(tasks.squareLater, [7]), 49)
    assert.equal(pool.applySync(tasks.nothing), undefined)
    assert.equal(tasks.firstDifference(pool.applySync(tasks.bytes, [3_000_000]), 3_000_000), -1)
    for (const n of range(2000)) assert.equal(pool.applySync(tasks.square, [n]), n * n)
    const factor = 3
    assert.equal(
      pool.applySync((n: number) => n * factor, [5]),
      15
    )
  })

  test('applySync throws the error of the task', async () => {
    await using pool = new Pool(1)
    assert.throws(() => pool.applySync(tasks.failWithFields), { name: 'RangeError', code: 'E_FIELDS' })
    assert.throws(() => pool.applySync(tasks.failLater, ['no']), { name: 'RangeError', message: 'no' })
    assert.throws(() => pool.applySync(tasks.symbolResult), { name: 'SerializationError' })
    assert.equal(pool.applySync(tasks.square, [3]), 9)
  })

  test('applySync blocks this thread, and sleeps meanwhile', async () => {
    await using pool = new Pool(1)
    pool.applySync(tasks.square, [1])
    let hasFired = false
    setImmediate(() => {
      hasFired = true
    })
    const before = cpuTicks(process.pid)
    const begin = performance.now()
    assert.equal(pool.applySync(tasks.block, [1000]), 1000)
    assert.ok(performance.now() - begin >= 990)
    assert.equal(hasFired, false)
    const ticks = cpuTicks(process.pid) - before
    assert.ok(ticks <= 20, `${ticks * 10} ms of processor time in a second of waiting`)
  })

  test('applySync with a timeout throws TimeoutError, and the task continues', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const gate = new Gate(scratch)
    assert.throws(() => pool.applySync(tasks.holdGate, gate.args, { timeout: 50 }), TimeoutError)
    assert.throws(() => pool.applySync(tasks.square, [3], { timeout: 0 }), TimeoutError)
    assert.throws(() => pool.applySync(tasks.square, [3], { timeout: Number.NaN }), RangeError)
    const pid = await gate.arrival()
    gate.open()
    assert.equal(pool.applySync(tasks.pid, [], { timeout: limit(10_000) }), pid)
  })

  test('applySync of a parent with thousands of tasks lets those be done, too', async () => {
    await using pool = new Pool(2)
    const results = range(20_000).map(n => pool.applyAsync(tasks.square, [n]))
    assert.equal(pool.applySync(tasks.square, [9]), 81)
    assert.equal(results[0].ready(), true)
    assert.equal(await results[19_999], 19_999 ** 2)
    assert.deepEqual(await Promise.all(results.slice(0, 100)), range(100).map(tasks.square))
  })

  test('applySync works in a worker of a pool, and beside the event loop of a pool in a worker', async () => {
    await using pool = new Pool(1)
    assert.deepEqual(await pool.apply(nested.squaresSync, [range(50)]), range(50).map(tasks.square))
    assert.deepEqual(pool.applySync(nested.squaresSync, [range(50)]), range(50).map(tasks.square))
  })

  test('applySync notices a worker that dies, and its successor runs the next task', async () => {
    await using pool = new Pool(1)
    for (const _ of range(3)) {
      assert.throws(
        () => pool.applySync(dying.exit, [5]),
        (error: unknown) => error instanceof WorkerDiedError && error.exitcode === 5
      )
      assert.equal(pool.applySync(tasks.square, [4]), 16)
    }
  })

  test('applySync throws the reason why the workers cannot start', async () => {
    await using scratch = await Scratch.create()
    const starts = scratch.file('starts')
    await using pool = new Pool({ processes: 1, initializer: dying.failToInitialize, initargs: [starts, 'no start'] })
    assert.throws(() => pool.applySync(tasks.square, [4]), { name: 'RangeError', message: 'no start' })
    assert.equal((await scratch.lines('starts')).length, 3)
  })

  test('the event loop takes over after applySync', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    const gate = new Gate(scratch)
    const held = pool.apply(tasks.holdGate, gate.args)
    await gate.arrival()
    assert.equal(pool.applySync(tasks.square, [4]), 16)
    setTimeout(() => gate.open(), 20)
    assert.equal(await held, await gate.arrival())
    await until(() => workers().length === 2, 'both workers live')
  })

  test('a result imports the module that it needs, or says what to do if that is loaded asynchronously', async () => {
    await using scratch = await Scratch.create({
      'waiting.mjs': "await null\nexport const later = n => 'later ' + n\nexport const give = () => later"
    })
    await using pool = new Pool(1)
    assert.equal(pool.applySync(nested.functionOfItsOwn)(2), 'only there 2')
    const factor = 3
    assert.equal(pool.applySync(() => (n: number) => n * factor)(5), 15)
    assert.equal(pool.applySync((lock: Lock) => lock, [new Lock()]).locked, false)
    const give = { module: scratch.url('waiting.mjs'), export: 'give' } as const
    assert.throws(() => pool.applySync(give), { message: /use apply/ })
    assert.equal(((await pool.apply(give)) as (n: number) => string)(1), 'later 1')
  })

  test('applySync throws after close and terminate as the others do', async () => {
    const closed = new Pool(1)
    closed.close()
    assert.throws(() => closed.applySync(tasks.square, [1]), ValueError)
    await closed.join()
    const terminated = new Pool(1)
    terminated.terminate()
    assert.throws(() => terminated.applySync(tasks.square, [1]), PoolTerminatedError)
    await terminated.join()
  })

  test('applySync works over threads', async () => {
    await using pool = new threads.Pool(2)
    for (const n of range(200)) assert.equal(pool.applySync(squareInThread, [n]), n * n)
    assert.equal(await pool.apply(squareInThread, [3]), 9)
  })
})
