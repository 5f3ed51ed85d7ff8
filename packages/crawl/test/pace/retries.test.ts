import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { test } from 'node:test'
import { Pacer } from '../../src/pace/pacer.ts'
import { Retries } from '../../src/pace/retries.ts'
import { retryAfter } from '../../src/pace/retry-after.ts'
import { Throttle } from '../../src/pace/throttle.ts'
import { at, collect, page, serve } from '../support.ts'

const limits = { timeout: 60_000 }

/** Fails so often, and then is a page. */
function flaky(times: number, fail: RequestListener): RequestListener {
  let left = times
  return (request, response) => {
    if (left-- > 0) fail(request, response)
    else response.writeHead(200, { 'content-type': 'text/html' }).end(page('fine'))
  }
}

test('Retry-After is seconds or a date', limits, () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  for (const [value, expected] of [
    ['0', 0],
    ['120', 120_000],
    [' 1.5 ', 1500],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Thursday, 01-Jan-26 00:00:30 GMT', 30_000],
    ['Thu Jan  1 00:00:30 2026', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    ['2026', 2_026_000],
    ['', null],
    [null, null]
  ] as const) {
    assert.equal(retryAfter(value, now), expected, String(value))
  }
})

test('temporary failures are retried, and final ones are not', limits, () => {
  const isRetried = (
    status: number | null,
    failure: Parameters<Retries['next']>[0]['failure'] = null,
    isKnown = true
  ) => new Retries(2, 10).next({ status, failure, retryAfter: null }, isKnown) !== undefined
  for (const status of [408, 429, 500, 502, 503, 504, 520, 522, 599]) assert.ok(isRetried(status), `${status}`)
  for (const status of [200, 301, 400, 401, 403, 404, 410, 501, 505]) assert.ok(!isRetried(status), `${status}`)
  for (const failure of ['reset', 'dns'] as const) assert.ok(isRetried(null, failure), failure)
  assert.ok(isRetried(200, 'cut'))
  for (const failure of ['refused', 'timeout', 'format', 'private', 'other'] as const)
    assert.ok(!isRetried(null, failure), failure)
  assert.deepEqual([isRetried(null, 'unknown-host', true), isRetried(null, 'unknown-host', false)], [true, false])
})

test('pauses grow, and waits that a server asks for are limited and not counted as retries', limits, () => {
  const retries = new Retries(2, 100)
  const failed = { status: 500, failure: null, retryAfter: null }
  const first = retries.next(failed, true)!
  const second = retries.next(failed, true)!
  assert.ok(first.waitMs >= 100 && first.waitMs <= 125 && second.waitMs >= 200 && second.waitMs <= 250)
  assert.equal(retries.next(failed, true), undefined)
  const busy = { status: 503, failure: null, retryAfter: '86400' }
  for (let wait = 0; wait < 8; wait++) assert.deepEqual(retries.next(busy, true), { waitMs: 120_000, isForHost: true })
  assert.equal(retries.next(busy, true), undefined)
})

test('5xx, a reset and a cut body are retried, in this process and in workers', limits, async () => {
  for (const processes of [0, 2]) {
    await using site = await serve({
      '/': page('home', '/500', '/reset', '/cut', '/dead', '/missing'),
      '/500': flaky(2, (_, response) => response.writeHead(500).end()),
      '/reset': flaky(2, request => request.socket.destroy()),
      '/cut': flaky(1, (_, response) => {
        response.writeHead(200, { 'content-type': 'text/html', 'content-length': 1000 })
        response.write('<h1>half', () => response.destroy())
      }),
      '/dead': (_, response) => response.writeHead(502).end()
    })
    const results = await collect(site.origin, { processes, concurrency: 2 })
    const shown = (path: string) => [at(results, path).title, at(results, path).error, at(results, path).truncated]
    for (const path of ['/500', '/reset', '/cut']) assert.deepEqual(shown(path), ['fine', null, false], path)
    assert.deepEqual([at(results, '/500').attempts, at(results, '/cut').attempts], [3, 2])
    assert.deepEqual([at(results, '/dead').attempts, at(results, '/dead').error], [3, 'HTTP 502 Bad Gateway'])
    assert.equal(at(results, '/missing').attempts, 1)
  }
})

test('without retries, no request is repeated', limits, async () => {
  await using site = await serve({ '/': (_, response) => response.writeHead(503, { 'retry-after': '1' }).end() })
  const [result] = await collect(site.origin, { retries: 0 })
  assert.deepEqual([result.attempts, result.error], [1, 'HTTP 503 Service Unavailable'])
})

test('a server that limits requests per second is waited for, and no page is broken', limits, async () => {
  const links = Array.from({ length: 30 }, (_, index) => `/${index}`)
  let window = 0
  let inWindow = 0
  let refused = 0
  await using site = await serve((request, response) => {
    const now = Math.floor(performance.now() / 1000)
    if (now !== window) [window, inWindow] = [now, 0]
    if (request.url === '/robots.txt') response.writeHead(404).end()
    else if (++inWindow > 10) {
      refused++
      const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000).toUTCString()
      response.writeHead(refused % 2 === 0 ? 429 : 503, { 'retry-after': refused % 3 === 0 ? until : '1' }).end()
    } else response.writeHead(200, { 'content-type': 'text/html' }).end(page('x', ...links))
  })
  const results = await collect(site.origin, { concurrency: 8 })
  assert.ok(refused > 0)
  assert.deepEqual(
    results.filter(({ error }) => error !== null).map(({ url, error }) => `${url} ${error}`),
    []
  )
  assert.equal(results.length, 31)
})

test('a page that waits for a retry leaves its place to others', limits, async () => {
  let isOtherAsked = false
  await using site = await serve({
    '/': page('home', '/failing', '/other'),
    '/failing': (_, response) =>
      response.writeHead(isOtherAsked ? 200 : 500, { 'content-type': 'text/html' }).end(page('f')),
    '/other': (_, response) => {
      isOtherAsked = true
      response.writeHead(200, { 'content-type': 'text/html' }).end(page('o'))
    }
  })
  const results = await collect(site.origin, { concurrency: 1 })
  assert.deepEqual([at(results, '/failing').error, at(results, '/failing').attempts], [null, 2])
})

test('the rate follows the latency, and complaints lower it for a while', limits, () => {
  const throttle = new Throttle(true)
  assert.equal(throttle.delayMs, 0)
  for (let index = 0; index < 20; index++) throttle.answered(400, true)
  assert.equal(Math.round(throttle.delayMs), 100)
  throttle.answered(4, false)
  assert.equal(Math.round(throttle.delayMs), 100)
  for (let index = 0; index < 20; index++) throttle.answered(4, true)
  assert.equal(Math.round(throttle.delayMs), 1)
  assert.equal(throttle.p95Ms, 400)
  const local = new Throttle(false)
  local.answered(400, true)
  assert.equal(local.delayMs, 0)
  local.complained()
  local.complained()
  assert.equal(local.delayMs, 100)
  for (let index = 0; index < 100; index++) local.answered(1, true)
  assert.equal(local.delayMs, 0)
})

test('a pause of a host applies to waiting turns, and to no other host', limits, async () => {
  const pacer = new Pacer()
  await pacer.turn('a', 0)
  const begin = performance.now()
  const turns: string[] = []
  const waiting = pacer.turn('a', 20).then(() => turns.push('a'))
  for (let request = 0; request < 8; request++) pacer.of('a').complain(200)
  await pacer.turn('b', 0).then(() => turns.push('b'))
  await waiting
  assert.deepEqual(turns, ['b', 'a'])
  assert.ok(performance.now() - begin >= 200)
  assert.equal(pacer.of('a').throttle.delayMs, 50)
})
