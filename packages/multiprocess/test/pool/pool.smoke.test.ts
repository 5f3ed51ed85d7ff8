/** The essentials of the Pool, for every version of Node that is supported. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool, PoolTerminatedError, ValueError, WorkerDiedError } from '../../src/index.ts'
import { withoutDropped } from '../fixtures/pool/dropped.ts'
import * as dying from '../fixtures/pool/dying.ts'
import * as living from '../fixtures/pool/living.ts'
import * as nested from '../fixtures/pool/nested.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { Gate, range, Scratch, workers } from '../fixtures/pool/tools.ts'
import { runProgram } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)

test('apply, map, imap, imapUnordered', { timeout }, async () => {
  await using pool = new Pool(2)
  const squares = range(500).map(tasks.square)
  assert.equal(await pool.apply(tasks.square, [7]), 49)
  assert.equal(await pool.applyAsync(tasks.squareLater, [7]).get({ timeout: limit(50_000) }), 49)
  assert.deepEqual(await pool.map(tasks.square, range(500)), squares)
  const [ordered, unordered]: number[][] = [[], []]
  for await (const n of pool.imap(tasks.squareLater, range(500))) ordered.push(n)
  for await (const n of pool.imapUnordered(tasks.square, range(500), 7)) unordered.push(n)
  assert.deepEqual(ordered, squares)
  assert.deepEqual(
    unordered.sort((a, b) => a - b),
    squares
  )
})

test('values cross completely, and functions cross by reference', { timeout }, async () => {
  await using pool = new Pool(1)
  const value = {
    map: new Map([[new Date(1), -0]]),
    set: new Set([undefined, 1n]),
    bytes: new Uint8Array([1, 2]),
    hole: Array(2)
  }
  assert.deepEqual(await pool.apply(tasks.identity, [value]), value)
  assert.equal(await pool.apply(nested.functionFor, ['square']), tasks.square)
  assert.equal(await pool.apply(nested.callWith, [tasks.square, 3]), 9)
})

test('errors cross, and values that cannot cross are refused', { timeout }, async () => {
  await using pool = new Pool(1)
  await assert.rejects(pool.apply(tasks.failWithFields), {
    name: 'RangeError',
    code: 'E_FIELDS',
    stack: /failWithFields/
  })
  await assert.rejects(pool.apply(tasks.symbolResult), { name: 'SerializationError' })
  assert.throws(() => pool.applyAsync(tasks.identity, [Symbol('only here')]), { name: 'SerializationError' })
  assert.equal(await pool.apply(tasks.square, [3]), 9)
})

test('a killed worker, and one that exits, are replaced', { timeout }, async () => {
  await using scratch = await Scratch.create()
  await using pool = new Pool(2)
  const gate = new Gate(scratch)
  const held = pool.applyAsync(tasks.holdGate, gate.args)
  const pid = await gate.arrival()
  process.kill(pid, 'SIGKILL')
  await assert.rejects(held.get(), error => {
    assert.ok(error instanceof WorkerDiedError)
    assert.deepEqual([error.exitcode, error.pid], [-9, pid])
    return true
  })
  await assert.rejects(pool.apply(dying.exit, [3]), { name: 'WorkerDiedError', exitcode: 3 })
  assert.deepEqual(await pool.map(tasks.square, range(20), 1), range(20).map(tasks.square))
})

test('a worker that is killed while it sleeps is replaced', { timeout }, async () => {
  await using pool = new Pool(1)
  assert.equal(await pool.apply(tasks.square, [2]), 4)
  await tasks.sleep(20)
  for (const pid of workers()) process.kill(pid, 'SIGKILL')
  await tasks.sleep(20)
  assert.equal(await pool.apply(tasks.square, [3]), 9)
})

test('a slow task delays no other', { timeout }, async () => {
  await using scratch = await Scratch.create()
  await using pool = new Pool(2)
  const gate = new Gate(scratch)
  const slow = pool.applyAsync(tasks.holdGate, gate.args)
  const squares = range(200).map(tasks.square)
  assert.deepEqual(await Promise.all(range(200).map(n => pool.apply(tasks.square, [n]))), squares)
  await gate.arrival()
  assert.equal(slow.ready(), false)
  gate.open()
  await slow
})

test('several async tasks run at once in one worker', { timeout }, async () => {
  await using scratch = await Scratch.create()
  await using pool = new Pool(1, { concurrency: 3 })
  const gates = range(3).map(n => new Gate(scratch, `${n}`))
  const results = gates.map(gate => pool.applyAsync(tasks.awaitGate, gate.args))
  const pids = await Promise.all(gates.map(gate => gate.arrival()))
  assert.equal(new Set(pids).size, 1)
  for (const gate of gates) gate.open()
  assert.deepEqual(await Promise.all(results), pids)
})

test('close, join and terminate end a pool', { timeout }, async () => {
  const pool = new Pool(2)
  const results = range(3000).map(n => pool.apply(tasks.square, [n]))
  await assert.rejects(pool.join(), ValueError)
  pool.close()
  await assert.rejects(pool.apply(tasks.square, [1]), ValueError)
  await pool.join()
  assert.deepEqual(await Promise.all(results), range(3000).map(tasks.square))
  const other = new Pool(2)
  const pending = range(3000).map(() => other.applyAsync(tasks.never))
  other.terminate()
  for (const result of pending) await assert.rejects(result.get(), PoolTerminatedError)
  await other.join()
  assert.deepEqual(workers(), [])
})

test('initializer and maxTasksPerChild take effect', { timeout }, async () => {
  await using pool = new Pool(1, { initializer: dying.initialize, initargs: ['a', 1], maxTasksPerChild: 2 })
  const seen = await pool.map(dying.whatWasInitialized as (n: number) => { pid: number; args: unknown[] }, range(4), 1)
  for (const { args } of seen) assert.deepEqual(args, ['a', 1])
  assert.equal(new Set(seen.map(({ pid }) => pid)).size, 2)
})

test('an endless input can be left early', { timeout }, async () => {
  await using pool = new Pool(2)
  let isClosed = false
  const numbers = function* () {
    try {
      for (let n = 0; ; n++) yield n
    } finally {
      isClosed = true
    }
  }
  let sum = 0
  for await (const n of pool.imap(tasks.square, numbers())) if ((sum += n) > 1000) break
  assert.equal(sum, 1015)
  assert.equal(isClosed, true)
})

test('20 MB go there and back', { timeout }, async () => {
  await using pool = new Pool(1)
  const value = tasks.bytes(20 * 2 ** 20, 5)
  assert.equal(Buffer.compare(await pool.apply(tasks.identity<Uint8Array>, [value]), value), 0)
})

test('a server in a worker lives while the worker idles', { timeout }, async () => {
  await using pool = new Pool(1)
  const port = await pool.apply(living.startServer)
  await tasks.sleep(30)
  assert.equal(await living.get(`http://127.0.0.1:${port}/`), '1')
  assert.equal(await pool.apply(living.stopServer), 1)
})

test('a pool runs in a worker', { timeout }, async () => {
  await using pool = new Pool(1)
  assert.deepEqual(await pool.apply(nested.squaresInPool, [range(20)]), range(20).map(tasks.square))
})

test('a program that never closes its pool ends by itself', { timeout }, async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Pool } from '${new URL('../../src/index.js', import.meta.url).href}'
    import { square } from '${new URL('../fixtures/pool/tasks.js', import.meta.url).href}'
    console.log(await new Pool(2).map(square, [1, 2, 3]))
  `)
  assert.deepEqual([code, stdout, withoutDropped(stderr)], [0, '[ 1, 4, 9 ]\n', ''])
})
