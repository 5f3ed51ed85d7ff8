import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertApart, at, collect, page, paths, redirect, serve } from '../support.ts'

const limits = { timeout: 20_000 }
const home = page('home', '/open', '/closed/a', '/closed/but-open', '/to-closed')
const rest = {
  '/': home,
  '/open': page('open'),
  '/closed/a': page('a'),
  '/closed/but-open': page('but open'),
  '/to-closed': redirect('/closed/b')
}

test('URLs that robots.txt disallows are not requested', limits, async () => {
  const robots =
    '\ufeffUser-agent: *\nDisallow: /\n\nUser-Agent: Crawl\nDisallow: /closed/ # not these\nAllow: /closed/but-\n'
  await using site = await serve({ ...rest, '/robots.txt': robots })
  const results = await collect(site.origin)
  assert.deepEqual(paths(results).sort(), ['/', '/closed/but-open', '/open', '/to-closed'])
  assert.equal(at(results, '/to-closed').error, `HTTP 302 Found to ${site.origin}/closed/b, which robots.txt disallows`)
  assert.ok(!site.requests.some(({ path }) => path === '/closed/a' || path === '/closed/b'))
  assert.equal(site.requests.filter(({ path }) => path === '/robots.txt').length, 1)
  assert.equal(site.requests[0].path, '/robots.txt')
})

test('every request has the name for which robots.txt is read', limits, async () => {
  await using site = await serve({
    ...rest,
    '/robots.txt': 'User-agent: crawl\nDisallow:\nUser-agent: probe\nDisallow: /open\n'
  })
  await collect(site.origin)
  assert.ok(site.requests.length > 4)
  for (const { headers } of site.requests)
    assert.match(headers['user-agent']!, /^crawl\/\d+\.\d+\.\d+ \(\+multiprocess\)$/)
  const results = await collect(site.origin, { userAgent: 'Probe/2 (test)' })
  assert.ok(!paths(results).includes('/open'))
  assert.equal(site.requests.at(-1)?.headers['user-agent'], 'Probe/2 (test)')
})

test('a first page that is disallowed is reported', limits, async () => {
  await using site = await serve({ ...rest, '/robots.txt': 'User-agent: *\nDisallow: /' })
  const results = await collect(site.origin)
  assert.deepEqual(
    results.map(({ status, error }) => [status, error]),
    [[null, 'robots.txt disallows this page']]
  )
})

test(
  'without a robots.txt, everything is allowed, and while the server fails to send it, nothing is',
  limits,
  async () => {
    for (const status of [404, 401, 403, 410]) {
      await using site = await serve({ ...rest, '/robots.txt': (_, response) => response.writeHead(status).end() })
      assert.ok(paths(await collect(site.origin)).includes('/closed/a'), `${status}`)
    }
    await using site = await serve({ ...rest, '/robots.txt': (_, response) => response.writeHead(503).end() })
    const results = await collect(site.origin)
    assert.deepEqual(
      results.map(({ error }) => error),
      ['HTTP 503 (asked for robots.txt; without it nothing is fetched)']
    )
    assert.equal(site.requests.length, 3)
  }
)

test('a robots.txt that was redirected is followed', limits, async () => {
  await using elsewhere = await serve({ '/rules': 'User-agent: *\nDisallow: /closed/' })
  await using site = await serve({
    ...rest,
    '/robots.txt': redirect('/r2'),
    '/r2': (_, response) => response.writeHead(301, { location: `${elsewhere.origin}/rules` }).end()
  })
  assert.ok(!paths(await collect(site.origin)).includes('/closed/a'))
  await using looping = await serve({ ...rest, '/robots.txt': redirect('/robots.txt') })
  assert.ok(paths(await collect(looping.origin)).includes('/closed/a'))
})

test('an endless robots.txt counts as far as it was read', limits, async () => {
  const text = `User-agent: *\nDisallow: /closed/\n${'# no end\n'.repeat(200_000)}Disallow: /open\n`
  await using site = await serve({ ...rest, '/robots.txt': text })
  const found = paths(await collect(site.origin))
  assert.ok(found.includes('/open'))
  assert.ok(!found.includes('/closed/a'))
})

test('requests start as far apart as the delay says, whatever the concurrency', limits, async () => {
  await using site = await serve(rest)
  const begin = performance.now()
  const results = await collect(site.origin, { delayMs: 200, concurrency: 4 })
  assert.equal(results.length, 5)
  assert.equal(site.requests.length, 7)
  assertApart(site.requests, 200)
  assert.ok(performance.now() - begin >= 6 * 200)
})

test('a longer delay that robots.txt asks for is kept', limits, async () => {
  await using site = await serve({ ...rest, '/robots.txt': 'User-agent: *\nCrawl-delay: 0.3\n' })
  await collect(site.origin, { delayMs: 10, concurrency: 4 })
  assertApart(site.requests, 300)
})

test('a shorter delay, or one that is not a number, has no effect', limits, async () => {
  for (const delay of ['0.001', '-5', 'soon', 'NaN']) {
    await using site = await serve({ ...rest, '/robots.txt': `User-agent: *\nCrawl-delay: ${delay}\n` })
    const begin = performance.now()
    await collect(site.origin, { delayMs: 100 })
    assert.equal(site.requests.length, 7)
    assertApart(site.requests, 100)
    assert.ok(performance.now() - begin >= 600)
  }
})
