import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as dummy from 'multiprocess/dummy'
import * as threads from 'multiprocess/threads'
import * as processes from '../../src/index.ts'
import { limit } from '../fixtures/slowness.ts'
import {
  exit,
  fail,
  later,
  pids,
  spin,
  square,
  terminateParent,
  terminateSelf,
  where
} from '../fixtures/threads/tasks.ts'

const timeout = limit(30_000)
const { Pool, Process, WorkerDiedError } = threads

test('threads and dummy export the names that processes export', () => {
  assert.deepEqual(Object.keys(threads).sort(), Object.keys(processes).sort())
  assert.equal(dummy.Pool, threads.Pool)
})

test('a target runs in a thread of this process', { timeout }, async () => {
  await using pool = new Pool(1)
  const { pid, thread } = await pool.apply(where)
  assert.equal(pid, process.pid)
  assert.notEqual(thread, 0)
})

test('a thread knows its own pid, and that of its parent', { timeout }, async () => {
  await using pool = new Pool(1)
  const { own, parent } = await pool.apply(pids)
  assert.equal(own, pool.stats.workers[0].pid)
  assert.equal(parent, process.pid)
})

test('a thread that sends itself a signal ends alone, and cannot end its parent', { timeout }, async () => {
  const child = new Process({ target: terminateSelf })
  child.start()
  await child.join()
  assert.equal(child.exitcode, -15)
  await using pool = new Pool(1)
  await assert.rejects(pool.apply(terminateParent), {
    name: 'ProcessError',
    message: /^cannot send SIGTERM to the parent/
  })
})

test('a daemon thread lets the program end, and another thread keeps it alive', { timeout }, async () => {
  const child = new Process({ target: later, args: [20], daemon: false })
  child.start()
  assert.equal(child.daemon, false)
  assert.deepEqual(threads.activeChildren(), [child])
  await child.join()
  assert.deepEqual(threads.activeChildren(), [])
})

test('a pool of threads maps, and replaces a thread that ends in a task', { timeout }, async () => {
  await using pool = new Pool(2)
  assert.deepEqual(await pool.map(square, [1, 2, 3, 4]), [1, 4, 9, 16])
  await assert.rejects(pool.apply(exit, [3]), error => error instanceof WorkerDiedError && error.exitcode === 3)
  await assert.rejects(pool.apply(fail), RangeError)
  const results = Array.from({ length: 5000 }, (_, i) => pool.applyAsync(square, [i]))
  assert.deepEqual(
    await Promise.all(results),
    Array.from({ length: 5000 }, (_, i) => i * i)
  )
})

test('a pool of threads ends at once, with a thread in a busy loop', { timeout }, async () => {
  const pool = new Pool(2)
  const pending = pool.apply(spin)
  pool.terminate()
  await assert.rejects(pending, threads.PoolTerminatedError)
  await pool.join()
})

/** What the program prints that uses all of the face. */
const EVERYTHING = `\
0 7 -15
[ 1, 4, 9 ] 16
100,100,100,100,100 3
48 true heard all true
thread true
`

test('threads need nothing native, and an idle pool of threads lets the program end', { timeout }, async () => {
  const program = fileURLToPath(new URL('../fixtures/threads/program.js', import.meta.url))
  for (const options of [['--no-addons'], ['--no-addons', '--max-old-space-size=500', '--stack-size=900']]) {
    const { stdout } = await promisify(execFile)(process.execPath, [...options, program])
    assert.equal(stdout, EVERYTHING, options.join(' '))
  }
})

test('a SharedArrayBuffer stays the same memory: in arguments, captured, in results, and under views', {
  timeout
}, async () => {
  const buffer = new SharedArrayBuffer(16)
  const words = new Int32Array(buffer, 4, 2)
  await using pool = new Pool(2)
  assert.equal(await pool.apply((words: Int32Array) => Atomics.add(words, 0, 5) + words.byteOffset, [words]), 4)
  assert.equal(words[0], 5)
  const seen = await pool.apply(
    (pair: { buffer: SharedArrayBuffer; words: Int32Array }) => {
      new Int32Array(pair.buffer)[2] = 9
      return pair.words.buffer === pair.buffer
    },
    [{ buffer, words }]
  )
  assert.deepEqual([seen, words[1]], [true, 9])
  assert.deepEqual(await pool.map((n: number) => Atomics.add(words, 0, n), [1]), [5])
  const back = await pool.apply((words: Int32Array) => words, [words])
  back[1] = 77
  assert.equal(words[1], 77)
  const child = new Process({ target: (words: Int32Array) => void Atomics.store(words, 0, 123), args: [words] })
  child.start()
  await child.join()
  assert.deepEqual([child.exitcode, words[0]], [0, 123])
  const processes = await import('../../src/index.ts')
  await using others = new processes.Pool(1)
  await assert.rejects(others.apply(square as never, [words] as never), processes.SerializationError)
})
