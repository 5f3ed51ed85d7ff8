/** Servers that are killed, full, replaced, or gone. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClusterPool, ClusterWorker } from '../src/index.ts'
import { closeAll } from './fixtures/opened.ts'
import { KEY, startWorker, workerProgram } from './fixtures/programs.ts'
import { freePort, missing, RedisServer } from './fixtures/redis.ts'
import * as tasks from './fixtures/tasks.ts'
import { range, Scratch, until } from './fixtures/tools.ts'

const timeout = 120_000
const ONE = ['--processes', '1', '--lease', '3000']

describe('when the server of a cluster fails', { skip: missing, timeout: 6 * timeout }, () => {
  after(closeAll)
  for (const aof of [true, false]) {
    const kept = aof ? 'with an append-only file' : 'without persistence'
    test(`a server ${kept} that is killed and started again gives all results, each once`, { timeout }, async () => {
      using scratch = new Scratch()
      await using server = await RedisServer.start({ aof })
      await using _worker = await startWorker(server.url, 'restart', ONE)
      await using pool = new ClusterPool({ url: server.url, name: 'restart', key: KEY })
      const file = scratch.file('notes')
      const seen: number[] = []
      const results = (async () => {
        for await (const n of pool.imapUnordered(
          tasks.note,
          range(100).map(n => ({ file, n, ms: 20 }))
        ))
          seen.push(n)
      })()
      for (const count of [20, 60]) {
        await until(() => scratch.lines('notes').length >= count)
        await server.kill()
        await sleep(500)
        await server.restart()
      }
      await results
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        range(100)
      )
    })
  }

  test('a full server gives right results once it has room again', { timeout }, async () => {
    await using server = await RedisServer.start()
    await using _worker = await startWorker(server.url, 'full', ONE)
    await using pool = new ClusterPool({ url: server.url, name: 'full', key: KEY })
    await pool.apply(tasks.square, [1])
    const redis = server.client()
    await redis.config('SET', 'maxmemory', '1mb')
    await assert.rejects(redis.set('probe', 'x'), /OOM/)
    const results = pool.map(tasks.square, range(300))
    await sleep(1000)
    await redis.config('SET', 'maxmemory', '0')
    assert.deepEqual(await results, range(300).map(tasks.square))
    redis.disconnect()
  })

  test('a server that stays full causes a clear error, and no process hangs', { timeout }, async () => {
    await using server = await RedisServer.start()
    await using _worker = await startWorker(server.url, 'full', ONE)
    await using pool = new ClusterPool({ url: server.url, name: 'full', key: KEY, serverTimeout: 2000 })
    await pool.apply(tasks.square, [1])
    const redis = server.client()
    await redis.config('SET', 'maxmemory', '1mb')
    await assert.rejects(pool.map(tasks.square, range(300)), { code: 'ERR_CLUSTER_UNREACHABLE', message: /OOM/ })
    await redis.config('SET', 'maxmemory', '0')
    redis.disconnect()
    assert.equal(await pool.apply(tasks.square, [2]), 4)
  })

  test('a failover to a replica gives all results, each once', { timeout }, async () => {
    using scratch = new Scratch()
    await using master = await RedisServer.start()
    await using replica = await RedisServer.start({ settings: ['--replicaof', '127.0.0.1', String(master.port)] })
    await using sentinel = await startSentinel(scratch, master)
    const redis = replica.client()
    await until(async () => (await redis.info('replication')).includes('master_link_status:up'))
    await until(async () => (await sentinel.replicas()) === 1)
    const server = {
      url: master.url,
      redis: { sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'main' }
    }
    await using worker = new ClusterWorker({ ...server, name: 'failover', key: KEY, processes: 1, lease: 3000 })
    await worker.ready
    await using pool = new ClusterPool({ ...server, name: 'failover', key: KEY })
    const file = scratch.file('notes')
    const items = range(100).map(n => ({ file, n, ms: 20 }))
    const results = pool.map(tasks.note, items)
    await until(() => scratch.lines('notes').length >= 20)
    await master.kill()
    assert.deepEqual(await results, range(100))
    assert.match(await redis.info('replication'), /role:master/)
    redis.disconnect()
  })

  test('a server that is gone for good causes a clear error, and closing does not wait for it', {
    timeout
  }, async () => {
    const server = await RedisServer.start()
    await using worker = await startWorker(server.url, 'gone', ONE)
    const options = { url: server.url, name: 'gone', key: KEY, serverTimeout: 1500 }
    await using pool = new ClusterPool(options)
    await pool.apply(tasks.square, [1])
    const closed = new ClusterPool(options)
    await closed.apply(tasks.square, [1])
    const pending = pool.apply(tasks.wait, [60_000])
    // It may reject before the test comes to look.
    pending.catch(() => {})
    await server[Symbol.asyncDispose]()
    closed.close()
    const begun = performance.now()
    await closed.join()
    assert.ok(performance.now() - begun < 4000, 'join() waited for a dead server')
    await assert.rejects(pending, { code: 'ERR_CLUSTER_UNREACHABLE', message: /cannot reach redis:/ })
    await assert.rejects(pool.apply(tasks.square, [1]), { code: 'ERR_CLUSTER_UNREACHABLE' })
    // The program, whose server has been gone for less than its own patience, ends when it is told to.
    const asked = performance.now()
    await worker.kill('SIGTERM')
    assert.ok(performance.now() - asked < 20_000)
  })

  test('a server that does not exist and one that refuses the login cause clear errors', { timeout }, async () => {
    const url = `redis://127.0.0.1:${await freePort()}`
    const nowhere = new ClusterPool({ url, name: 'x', key: KEY, serverTimeout: 500 })
    await assert.rejects(nowhere.apply(tasks.square, [1]), {
      code: 'ERR_CLUSTER_UNREACHABLE',
      message: /ECONNREFUSED/
    })
    await using server = await RedisServer.start({ settings: ['--requirepass', 'secret'] })
    const stranger = new ClusterPool({ url: server.url, name: 'x', key: KEY })
    await assert.rejects(stranger.apply(tasks.square, [1]), { code: 'ERR_CLUSTER_UNREACHABLE', message: /NOAUTH/ })
    const worker = workerProgram(['--url', server.url.replace('//', '//:wrong@'), '--name', 'x'])
    assert.equal(await worker.ended(), 1)
    assert.match(worker.output, /WRONGPASS/)
    assert.doesNotMatch(worker.output, /:wrong@/)
  })

  test('a server that evicts keys is refused', { timeout }, async () => {
    await using server = await RedisServer.start({ settings: ['--maxmemory-policy', 'allkeys-lru'] })
    await using pool = new ClusterPool({ url: server.url, name: 'x', key: KEY })
    await assert.rejects(pool.apply(tasks.square, [1]), {
      code: 'ERR_CLUSTER_SETTINGS',
      message: /allkeys-lru.*noeviction/
    })
    const worker = new ClusterWorker({ url: server.url, name: 'x', key: KEY, processes: 1 })
    await assert.rejects(worker.ready, { code: 'ERR_CLUSTER_SETTINGS' })
    await assert.rejects(worker.closed, { code: 'ERR_CLUSTER_SETTINGS' })
  })
})

async function startSentinel(scratch: Scratch, master: RedisServer) {
  const port = await freePort()
  const file = scratch.file('sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${scratch.path}`,
    `sentinel monitor main 127.0.0.1 ${master.port} 1`,
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 3000'
  ]
  writeFileSync(file, lines.join('\n'))
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' })
  const { Redis } = await import('ioredis')
  const redis = new Redis({ port, maxRetriesPerRequest: null })
  redis.on('error', () => {})
  await redis.ping()
  return {
    port,
    replicas: async () => ((await redis.call('SENTINEL', 'replicas', 'main')) as unknown[]).length,
    async [Symbol.asyncDispose]() {
      redis.disconnect()
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
}
