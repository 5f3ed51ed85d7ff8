/** What workers refuse: batches that nobody with the key made for this place, and code that is not theirs. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Job, Queue } from 'bullmq'
import { AuthenticationError, type MultiprocessError, ValueError } from 'multiprocess'
import { ClusterPool, ClusterWorker } from '../src/index.ts'
import { closeAll } from './fixtures/opened.ts'
import { KEY, startWorker, workerProgram } from './fixtures/programs.ts'
import { missing, RedisServer } from './fixtures/redis.ts'
import * as tasks from './fixtures/tasks.ts'
import { Scratch, until } from './fixtures/tools.ts'

const timeout = 60_000
const ONE = ['--processes', '1']
const PREFIX = 'multiprocess'

interface Data {
  body: string
  signature: string
}

/** A queue as somebody sees it who can write to the server, and does not have the key. */
function intruder(server: RedisServer, name: string): Queue<Data> {
  return new Queue<Data>(name, { connection: server.client(), prefix: PREFIX })
}

async function waitingJob(queue: Queue<Data>): Promise<Job<Data>> {
  let jobs: Job<Data>[] = []
  await until(async () => {
    jobs = await queue.getJobs('waiting')
    return jobs.length > 0
  })
  return jobs[0]
}

/** Waits until workers have taken everything. */
async function drained(queue: Queue<Data>): Promise<void> {
  await until(async () => (await queue.getWaitingCount()) + (await queue.getActiveCount()) === 0)
}

describe('what the workers of a cluster refuse', { skip: missing, timeout: 8 * timeout }, () => {
  after(closeAll)
  test('a worker never runs an altered batch, and its pool sends it again', { timeout }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    await using pool = new ClusterPool({ url: server.url, name: 'trust', key: KEY })
    const queue = intruder(server, 'trust')
    const result = pool.apply(tasks.note, [{ file: scratch.file('aaaa'), n: 1, ms: 0 }])
    const job = await waitingJob(queue)
    const body = Buffer.from(job.data.body, 'base64').toString('latin1').replaceAll('aaaa', 'bbbb')
    await job.updateData({ ...job.data, body: Buffer.from(body, 'latin1').toString('base64') })
    await using worker = await startWorker(server.url, 'trust', ONE)
    assert.equal(await result, 1)
    assert.deepEqual(scratch.lines('bbbb'), [])
    assert.match(worker.output, /refused: batch .* was not signed/)
    await queue.close()
  })

  test('a worker refuses a batch under another name, of another cluster, or without a signature', {
    timeout
  }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    await using pool = new ClusterPool({ url: server.url, name: 'from', key: KEY })
    const from = intruder(server, 'from')
    const to = intruder(server, 'to')
    const result = pool.apply(tasks.note, [{ file: scratch.file('notes'), n: 1, ms: 0 }])
    const { id = '', data } = await waitingJob(from)
    const [submitter] = id.split('.')
    await from.add('x', data, { jobId: `${submitter}.99.0` })
    await from.add('x', { ...data, signature: 'AAAA' }, { jobId: `${submitter}.98.0` })
    await from.add('x', { body: data.body } as Data, { jobId: `${submitter}.97.0` })
    await from.add('x', data, { jobId: 'no-such-name' })
    await to.add('x', data, { jobId: id })
    await using worker = await startWorker(server.url, 'from', ONE)
    await using other = await startWorker(server.url, 'to', ONE)
    assert.equal(await result, 1)
    await drained(from)
    await drained(to)
    assert.deepEqual(scratch.lines('notes'), ['1'])
    await until(() => (worker.output.match(/refused: /g) ?? []).length === 4)
    await other.says(/refused: /)
    await Promise.all([from.close(), to.close()])
  })

  test('a worker refuses a finished batch that is put on the queue again, and so does another worker', {
    timeout
  }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    await using pool = new ClusterPool({ url: server.url, name: 'replay', key: KEY })
    const queue = intruder(server, 'replay')
    const result = pool.apply(tasks.note, [{ file: scratch.file('notes'), n: 1, ms: 0 }])
    const { id, data } = await waitingJob(queue)
    await using first = await startWorker(server.url, 'replay', ONE)
    assert.equal(await result, 1)
    await drained(queue)
    await queue.add('x', data, { jobId: id })
    await first.says(/refused: batch .* was done before/)
    await drained(queue)
    await first.kill()
    await using second = await startWorker(server.url, 'replay', ONE)
    await queue.add('x', data, { jobId: id })
    // The pool answers while it waits for something.
    const other = pool.apply(tasks.wait, [2000])
    await second.says(/refused: batch .* was done before/)
    await other
    // And of a pool that is gone nothing is run.
    await pool[Symbol.asyncDispose]()
    await queue.add('x', data, { jobId: id })
    await drained(queue)
    assert.deepEqual(scratch.lines('notes'), ['1'])
    await queue.close()
  })

  test('a program with another key, or without a key, is refused', { timeout }, async () => {
    await using server = await RedisServer.start()
    await using _worker = await startWorker(server.url, 'key', ONE)
    await using pool = new ClusterPool({ url: server.url, name: 'key', key: 'another-another-another-another' })
    await assert.rejects(pool.apply(tasks.square, [1]), AuthenticationError)
    const worker = workerProgram(['--url', server.url, '--name', 'key'], {
      env: { MULTIPROCESS_KEY: 'another-another-another-another' }
    })
    assert.equal(await worker.ended(), 1)
    assert.match(worker.output, /have another key/)
    const { url } = server
    assert.throws(() => new ClusterPool({ url, name: 'key' }), { name: 'ValueError', message: /MULTIPROCESS_KEY/ })
    assert.throws(() => new ClusterPool({ url, name: 'key', key: 'short' }), ValueError)
    assert.throws(() => new ClusterPool({ url, name: 'no name', key: KEY }), {
      name: 'ValueError',
      message: /'no name'/
    })
    assert.throws(() => new ClusterPool({ url: 'http://x', name: 'key', key: KEY }), /redis:\/\//)
    assert.throws(() => new ClusterPool({ url, name: 'key', key: KEY, processes: 2 } as never), /processes/)
    assert.throws(() => new ClusterWorker({ url, name: 'key', key: KEY, lease: 1 }), /lease must be/)
  })

  test('a worker refuses code of another version or with other contents, and names both', {
    timeout
  }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    const application = (folder: string, version: string, text: string) => {
      const path = join(scratch.path, folder)
      mkdirSync(path)
      writeFileSync(join(path, 'package.json'), JSON.stringify({ name: 'application', version, type: 'module' }))
      writeFileSync(join(path, 'tasks.js'), text)
      return path
    }
    const own = application('own', '1.0.0', 'export const version = () => "1.0.0"')
    const older = application('older', '0.9.0', 'export const version = () => "0.9.0"')
    const changed = application('changed', '1.0.0', 'export const version = () => "changed"')
    const copy = join(scratch.path, 'copy')
    cpSync(own, copy, { recursive: true })
    const { version } = (await import(pathToFileURL(join(own, 'tasks.js')).href)) as { version: () => string }
    const ask = async (cwd: string) => {
      const name = cwd.split('/').at(-1) as string
      await using _worker = await startWorker(server.url, name, ONE, { cwd })
      await using pool = new ClusterPool({ url: server.url, name, key: KEY })
      return await pool.apply(version)
    }
    const refused = { code: 'ERR_CODE_VERSION' } as MultiprocessError
    assert.equal(await ask(copy), '1.0.0')
    await assert.rejects(ask(older), { ...refused, message: /application 1\.0\.0.*application 0\.9\.0/ })
    await assert.rejects(ask(changed), { ...refused, message: /tasks\.js of application 1\.0\.0 differs.*SHA-256/ })
    await assert.rejects(ask(scratch.path), { ...refused, message: /application 1\.0\.0 is not installed here/ })
  })

  test('a worker refuses a program on another major version of Node, and names both', { timeout }, async () => {
    await using server = await RedisServer.start()
    const preload = new URL('./fixtures/node-99.js', import.meta.url).href
    await using _worker = await startWorker(server.url, 'node', ONE, { node: [process.execPath, '--import', preload] })
    await using pool = new ClusterPool({ url: server.url, name: 'node', key: KEY })
    const [own] = process.versions.node.split('.')
    await assert.rejects(pool.apply(tasks.square, [1]), {
      code: 'ERR_CODE_VERSION',
      message: new RegExp(`the pool runs Node ${own}, the worker Node 99`)
    })
  })

  test('a worker whose clock is a minute ahead works like any other', { timeout }, async () => {
    using scratch = new Scratch()
    await using server = await RedisServer.start()
    const preload = new URL('./fixtures/clock-ahead.js', import.meta.url).href
    const lease = [...ONE, '--lease', '1500']
    await using _ahead = await startWorker(server.url, 'clock', lease, {
      node: [process.execPath, '--import', preload]
    })
    await using _right = await startWorker(server.url, 'clock', lease)
    await using pool = new ClusterPool({ url: server.url, name: 'clock', key: KEY })
    const file = scratch.file('notes')
    const numbers = [0, 1, 2, 3, 4, 5]
    const results = await pool.map(
      tasks.note,
      numbers.map(n => ({ file, n, ms: 1000 }))
    )
    assert.deepEqual(results, numbers)
    assert.deepEqual(scratch.lines('notes').sort(), numbers.map(String))
  })
})
