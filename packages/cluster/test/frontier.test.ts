/** The frontier on a server passes the suite of every store. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
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

  test('of two programs at one frontier, the leases of the one that is silent go to the other', {
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
})
