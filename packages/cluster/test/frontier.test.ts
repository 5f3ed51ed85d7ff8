/** The frontier on a server passes the suite of every store. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as conformance from '../../crawl/test/store/conformance.ts'
import { RedisStore } from '../src/frontier/index.ts'
import { closeAll } from './fixtures/opened.ts'
import { missing, RedisServer } from './fixtures/redis.ts'

const suite = new URL('../../../crawl/dist/test/store/conformance.js', import.meta.url).href
const { nowhere, testStore } = (await import(suite)) as typeof conformance
const timeout = 60_000

describe('a frontier on a server', { skip: missing, timeout: 5 * timeout }, () => {
  let server: RedisServer
  let count = 0
  const open = (name = `crawl-${++count}`, lease = 30_000) => new RedisStore({ url: server.url, name, lease })
  const names = new Map<unknown, string>()
  before(async () => {
    server = await RedisServer.start()
  })
  after(closeAll)

  testStore({
    name: 'a server',
    async open() {
      const name = `crawl-${++count}`
      const store = open(name)
      names.set(store, name)
      return store
    },
    async reopen(before) {
      const store = open(names.get(before))
      await store.reclaim(0)
      return store
    }
  })

  test('the leases of a silent program go to another program of the same frontier', {
    timeout
  }, async () => {
    const url = 'http://a/x'
    const silent = open('two', 30_000)
    const alive = open('two', 400)
    await silent.add([{ url, depth: 0, from: null, error: null }])
    const [first] = (await silent.lease(1)).leases
    assert.deepEqual((await alive.lease(1)).leases, [])
    let second: typeof first | undefined
    while (second === undefined) [second] = (await alive.lease(1)).leases
    assert.equal(second.url, url)
    assert.equal(await silent.finish(first, nowhere), false)
    assert.equal(await alive.finish(second, nowhere), true)
    assert.equal((await silent.lease(1)).waitMs, null)
    await Promise.all([silent.close(), alive.close()])
  })

  test('a page to which another program has found a shorter path is finished with its depth', { timeout }, async () => {
    const a = open('nearer')
    const b = open('nearer')
    const [x, y] = ['http://a/x', 'http://a/y']
    await a.add([
      { url: x, depth: 1, from: null, error: null },
      { url: y, depth: 5, from: 'http://a/far', error: null }
    ])
    const [first, second] = (await a.lease(2)).leases
    assert.equal(a.counts.leasedDepth, 1)
    await b.add([{ url: y, depth: 2, from: x, error: null }])
    assert.equal(await a.finish(first, nowhere), true)
    assert.equal(a.counts.leasedDepth, 2)
    assert.deepEqual(await a.finish(second, { ...nowhere, depth: 5 }), { depth: 2, from: x })
    assert.equal(await a.finish(second, { ...nowhere, depth: 2 }), true)
    await Promise.all([a.close(), b.close()])
  })

  test('a program that leaves gives its leases to others at once', { timeout }, async () => {
    const a = open('leaves')
    const b = open('leaves')
    await a.add([{ url: 'http://a/x', depth: 0, from: null, error: null }])
    assert.equal((await a.lease(1)).leases.length, 1)
    await a.close()
    assert.equal((await b.lease(1)).leases.length, 1)
    await b.close()
  })

  test('a turn at a host begins after the turn of the other program has ended', {
    timeout
  }, async () => {
    const stores = [open('turns'), open('turns')]
    const { signal } = new AbortController()
    let lastEnd = Number.NEGATIVE_INFINITY
    const request = { host: 'a', delayMs: 30, intervalMs: 0, lease: null }
    const run = async ({ turns }: RedisStore) => {
      for (let i = 0; i < 8; i++) {
        const done = await turns.turn(request, signal)
        const begun = performance.now()
        assert.ok(begun - lastEnd >= 30, `${begun - lastEnd} ms apart`)
        lastEnd = Number.POSITIVE_INFINITY
        await sleep(10)
        lastEnd = performance.now()
        done?.()
      }
    }
    await Promise.all(stores.map(run))
    // A rest that one program is told of is kept by the other.
    stores[0].turns.rest('b', 300)
    await sleep(50)
    const asked = performance.now()
    await stores[1].turns.turn({ ...request, host: 'b', delayMs: 0 }, signal)
    assert.ok(performance.now() - asked >= 200)
    await Promise.all(stores.map(store => store.close()))
  })

  test('a request of a program that died holds its host until the lease ends, and a lost lease gets no turn', {
    timeout
  }, async () => {
    const dead = open('dead', 60_000)
    const alive = open('dead', 500)
    const { signal } = new AbortController()
    await dead.add([{ url: 'http://a/x', depth: 0, from: null, error: null }])
    const [lease] = (await dead.lease(1)).leases
    const request = { host: 'a', delayMs: 10, intervalMs: 0, lease }
    assert.notEqual(await alive.turns.turn({ ...request, lease: null }, signal), null)
    const brief = new AbortController()
    const waiting = dead.turns.turn(request, brief.signal)
    setTimeout(() => brief.abort(new Error('enough')), 100)
    await assert.rejects(waiting, { name: 'AbortError' })
    await alive.reclaim(0)
    assert.equal(await dead.turns.turn(request, signal), null)
    await Promise.all([dead.close(), alive.close()])
  })

  test('waiting calls reject with a clear error if the server is gone', { timeout }, async () => {
    const own = await RedisServer.start()
    const store = new RedisStore({ url: own.url, name: 'gone', serverTimeout: 1000 })
    await store.add([{ url: 'http://a/x', depth: 0, from: null, error: null }])
    await own[Symbol.asyncDispose]()
    await assert.rejects(store.lease(1), { code: 'ERR_CLUSTER_UNREACHABLE', message: /cannot reach redis:/ })
    await assert.rejects(store.lease(1), { code: 'ERR_CLUSTER_UNREACHABLE' })
    await store.close()
  })

  test('invalid options are refused by name', () => {
    const url = 'redis://localhost'
    for (const [options, says] of [
      [{ url, name: 'a b' }, /name must be .*'a b'/],
      [{ url, name: 'x', lease: 0 }, /lease must be a positive integer, got 0/],
      [{ url, name: 'x', limit: -1 }, /limit must be a positive integer, got -1/],
      [{ url: 'x', name: 'x' }, /url must begin with redis/]
    ] as const) {
      assert.throws(() => new RedisStore(options), { name: 'ValueError', message: says })
    }
  })
})
