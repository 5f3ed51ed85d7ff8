import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { crawl, type PageResult } from '../src/index.ts'
import { emptyRecord } from '../src/page/record.ts'
import { FIELDS, toJsonLine } from '../src/result.ts'
import { at, collect, type Pages, page, paths, redirect, type Site, serve, slow } from './support.ts'

const limits = { timeout: 20_000 }

/** A tree of pages: `/`, `/0`, `/1`, `/0/0` …, each linking to its `width` children, `depth` levels deep. */
function tree(width: number, depth: number): Pages {
  const pages: Pages = {}
  const grow = (path: string, left: number) => {
    const children =
      left === 0 ? [] : Array.from({ length: width }, (_, index) => `${path === '/' ? '' : path}/${index}`)
    pages[path] = page(path, ...children, '/')
    for (const child of children) grow(child, left - 1)
  }
  grow('/', depth)
  return pages
}

/** An empty record, without what differs from run to run. */
function unmeasured(url: string): object {
  const { downloadMs, parseMs, firstByteMs, startedAt, hash, bytes, ...rest } = emptyRecord(url)
  return rest
}

test('a result has exactly the documented fields', limits, async () => {
  const html =
    '<title>T</title><meta property="og:url" content="/home"><h1>Hömé</h1>' +
    '<a href="/a">a</a><a href="/a#b">b</a><a href="https://example.com/">c</a>'
  await using site = await serve({ '/': html, '/a': '<title>Only a title</title>' })
  const [home, second, ...none] = await collect(site.origin)
  assert.equal(none.length, 0)
  const { downloadMs, parseMs, firstByteMs, startedAt, hash, bytes, ...certain } = home
  assert.deepEqual(certain, {
    ...unmeasured(`${site.origin}/`),
    status: 200,
    contentType: 'text/html; charset=utf-8',
    title: 'Hömé',
    titleTag: 'T',
    h1: 'Hömé',
    ogUrl: `${site.origin}/home`,
    words: 2,
    links: 2,
    attempts: 1,
    depth: 0,
    from: null
  })
  assert.equal(bytes, Buffer.byteLength(html))
  assert.equal(hash, createHash('sha256').update(html).digest('hex').slice(0, 32))
  assert.ok(Math.abs(Date.parse(startedAt!) - Date.now()) < 60_000 && firstByteMs! > 0 && firstByteMs! <= downloadMs)
  assert.ok(downloadMs > 0 && downloadMs < 5000 && parseMs > 0 && parseMs < 5000)
  assert.deepEqual([second.title, second.ogUrl, second.depth, second.links], ['Only a title', null, 1, 0])
  const line = toJsonLine(second)
  assert.ok(line.endsWith('}\n'))
  assert.deepEqual(JSON.parse(line), second)
  const names = 'url status title ogUrl depth links bytes downloadMs parseMs error'.split(' ')
  assert.deepEqual(FIELDS.slice(0, names.length), names)
  assert.deepEqual(Object.keys(JSON.parse(line)), [...FIELDS])
  assert.deepEqual([...FIELDS].sort(), Object.keys(second).sort())
})

test(
  'pages come in the order of their depth, each once, however often and in however many spellings they are linked',
  limits,
  async () => {
    await using site = await serve({
      '/': page('home', '/a', '/b', '/a#x', '/./b', '/c/../a'),
      '/a': page('a', '/a1', '/b', '/', '/deep'),
      '/b': page('b', '/b1', '/deep'),
      '/a1': page('a1', '/deep'),
      '/b1': page('b1', '/deeper'),
      '/deep': page('deep', '/deeper', 'b1'),
      '/deeper': page('deeper')
    })
    const results = await collect(site.origin)
    assert.deepEqual(
      results.map(({ url, depth }) => `${new URL(url).pathname} ${depth}`),
      ['/ 0', '/a 1', '/b 1', '/a1 2', '/deep 2', '/b1 2', '/deeper 3']
    )
    assert.equal(site.requests.length, 8)
  }
)

test('pages of other sites are not visited', limits, async () => {
  await using other = await serve({ '/': page('other') })
  await using site = await serve({
    '/': page('home', `${other.origin}/`, '/a', 'https://example.com/', `http://localhost:0/`),
    '/a': page('a')
  })
  assert.deepEqual(paths(await collect(site.origin)), ['/', '/a'])
  assert.equal(other.requests.length, 0)
})

test('the limit is kept, and no further page is requested', limits, async () => {
  await using site = await serve(tree(4, 3))
  for (const limit of [1, 2, 7]) {
    site.requests.length = 0
    assert.equal((await collect(site.origin, { limit, concurrency: 5 })).length, limit)
    assert.equal(site.requests.length, limit + 1)
  }
})

test('redirects to known pages and disallowed pages do not use up the limit', limits, async () => {
  await using site = await serve({
    '/robots.txt': 'User-agent: *\nDisallow: /closed',
    '/': page('home', '/closed1', '/old', '/closed2', '/a', '/b', '/c'),
    '/old': redirect('/'),
    '/a': page('a'),
    '/b': page('b'),
    '/c': page('c')
  })
  for (const concurrency of [1, 2, 8]) {
    assert.deepEqual(paths(await collect(site.origin, { limit: 3, concurrency })).sort(), ['/', '/a', '/b'])
  }
})

test('under a limit, the same pages are found with the same depth, whatever takes long', limits, async () => {
  const pages = tree(3, 3)
  const shown = (results: PageResult[]) => results.map(({ url, depth }) => `${new URL(url).pathname} ${depth}`).sort()
  await using even = await serve(pages)
  const expected = shown(await collect(even.origin, { limit: 25 }))
  assert.equal(expected.length, 25)
  for (let round = 0; round < 5; round++) {
    const delays = Object.entries(pages).map(([path, html]) => [
      path,
      slow(html as string, (round * 7 + path.length * 11) % 40)
    ])
    await using uneven = await serve(Object.fromEntries(delays))
    assert.deepEqual(shown(await collect(uneven.origin, { limit: 25, concurrency: 6 })), expected)
  }
})

test('a slow page delays no other, and depths are those of the shortest paths', limits, async () => {
  const pages = tree(3, 3)
  let answerSlow = () => {}
  await using site = await serve((request, response) => {
    const path = request.url!
    const send = (html: string) => response.writeHead(200, { 'content-type': 'text/html' }).end(html)
    // The slow page is answered when all others have been asked for; it has the shortest way to some of them.
    if (path === '/slow') answerSlow = () => send(page('slow', '/2/2/2', '/only-here'))
    else if (path === '/') send(page('home', '/slow', '/0', '/1', '/2'))
    else if (path === '/only-here') send(page('found'))
    else if (pages[path]) send(pages[path] as string)
    else response.writeHead(404).end()
    if (new Set(site.requests.map(({ path }) => path)).size === 42) answerSlow()
  })
  const results = await collect(site.origin, { concurrency: 3 })
  assert.equal(results.length, 42)
  assert.deepEqual(
    ['/slow', '/2/2', '/2/2/2', '/only-here'].map(path => [at(results, path).depth, at(results, path).from]),
    [
      [1, `${site.origin}/`],
      [2, `${site.origin}/2`],
      [2, `${site.origin}/slow`],
      [2, `${site.origin}/slow`]
    ]
  )
})

test('no more pages are handled at once than there are places', limits, async () => {
  let now = 0
  let most = 0
  const pages: Pages = {}
  for (const [path, html] of Object.entries(tree(5, 2))) {
    pages[path] = (request, response) => {
      most = Math.max(most, ++now)
      response.on('close', () => now--)
      slow(html as string, 15)(request, response)
    }
  }
  await using site = await serve(pages)
  for (const concurrency of [1, 4]) {
    most = 0
    assert.equal((await collect(site.origin, { concurrency })).length, 31)
    assert.equal(most, concurrency)
  }
})

test('no further page is begun while no code asks for the next result', limits, async () => {
  await using site = await serve(tree(6, 2))
  const pages = crawl(site.origin, { processes: 0, concurrency: 2 })
  const results = pages[Symbol.asyncIterator]()
  await results.next()
  await results.next()
  const { requests } = site
  const before = requests.length
  await new Promise(resolve => setTimeout(resolve, 100))
  assert.ok(before <= 4 && requests.length <= 4, `${before}, ${requests.length}`)
  assert.ok(pages.stats.queued > 0)
  await results.return?.()
})

test('leaving the loop ends unfinished pages', limits, async () => {
  let closed = () => {}
  const isClosed = new Promise<void>(resolve => {
    closed = resolve
  })
  await using site = await serve({
    '/': page('home', '/a', '/never'),
    '/a': page('a'),
    '/never': (_, response) => response.on('close', closed)
  })
  for await (const result of crawl(site.origin, { processes: 0, concurrency: 2 })) if (result.depth > 0) break
  await isClosed
})

test('a signal ends the crawl, and the loop gets the available results', limits, async () => {
  const stop = new AbortController()
  await using site = await serve({
    '/': page('home', '/a', '/b', '/never'),
    '/a': page('a'),
    '/b': page('b'),
    '/never': () => stop.abort()
  })
  const pages = crawl(site.origin, { processes: 0, concurrency: 4, signal: stop.signal })
  const results: PageResult[] = []
  for await (const result of pages) results.push(result)
  assert.equal(at(results, '/').title, 'home')
  assert.ok(results.every(({ error }) => error === null))
  assert.ok(!paths(results).includes('/never'))
  assert.deepEqual(await collect(site.origin, { signal: AbortSignal.abort() }), [])
})

test('a signal ends the wait for a turn', limits, async () => {
  await using site = await serve({ '/': page('home') })
  const results = await collect(site.origin, { delayMs: 60_000, signal: AbortSignal.timeout(200) })
  assert.deepEqual(results, [])
})

test('a crawl counts what it does', limits, async () => {
  await using site = await serve({
    '/robots.txt': 'User-agent: *\nDisallow: /closed\nCrawl-delay: 0.002',
    '/': page('home', '/closed', '/missing', '/a', '/b', '/c'),
    '/a': page('a'),
    '/b': page('b')
  })
  const pages = crawl(site.origin, { processes: 0, limit: 4 })
  assert.deepEqual(pages.stats, {
    pages: 0,
    errors: 0,
    queued: 0,
    underWay: 0,
    disallowed: 0,
    bytes: 0,
    crawlDelayMs: 0,
    retries: 0,
    workers: 0,
    throttleMs: 0,
    latencyP95Ms: 0,
    traps: []
  })
  let bytes = 0
  for await (const result of pages) bytes += result.bytes
  const { latencyP95Ms, ...stats } = pages.stats
  assert.ok(latencyP95Ms >= 0)
  const counts = { pages: 4, errors: 1, queued: 1, underWay: 0, disallowed: 1, bytes, crawlDelayMs: 2 }
  assert.deepEqual(stats, { ...counts, retries: 0, workers: 0, throttleMs: 0, traps: [] })
})

test('a crawl can be looped over once', limits, async () => {
  await using site: Site = await serve({ '/': page('home') })
  const pages = crawl(site.origin, { processes: 0 })
  for await (const result of pages) assert.equal(result.title, 'home')
  await assert.rejects(async () => {
    for await (const _ of pages);
  }, /looped over once/)
})

test('what cannot be crawled is refused with what was expected', limits, () => {
  for (const [url, message] of [
    ['', /^not a URL: ""\. Expected one such as https:/],
    ['example.com/a', /Did you mean http:\/\/example\.com\/a\?$/],
    ['example.com:8080', /Did you mean http:\/\/example\.com:8080\?$/],
    ['http://[', /^not a URL: "http:\/\/\["\. Expected one such as https:\/\/example\.com\/\.$/],
    ['ftp://example.com/', /begins with http:\/\/ or https:\/\/\.$/],
    [`http://example.com/${'x'.repeat(9000)}`, /too long: 9019 characters/]
  ] as const) {
    assert.throws(() => crawl(url), { name: 'TypeError', message }, url)
  }
  for (const [options, message] of [
    [{ processes: -1 }, 'processes must be a whole number, 0 or more; it is -1'],
    [{ concurrency: 0 }, 'concurrency must be a whole number, 1 or more; it is 0'],
    [{ limit: 0 }, 'limit must be a whole number, 1 or more; it is 0'],
    [{ delayMs: Number.NaN }, 'delayMs must be a whole number, 0 or more; it is NaN'],
    [{ timeoutMs: 1.5 }, 'timeoutMs must be a whole number, 1 or more; it is 1.5']
  ] as const) {
    assert.throws(() => crawl('http://example.com/', options), { name: 'RangeError', message })
  }
  assert.throws(() => crawl('http://example.com/', { userAgent: 'a\nb' }), { name: 'TypeError' })
})

test('a page is requested once with an empty query and without one', limits, async () => {
  await using site = await serve({
    '/': page('home', '/q?', '/q', '/q?#part', '/?', '/r?'),
    '/q': page('q'),
    '/r': page('r')
  })
  assert.deepEqual(paths(await collect(site.origin)), ['/', '/q', '/r'])
  assert.deepEqual(
    site.requests.map(({ path }) => path).filter(path => path !== '/robots.txt'),
    ['/', '/q', '/r']
  )
})
