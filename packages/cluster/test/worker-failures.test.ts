/** Worker programs and pools that are killed, frozen or told to end. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WorkerDiedError } from 'multiprocess'
import { ClusterPool } from '../src/index.ts'
import { closeAll } from './fixtures/opened.ts'
import { KEY, Program, startWorker } from './fixtures/programs.ts'
import { missing, RedisServer } from './fixtures/redis.ts'
import * as tasks from './fixtures/tasks.ts'
import { range, Scratch, until } from './fixtures/tools.ts'

const timeout = 120_000
const SUBMITTER = fileURLToPath(new URL('./fixtures/submitter.js', import.meta.url))
const LEASE = ['--lease', '1500', '--processes', '1']

describe('when a program of a cluster dies', { skip: missing, timeout: 6 * timeout }, () => {
  after(closeAll)
  test('a killed worker program loses no task of its batch, and each result arrives once', { timeout }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    await using first = await startWorker(server.url, 'kill', LEASE)
    await using pool = new ClusterPool({ url: server.url, name: 'kill', key: KEY })
    const file = scratch.file('notes')
    const items = range(60).map(n => ({ file, n, ms: 30 }))
    const seen: number[] = []
    const results = (async () => {
      for await (const n of pool.imapUnordered(tasks.note, items)) seen.push(n)
    })()
    await until(() => scratch.lines('notes').length >= 20)
    await first.kill()
    await using _second = await startWorker(server.url, 'kill', LEASE)
    await results
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      range(60)
    )
    assert.ok(pool.stats.resubmitted >= 1)
  })

  test('an item that ends its worker program is found, and all others succeed', { timeout }, async () => {
    await using server = await RedisServer.start()
    const workers: Program[] = []
    let isOver = false
    const supervise = async () => {
      while (!isOver) {
        const worker = await startWorker(server.url, 'culprit', LEASE).catch(() => undefined)
        if (worker === undefined) continue
        workers.push(worker)
        await worker.ended()
      }
    }
    const supervised = supervise()
    await using pool = new ClusterPool({ url: server.url, name: 'culprit', key: KEY })
    const results: number[] = []
    const errors: unknown[] = []
    const run = pool.imap(tasks.endProgram, range(16), { retries: 0, chunksize: 16 })
    try {
      for (;;) {
        try {
          const { done, value } = await run.next()
          if (done) break
          results.push(value)
        } catch (error) {
          errors.push(error)
        }
      }
    } finally {
      isOver = true
    }
    for (const worker of workers) await worker[Symbol.asyncDispose]()
    await supervised
    assert.deepEqual(
      results,
      range(16)
        .filter(n => n !== 13)
        .map(n => n * 2)
    )
    assert.equal(errors.length, 1)
    assert.ok(errors[0] instanceof WorkerDiedError, String(errors[0]))
    assert.match(errors[0].message, /worker program was lost/)
  })

  test('a frozen worker program that comes back after its lease delivers nothing twice', { timeout }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    await using first = await startWorker(server.url, 'frozen', LEASE)
    await using pool = new ClusterPool({ url: server.url, name: 'frozen', key: KEY })
    const file = scratch.file('notes')
    const items = range(10).map(n => ({ file, n, ms: 300 }))
    const results = pool.map(tasks.note, items, 5)
    await until(() => scratch.lines('notes').length >= 2)
    first.process.kill('SIGSTOP')
    await using second = await startWorker(server.url, 'frozen', LEASE)
    assert.deepEqual(await results, range(10))
    first.process.kill('SIGCONT')
    // A pool reads its inbox while it waits for something.
    await until(async () => {
      await pool.apply(tasks.square, [1])
      return pool.stats.duplicates > 0
    })
    // Both go on as before.
    assert.deepEqual(await pool.map(tasks.square, range(100)), range(100).map(tasks.square))
    assert.equal(second.hasEnded || first.hasEnded, false)
  })

  test('tasks of a killed pool end, its batches are left, and nothing stays on the server', {
    timeout
  }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    await using _worker = await startWorker(server.url, 'gone', LEASE)
    await using submitter = new Program(SUBMITTER, [server.url, 'gone', scratch.file('notes')])
    await submitter.says(/submitted/)
    await until(() => scratch.lines('notes').length >= 1)
    await submitter.kill()
    const redis = server.client()
    const left = async () =>
      (await redis.keys('multiprocess:gone*')).filter(key => /inbox|submitter|payload|\.\d+\.\d+$/.test(key))
    // The worker's own inbox stays.
    await until(async () => (await left()).length <= 1)
    redis.disconnect()
    // Its one process is free: the task of a minute was ended.
    await using pool = new ClusterPool({ url: server.url, name: 'gone', key: KEY })
    assert.equal(await pool.apply(tasks.square, [3]), 9)
    assert.ok(scratch.lines('notes').length <= 3, `${scratch.lines('notes').length} tasks were begun`)
  })

  test('a worker program finishes its tasks after SIGTERM, and tasks that take too long go to others', {
    timeout
  }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    await using first = await startWorker(server.url, 'term', ['--processes', '1'])
    await using pool = new ClusterPool({ url: server.url, name: 'term', key: KEY })
    const file = scratch.file('notes')
    const result = pool.apply(tasks.note, [{ file, n: 1, ms: 1000 }])
    await until(() => scratch.lines('notes').length === 1)
    assert.equal(await first.kill('SIGTERM'), 0)
    assert.equal(await result, 1)
    await using second = await startWorker(server.url, 'term', ['--processes', '1'])
    const long = pool.apply(tasks.noteAndWait, [{ file, n: 2, ms: 40_000 }])
    await until(() => scratch.lines('notes').length === 2)
    await using _third = await startWorker(server.url, 'term', ['--processes', '1'])
    const begun = performance.now()
    assert.equal(await second.kill('SIGTERM'), 0)
    assert.ok(performance.now() - begun < 20_000)
    await until(() => scratch.lines('notes').length === 3)
    assert.equal(pool.stats.resubmitted, 1)
    long.catch(() => {})
  })

  test('tasks that compute for longer than the lease are begun once each', { timeout }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    const lease = ['--lease', '1000', '--processes', '1']
    await using _first = await startWorker(server.url, 'long', lease)
    await using _second = await startWorker(server.url, 'long', lease)
    await using pool = new ClusterPool({ url: server.url, name: 'long', key: KEY })
    const file = scratch.file('notes')
    const items = range(4).map(n => ({ file, n, ms: 3000 }))
    assert.deepEqual(await pool.map(tasks.note, items), range(4))
    assert.deepEqual(scratch.lines('notes').sort(), ['0', '1', '2', '3'])
  })
})
