import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crawl, type PageResult } from '../../src/index.ts'
import {
  assertApart,
  at,
  collect,
  descendants,
  isAlive,
  type Pages,
  page,
  paths,
  processBehind,
  serve,
  slow
} from '../support.ts'

const limits = { timeout: 60_000 }

test('a pool finds what one process finds', limits, async () => {
  const pages: Pages = {}
  for (let index = 0; index < 120; index++) {
    pages[index === 0 ? '/' : `/${index}`] = page(
      `${index}`,
      `/${2 * index + 1}`,
      `/${2 * index + 2}`,
      `/${index * 3}`,
      '/'
    )
  }
  await using site = await serve(pages)
  const shown = (results: PageResult[]) => results.map(({ url, status, title }) => `${url} ${status} ${title}`).sort()
  const alone = await collect(site.origin)
  assert.ok(alone.length > 120)
  for (const concurrency of [1, 3]) {
    const pooled = await collect(site.origin, { processes: 4, concurrency })
    assert.deepEqual(shown(pooled), shown(alone))
  }
})

test('every worker works, and as many pages are handled at once as there are places', limits, async () => {
  for (const concurrency of [1, 3]) {
    const workers = new Set<number>()
    const held: (() => void)[] = []
    let now = 0
    let most = 0
    let isFull = false
    const pages: Pages = { '/': page('home', ...Array.from({ length: 40 }, (_, index) => `/${index}`)) }
    for (let index = 0; index < 40; index++) {
      pages[`/${index}`] = (request, response) => {
        most = Math.max(most, ++now)
        workers.add(processBehind(request))
        const respond = () => {
          now--
          response.writeHead(200, { 'content-type': 'text/html' }).end(page('x'))
        }
        // The first ones are answered when all places are taken.
        if (isFull) setTimeout(respond, 20)
        else held.push(respond)
        isFull ||= now === 2 * concurrency
        if (isFull) for (const answer of held.splice(0)) answer()
      }
    }
    await using site = await serve(pages)
    assert.equal((await collect(site.origin, { processes: 2, concurrency })).length, 41)
    assert.equal(workers.size, 2)
    assert.ok(!workers.has(process.pid))
    assert.equal(most, 2 * concurrency)
  }
})

test('a page whose worker is killed is tried again', limits, async () => {
  let kills = 0
  await using site = await serve({
    '/': page('home', '/deadly', '/good', '/last'),
    '/deadly': (request, response) => {
      if (kills++ === 0) process.kill(processBehind(request), 'SIGKILL')
      else response.writeHead(200, { 'content-type': 'text/html' }).end(page('survived'))
    },
    '/good': page('good'),
    '/last': page('last')
  })
  const results = await collect(site.origin, { processes: 1 })
  assert.deepEqual(paths(results).sort(), ['/', '/deadly', '/good', '/last'])
  assert.equal(at(results, '/deadly').title, 'survived')
  assert.equal(kills, 2)
})

test(
  'a page whose worker is killed twice gives one line, and the pages beside and after it are found',
  limits,
  async () => {
    for (const [processes, concurrency] of [
      [2, 1],
      [1, 4],
      [2, 3]
    ]) {
      const links = Array.from({ length: 12 }, (_, index) => `/${index}`)
      await using site = await serve({
        '/': page('home', ...links.slice(0, 3), '/deadly', ...links.slice(3)),
        '/deadly': request => process.kill(processBehind(request), 'SIGKILL'),
        ...Object.fromEntries(links.map(link => [link, slow(page(link), 40)]))
      })
      const results = await collect(site.origin, { processes, concurrency })
      assert.deepEqual(paths(results).sort(), ['/', '/deadly', ...links].sort())
      const deadly = at(results, '/deadly')
      assert.deepEqual(
        [deadly.status, deadly.depth, deadly.error],
        [null, 1, 'the worker process died twice over this page (SIGKILL)']
      )
      for (const link of links) assert.deepEqual([link, at(results, link).error], [link, null])
      assert.equal(site.requests.filter(({ path }) => path === '/deadly').length, 2)
    }
  }
)

test('the workers end when the loop is left, or the signal is aborted', limits, async () => {
  const stop = new AbortController()
  for (const signal of [undefined, stop.signal]) {
    await using site = await serve({
      '/': page('home', '/a', '/never'),
      '/a': page('a'),
      '/never': () => {}
    })
    let workers: number[] = []
    for await (const result of crawl(site.origin, { processes: 3, signal })) {
      if (result.depth === 0) continue
      workers = descendants(process.pid)
      if (!signal) break
      stop.abort()
    }
    assert.ok(workers.length >= 3)
    assert.deepEqual(workers.filter(isAlive), [])
  }
})

test('no more workers are started than pages may be visited', limits, async () => {
  await using site = await serve({ '/': page('home', '/a'), '/a': page('a') })
  for await (const _ of crawl(site.origin, { processes: 8, limit: 1 })) {
    assert.ok(descendants(process.pid).length <= 1)
  }
})

test('the delay applies to all workers, from the first request on', limits, async () => {
  const links = Array.from({ length: 10 }, (_, index) => `/${index}`)
  await using site = await serve({
    '/': page('home', ...links),
    // Each takes longer than the delay, so that several workers are busy at once.
    ...Object.fromEntries(links.map(link => [link, slow(page(link), 1000)]))
  })
  assert.equal((await collect(site.origin, { processes: 4, delayMs: 200 })).length, 11)
  assertApart(site.requests, 200)
  // One by one they would take ten seconds. Before the first page the workers start.
  assert.ok(site.requests.at(-1)!.at - site.requests[1].at < 7000)
})

test('errors in workers give the same lines as without workers', limits, async () => {
  await using site = await serve({
    '/': page('home', '/png', '/missing', '/stuck', 'http://['),
    '/png': (_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(Buffer.from('89504e470d0a1a0a', 'hex')),
    '/stuck': () => {}
  })
  const results = await collect(site.origin, { processes: 2, concurrency: 2, timeoutMs: 400 })
  assert.deepEqual(
    results.map(({ error }) => String(error).replace(/:\d+/g, '')).sort(),
    [
      'HTTP 404 Not Found',
      'binary data sent as HTML: a PNG image',
      'no answer from 127.0.0.1 within 400 ms',
      'not a URL (linked from http//127.0.0.1/)',
      'null'
    ]
      .map(text => text.replace('http//127.0.0.1/', 'http://127.0.0.1/'))
      .sort()
  )
})
