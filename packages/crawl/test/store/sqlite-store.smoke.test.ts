import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { LinkRecord } from '../../src/page/record.ts'
import { openStore, readStore } from '../../src/store/open-store.ts'
import { openDatabase } from '../../src/store/sqlite/database.ts'
import { toPage } from '../../src/store/sqlite/schema.ts'
import type { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'
import { found, result, testStore, visit } from './conformance.ts'

const limits = { timeout: 60_000 }
const directory = mkdtempSync(join(tmpdir(), 'crawl-store-'))
after(() => rmSync(directory, { recursive: true }))

let number = 0
const files = new WeakMap<Store, string>()

async function open(path = join(directory, `${++number}.db`)): Promise<SqliteStore> {
  const store = await openStore(path)
  files.set(store, path)
  return store
}

testStore({
  name: 'SQLite',
  open: () => open(),
  // The copy is what a process that is killed leaves: the write-ahead log as it is, and no lock.
  async reopen(store) {
    const path = files.get(store)!
    const copy = join(directory, `${++number}.db`)
    for (const ending of ['', '-wal']) copyFileSync(path + ending, copy + ending)
    return await open(copy)
  }
})

testStore({ name: 'SQLite, temporary', open: () => openStore('') })

test('a page is stored with every field, and its links with their sources', limits, async () => {
  const store = await open()
  await store.add([found('a', 2, 'http://a/from')])
  const { leases } = await store.lease(1)
  const page = result('a', {
    depth: 1,
    from: 'http://a/from',
    redirects: [{ url: 'http://a/old', status: 301 }],
    robots: { meta: ['noindex'], header: [] },
    hreflang: [{ lang: 'de', url: 'http://a/de' }],
    truncated: true,
    downloadMs: 1.5,
    data: { price: '7 €' }
  })
  const link = { source: page.url, kind: 'a', text: 'B', rel: '', anchor: 'part', isUrl: true } as const
  await store.finish(leases[0], {
    depth: 1,
    page,
    links: [
      { ...link, target: 'http://a/b' },
      { ...link, target: 'http://other/', kind: 'img' }
    ],
    found: [found('b', 2, page.url)],
    hops: [{ url: 'http://a/old', status: 301, target: page.url }],
    skipped: [],
    written: 1234
  })
  assert.deepEqual(toPage(store.database.prepare('SELECT * FROM pages').get()!), page)
  const links = store.database.prepare('SELECT source, target, kind, text, rel, anchor FROM link_urls').all()
  assert.deepEqual(
    links.map(row => ({ ...row })),
    [
      { source: page.url, target: 'http://a/b', kind: 'a', text: 'B', rel: '', anchor: 'part' },
      { source: page.url, target: 'http://other/', kind: 'img', text: 'B', rel: '', anchor: 'part' }
    ]
  )
  assert.equal(store.meta('written'), '1234')
  assert.equal(store.meta('nothing'), undefined)
  await store.close()
})

test('texts of links come back with every character, and half a surrogate pair as U+FFFD', limits, async () => {
  const store = await open()
  await store.add([found('a', 0)])
  const { leases } = await store.lease(1)
  const texts = ['\ud800x', 'x\udc00', '😀', '\u2028"\\\n\t', '\\ud800', '\x01\x7f\x9f', "é'", '']
  const links = texts.map(text => ({ target: 'http://a/b', kind: 'a', text, rel: text, anchor: text }) as LinkRecord)
  assert.ok(await store.finish(leases[0], { ...visit('a'), links }))
  const rows = store.database.prepare('SELECT text, rel, anchor FROM links ORDER BY rowid').all()
  assert.deepEqual(
    rows.map(row => ({ ...row })),
    texts.map(text => Buffer.from(text).toString()).map(text => ({ text, rel: text, anchor: text }))
  )
  await store.close()
})

test(
  'leases that a failed step rolled back are valid, and one commit stores them with the next step',
  limits,
  async () => {
    const store = await openStore(join(directory, 'leases.db'))
    await store.add([found('a', 0), found('b', 0), found('c', 0)])
    const { leases } = await store.lease(2)
    const broken = [
      { source: 'http://a/b', target: 'http://a/d', kind: null as never, text: '', rel: '', anchor: '', isUrl: true }
    ]
    await assert.rejects(store.finish(leases[1], { ...visit('b'), links: broken }), /NOT NULL/)
    const { waiting, leased } = store.counts
    assert.deepEqual([waiting, leased], [1, 2])
    const next = await store.lease(1)
    assert.equal(next.leases[0].url, 'http://a/c')
    const reader = await readStore(join(directory, 'leases.db'))
    assert.deepEqual([reader.counts.waiting, reader.counts.leased], [1, 2])
    await reader.close()
    for (const lease of [...leases, ...next.leases]) assert.ok(await store.finish(lease, visit(lease.url.slice(9))))
    assert.deepEqual([store.counts.pages, store.counts.leased], [3, 0])
    await store.close()
  }
)

test('a step that fails changes nothing', limits, async () => {
  const store = await open()
  await store.add([found('a', 0), found('b', 0)])
  const { leases } = await store.lease(2)
  await store.finish(leases[0], visit('a', found('c', 1)))
  const before = store.counts
  const links = [
    { source: 'http://a/b', target: 'http://a/d', kind: null as never, text: '', rel: '', anchor: '', isUrl: true }
  ]
  await assert.rejects(store.finish(leases[1], { ...visit('b', found('d', 1)), links }), /NOT NULL/)
  assert.deepEqual(store.counts, before)
  assert.ok(await store.finish(leases[1], visit('b', found('d', 1))))
  assert.deepEqual(store.counts, { waiting: 2, leased: 0, pages: 2, errors: 0, visits: 2, nextDepth: 1 })
  await store.close()
})

test('a second page of one URL leaves the first one unchanged', limits, async () => {
  const store = await open()
  await store.add([found('a', 0), found('b', 0)])
  const { leases } = await store.lease(2)
  assert.ok(await store.finish(leases[0], visit('a')))
  assert.ok(!(await store.finish(leases[1], visit('a', found('d', 1)))))
  assert.deepEqual(store.counts, { waiting: 1, leased: 0, pages: 1, errors: 0, visits: 1, nextDepth: 1 })
  await store.close()
})

test('one file is left when a store is closed, and it opens again', limits, async () => {
  const path = join(directory, 'closed.db')
  const store = await openStore(path)
  await store.add([found('a', 0)])
  await store.close()
  assert.deepEqual(
    readdirSync(directory).filter(name => name.startsWith('closed')),
    ['closed.db']
  )
  const again = await openStore(path)
  assert.equal(again.counts.waiting, 1)
  await again.close()
  const fresh = await openStore(path, { fresh: true })
  assert.equal(fresh.counts.waiting, 0)
  await fresh.close()
})

test('a file is used by one crawl at a time', limits, async () => {
  const path = join(directory, 'shared.db')
  const store = await openStore(path)
  await assert.rejects(
    openStore(path),
    /^StoreError: cannot crawl into ".*shared\.db": another crawl is using it; wait for/
  )
  await assert.rejects(openStore(path, { fresh: true }), /another crawl is using it/)
  await store.close()
  await (await openStore(path)).close()
})

test('a file of something else is refused, and left unchanged', limits, async () => {
  const text = join(directory, 'text.db')
  writeFileSync(
    text,
    'no database at all, but long enough to have a header of one hundred bytes, which SQLite reads first'
  )
  await assert.rejects(
    openStore(text),
    /^StoreError: cannot open ".*text\.db": it is not an SQLite database; use another file$/
  )
  const other = join(directory, 'other.db')
  const database = await openDatabase(other)
  database.exec('CREATE TABLE mine (a)')
  database.close()
  await assert.rejects(openStore(other), /it is a database of another program; use another file$/)
  assert.ok(!existsSync(`${text}-lock`) && !existsSync(`${other}-lock`))
  await assert.rejects(
    openStore(join(directory, 'no', 'where.db')),
    /^StoreError: cannot open ".*where\.db": there is no such directory \(ENOENT\)$/
  )
})

test(
  'a full disk is named, loses nothing that was stored, and the crawl goes on once there is room',
  limits,
  async () => {
    const store = await open()
    await store.add([found('first', 0)])
    const pages = Number(Object.values(store.database.prepare('PRAGMA page_count').get()!)[0])
    store.database.exec(`PRAGMA max_page_count = ${pages}`)
    const many = Array.from({ length: 5000 }, (_, index) => found(String(index), 1))
    await assert.rejects(store.add(many), {
      name: 'StoreError',
      message: 'cannot store a page: the disk is full; make room, and run the same command again to go on'
    })
    assert.equal(store.counts.waiting, 1)
    store.database.exec('PRAGMA max_page_count = 1000000')
    await store.add(many)
    assert.equal(store.counts.waiting, 5001)
    await store.close()
  }
)
