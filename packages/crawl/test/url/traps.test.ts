import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crawl } from '../../src/index.ts'
import { describeTrap, type TrapKind, Traps } from '../../src/url/traps.ts'
import { page, serve } from '../support.ts'

const limits = { timeout: 60_000 }
const origin = 'http://example.com'

test('paths that no site has reason for are cut, and ordinary ones are not', limits, () => {
  const traps = new Traps(2026)
  for (const path of [
    ...[
      '/',
      '/a/b/c/d/e/f',
      '/a/a',
      '/a/b/a/b',
      '/1/1/2/2/',
      '/docs/v1/docs/v2/docs',
      '/aa/aaa/aaaa',
      '/0/0/0/0/0/0',
      '/a/a/a/a/a',
      '/to/to/to'
    ],
    ...[
      '/2026/01/15/post',
      '/1999/12',
      '/archive?year=1851&month=9',
      '/calendar?date=2028-12',
      '/item/3021',
      '/p/2999/x'
    ]
  ]) {
    assert.ok(traps.admits(origin + path, origin), path)
  }
  for (const [path, kind] of [
    [`/${'x1/'.repeat(4)}`, 'repeated segments'],
    ['/aa/b/aa/b/aa/b/aa/b', 'repeated segments'],
    ['/xx/yy/zz/xx/yy/zz/xx/yy/zz/xx/yy/zz/page', 'repeated segments'],
    [`/${Array.from({ length: 30 }, (_, index) => `s${index}`).join('/')}`, 'deep path'],
    ['/calendar/2031/01', 'calendar'],
    ['/events?month=2900-05', 'calendar'],
    ['/calendar?year=1750', 'calendar']
  ] as [string, TrapKind][]) {
    const before = new Traps(2026)
    assert.ok(!before.admits(origin + path, origin), path)
    assert.deepEqual(before.notes, [{ kind, links: 1, example: origin + path }])
  }
})

test('an endless calendar is cut, and an archive that one page links to is not', limits, () => {
  const endless = new Traps(2026)
  let from = `${origin}/calendar`
  let count = 0
  for (let month = 2026 * 12; ; month--, count++) {
    const url = `${origin}/calendar/${Math.floor(month / 12)}/${(month % 12) + 1}`
    if (!endless.admits(url, from)) break
    from = url
  }
  assert.equal(count, 480)
  const archive = new Traps(2026)
  for (let day = 0; day < 5000; day++) {
    const date = new Date(Date.UTC(2000, 0, 1 + day)).toISOString().slice(0, 10).replaceAll('-', '/')
    assert.ok(archive.admits(`${origin}/${date}`, `${origin}/archive`))
  }
})

test('orders and combinations of parameters are cut, and values of parameters are not', limits, () => {
  const traps = new Traps()
  for (let id = 0; id < 10_000; id++) assert.ok(traps.admits(`${origin}/index.php?page=article&id=${id}`, origin))
  const names = ['a', 'b', 'c', 'd']
  const orders = names.flatMap(one =>
    names.filter(name => name !== one).map(two => [one, two, ...names.filter(name => name !== one && name !== two)])
  )
  const admitted = orders.filter(order =>
    traps.admits(`${origin}/list?${order.map(name => `${name}=1`).join('&')}`, origin)
  )
  assert.equal(admitted.length, 3)
  let combinations = 0
  for (let bits = 0; bits < 1024; bits++) {
    const query = Array.from({ length: 10 }, (_, bit) => (bits & (1 << bit) ? `f${bit}=1` : '')).filter(
      text => text !== ''
    )
    if (query.length > 1 && traps.admits(`${origin}/filter?${query.join('&')}`, origin)) combinations++
  }
  assert.equal(combinations, 64)
  assert.deepEqual(
    traps.notes.map(({ kind }) => kind),
    ['query permutations', 'query combinations']
  )
})

test('a crawl of endless sites ends, reports what was cut, and follows it if told to', limits, async () => {
  await using site = await serve((request, response) => {
    const url = new URL(request.url!, 'http://x')
    const send = (html: string) => response.writeHead(200, { 'content-type': 'text/html' }).end(html)
    if (url.pathname === '/robots.txt') response.writeHead(404).end()
    else if (url.pathname === '/') send(page('home', 'loop/', '/filter?a=1&b=2', '/calendar?date=2026-01'))
    else if (url.pathname.startsWith('/loop/')) send(page('loop', 'again/'))
    else if (url.pathname === '/filter') {
      const names = [...url.searchParams.keys()]
      send(page('filter', `?${[...names, `n${names.length}`].map(name => `${name}=1`).join('&')}`))
    } else {
      const [year, month] = url.searchParams.get('date')!.split('-').map(Number)
      const next = month === 12 ? `${year + 1}-01` : `${year}-${String(month + 1).padStart(2, '0')}`
      send(page('calendar', `?date=${next}`))
    }
  })
  const pages = crawl(site.origin, { processes: 0, concurrency: 4 })
  let count = 0
  for await (const { error } of pages) {
    assert.equal(error, null)
    count++
  }
  assert.ok(count < 600, `${count}`)
  const kinds = pages.stats.traps.map(({ kind }) => kind).sort()
  assert.deepEqual(kinds, ['calendar', 'query combinations', 'repeated segments'])
  assert.match(
    describeTrap(pages.stats.traps[0]),
    /^1 link was not followed, .* such as http:.*; --traps follow follows them$/
  )
  const following = crawl(site.origin, { processes: 0, concurrency: 4, limit: 700, traps: 'follow' })
  let followed = 0
  for await (const _ of following) followed++
  assert.deepEqual([followed, following.stats.traps], [700, []])
})
