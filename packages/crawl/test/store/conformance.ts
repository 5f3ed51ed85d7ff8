import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { emptyRecord } from '../../src/page/record.ts'
import type { PageResult } from '../../src/result.ts'
import type { Counts, FoundUrl, Lease, Store, Visit } from '../../src/store/store.ts'

/** What a test needs of an implementation of `Store`. */
export interface StoreKind {
  /** In the titles of the tests. */
  readonly name: string
  /** Opens a new, empty store. */
  open(): Promise<Store>
  /** Opens what an earlier store has left behind, as after a crash; left out: nothing is left. */
  reopen?(store: Store): Promise<Store>
}

export function found(path: string, depth: number, from: string | null = null): FoundUrl {
  return { url: `http://a/${path}`, depth, from, error: null }
}

export function result(path: string, more: Partial<PageResult> = {}): PageResult {
  return { ...emptyRecord(`http://a/${path}`), status: 200, depth: 0, from: null, ...more }
}

/** The end of a visit that found a page and URLs. */
export function visit(path: string, ...urls: FoundUrl[]): Visit {
  return { depth: 0, page: result(path), links: [], found: urls, hops: [], skipped: [] }
}

/** The end of a visit that led nowhere new. */
export const nowhere: Visit = { depth: 0, page: null, links: [], found: [], hops: [], skipped: [] }

function checkCounts(store: Store, expected: Partial<Counts>): void {
  const counts = Object.entries(store.counts).filter(([name]) => name in expected)
  assert.deepEqual(Object.fromEntries(counts), expected)
}

async function one(store: Store): Promise<Lease> {
  const { leases } = await store.lease(1)
  assert.equal(leases.length, 1)
  return leases[0]
}

async function takeAll(store: Store): Promise<string[]> {
  const taken: string[] = []
  for (;;) {
    const { leases } = await store.lease(2)
    if (leases.length === 0) return taken
    taken.push(...leases.map(({ url, depth }) => `${url.slice('http://a/'.length)}${depth}`))
  }
}

/** The tests that every implementation of `Store` passes. */
export function testStore({ name, open, reopen }: StoreKind): void {
  const limits = { timeout: 60_000 }
  const stores: Store[] = []
  after(() => Promise.all(stores.map(store => store.close())))
  const opened = async () => {
    const store = await open()
    stores.push(store)
    return store
  }
  const check = (title: string, body: (store: Store) => Promise<void>) =>
    test(`${name}: ${title}`, limits, async () => body(await opened()))

  check('URLs are handed out by depth, then in the order in which they were found', async store => {
    await store.add([found('c', 2), found('a', 1), found('d', 2), found('b', 1)])
    assert.deepEqual(await takeAll(store), ['a1', 'b1', 'c2', 'd2'])
    await store.add([found('e', 1)])
    assert.deepEqual(await takeAll(store), ['e1'])
  })

  check('a lease says what is known of its URL', async store => {
    await store.add([{ url: 'http://[', depth: 3, from: 'http://a/x', error: 'not a URL' }])
    const { generation, ...lease } = await one(store)
    assert.deepEqual(lease, { url: 'http://[', depth: 3, from: 'http://a/x', error: 'not a URL' })
    assert.ok(generation > 0)
  })

  check('a URL is handed out once', async store => {
    await store.add([found('a', 1), found('a', 1)])
    assert.equal(store.counts.waiting, 1)
    const lease = await one(store)
    await store.add([found('a', 0)])
    assert.deepEqual((await store.lease(5)).leases, [])
    assert.ok(await store.finish(lease, visit('a')))
    await store.add([found('a', 0)])
    assert.deepEqual(await store.lease(5), { leases: [], waitMs: null })
    checkCounts(store, { waiting: 0, leased: 0, pages: 1, errors: 0 })
  })

  check('a URL that is found again nearer to the start moves up', async store => {
    await store.add([found('a', 3), found('b', 2)])
    await store.add([found('a', 1), found('b', 2)])
    assert.equal(store.counts.waiting, 2)
    assert.deepEqual(await takeAll(store), ['a1', 'b2'])
  })

  check('a leased URL that is found nearer to the start has the lesser depth after its release', async store => {
    await store.add([found('a', 3)])
    const lease = await one(store)
    await store.add([found('a', 1)])
    assert.ok(await store.release(lease))
    assert.equal((await one(store)).depth, 1)
  })

  check('a frontier with leases under way asks to wait; one without ends', async store => {
    assert.deepEqual(await store.lease(1), { leases: [], waitMs: null })
    await store.add([found('a', 0)])
    const lease = await one(store)
    const { leases, waitMs } = await store.lease(1)
    assert.deepEqual(leases, [])
    assert.ok(waitMs !== null && waitMs > 0)
    await store.finish(lease, nowhere)
    assert.equal((await store.lease(1)).waitMs, null)
  })

  check('a page and the URLs that it leads to arrive in one step', async store => {
    await store.add([found('a', 0)])
    const lease = await one(store)
    assert.ok(await store.finish(lease, visit('a', found('b', 1, lease.url), found('c', 1, lease.url))))
    checkCounts(store, { waiting: 2, leased: 0, pages: 1, errors: 0 })
    assert.equal((await one(store)).from, 'http://a/a')
  })

  check('a lease that was released or reclaimed finishes nothing', async store => {
    await store.add([found('a', 0)])
    const first = await one(store)
    assert.ok(await store.release(first))
    assert.ok(!(await store.release(first)))
    assert.ok(!(await store.finish(first, visit('a', found('b', 1)))))
    const second = await one(store)
    assert.equal(second.url, first.url)
    assert.ok(second.generation > first.generation)
    assert.ok(!(await store.finish(first, visit('a', found('b', 1)))))
    assert.ok(!(await store.claim(first, 'http://a/c')))
    assert.equal(await store.reclaim(0), 1)
    assert.ok(!(await store.finish(second, visit('a'))))
    const third = await one(store)
    assert.ok(await store.finish(third, visit('a')))
    assert.ok(!(await store.finish(third, visit('a'))))
    checkCounts(store, { waiting: 0, leased: 0, pages: 1, errors: 0 })
  })

  check('only leases that are old enough are reclaimed', async store => {
    await store.add([found('a', 0), found('b', 0)])
    const leases = [await one(store), await one(store)]
    assert.equal(await store.reclaim(60_000), 0)
    await new Promise(resolve => setTimeout(resolve, 60))
    await store.renew([leases[1]])
    assert.equal(await store.reclaim(50), 1)
    assert.ok(!(await store.finish(leases[0], visit('a'))))
    assert.ok(await store.finish(leases[1], visit('b')))
  })

  check('a claimed URL is not handed out, and can be claimed once', async store => {
    await store.add([found('a', 0), found('b', 0)])
    const lease = await one(store)
    assert.ok(await store.claim(lease, 'http://a/b'))
    assert.ok(!(await store.claim(lease, 'http://a/b')))
    assert.ok(await store.claim(lease, 'http://a/elsewhere'))
    assert.deepEqual((await store.lease(5)).leases, [])
    checkCounts(store, { waiting: 0, leased: 3, pages: 0, errors: 0 })
    assert.ok(await store.finish(lease, visit('elsewhere')))
    await store.add([found('b', 0), found('elsewhere', 0)])
    assert.equal(store.counts.waiting, 0)
    assert.equal(store.counts.leased, 0)
  })

  check('claimed URLs wait again when their lease is given back', async store => {
    await store.add([found('a', 2)])
    const lease = await one(store)
    await store.claim(lease, 'http://a/b')
    await store.release(lease)
    assert.deepEqual((await takeAll(store)).sort(), ['a2', 'b2'])
  })

  check('a finished URL cannot be claimed', async store => {
    await store.add([found('a', 0), found('b', 0)])
    await store.finish(await one(store), visit('a'))
    assert.ok(!(await store.claim(await one(store), 'http://a/a')))
  })

  check('one URL can be handed out out of turn', async store => {
    await store.add([found('a', 0), found('b', 1)])
    const known = await store.take(found('b', 2))
    assert.deepEqual([known?.url, known?.depth], ['http://a/b', 1])
    assert.equal(await store.take(found('b', 0)), null)
    const unknown = await store.take({ ...found('c', 5, 'http://a/a'), error: 'not a URL' })
    assert.deepEqual([unknown?.url, unknown?.depth, unknown?.error], ['http://a/c', 5, 'not a URL'])
    assert.ok(await store.finish(unknown!, visit('c')))
    assert.equal(await store.take(found('c', 0)), null)
    checkCounts(store, { waiting: 1, leased: 1, pages: 1, visits: 0 })
    assert.ok(await store.finish(known!, visit('b')))
    checkCounts(store, { pages: 2, visits: 1 })
  })

  check('the least depth of the waiting URLs is known', async store => {
    assert.equal(store.counts.nextDepth, Number.POSITIVE_INFINITY)
    await store.add([found('a', 3), found('b', 2)])
    assert.equal(store.counts.nextDepth, 2)
    const lease = await one(store)
    assert.equal(store.counts.nextDepth, 3)
    await store.add([found('a', 1)])
    assert.equal(store.counts.nextDepth, 1)
    await one(store)
    assert.equal(store.counts.nextDepth, Number.POSITIVE_INFINITY)
    await store.release(lease)
    assert.equal(store.counts.nextDepth, 2)
  })

  check('a URL that is skipped is not handed out', async store => {
    await store.add([found('a', 0)])
    const lease = await one(store)
    await store.finish(lease, { ...nowhere, skipped: [{ url: 'http://a/trap', reason: 'a trap' }] })
    await store.add([found('trap', 1)])
    assert.deepEqual((await store.lease(1)).leases, [])
  })

  check('errors are counted', async store => {
    await store.add([found('a', 0)])
    await store.finish(await one(store), {
      ...nowhere,
      page: result('a', { status: 404, error: 'HTTP 404 Not Found' })
    })
    checkCounts(store, { waiting: 0, leased: 0, pages: 1, errors: 1 })
  })

  if (!reopen) return

  check('what was finished stays, and what was leased waits again at its place after a crash', async store => {
    await store.add([found('a', 0), found('b', 0), found('c', 0)])
    await store.finish(await one(store), visit('a', found('d', 1)))
    const lease = await one(store)
    await store.claim(lease, 'http://a/e')
    const again = await reopen(store)
    stores.push(again)
    checkCounts(again, { waiting: 4, leased: 0, pages: 1, errors: 0 })
    assert.ok(!(await again.finish(lease, visit('b'))))
    const taken = await takeAll(again)
    assert.equal(taken[0], 'b0')
    assert.deepEqual(taken.sort(), ['b0', 'c0', 'd1', 'e0'])
  })
}
