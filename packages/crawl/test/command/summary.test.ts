/** What a command says of a crawl at its end, and what options of the command reach the requests. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { boundOf, Summary } from '../../src/command/summary.ts'
import { crawl } from '../../src/index.ts'
import type { CrawlStats } from '../../src/stats.ts'
import { page, readLines, runHere, serve, start } from '../support.ts'

const limits = { timeout: 60_000 }
const directory = mkdtempSync(join(tmpdir(), 'crawl-summary-'))
after(() => rmSync(directory, { recursive: true }))

/** Of a crawl that is over. */
const stats: CrawlStats = { ...crawl('http://site.example/').stats, pages: 100, latencyP95Ms: 20 }

test('the summary names what limits a crawl, the strictest first', () => {
  const cases: readonly [Partial<CrawlStats>, Parameters<typeof boundOf>[1], string | null][] = [
    [{ crawlDelayMs: 1000, latencyP95Ms: 900 }, { load: 0.96 }, 'robots.txt asks for 1.00 s between requests'],
    [{ throttleMs: 100 }, { delayMs: 200, load: 0.96 }, '--rate or --delay, 0.20 s between requests'],
    [{ latencyP95Ms: 900 }, { load: 0.96 }, 'processor 96 %'],
    [{ latencyP95Ms: 900 }, { load: 0.84 }, 'server p95 900 ms'],
    [{ latencyP95Ms: 900, throttleMs: 450 }, {}, 'server p95 900 ms, so 0.45 s between requests'],
    [{ latencyP95Ms: 199 }, {}, null]
  ]
  for (const [own, circumstances, expected] of cases)
    assert.equal(boundOf({ ...stats, ...own }, circumstances), expected)
})

test('the summary of a crawl shorter than a second does not say what limits it', () => {
  const lines = (ms: number) => new Summary().lines({ ...stats, latencyP95Ms: 900 }, ms, null)
  assert.deepEqual(lines(2000), ['100 pages in 2.00 s (50.0 pages/s), 0 B', 'Limited by: server p95 900 ms'])
  assert.equal(lines(999).length, 1)
})

test('a link that is no URL does not spend the limit', limits, async () => {
  await using site = await serve({ '/': page('home', 'http://[', 'http://a b/', '/a', '/b', '/c') })
  const { stdout } = await runHere([site.origin, '--limit', '3', '--processes', '0'])
  const urls = readLines(stdout).map(({ url }) => url)
  assert.equal(urls.filter(url => url.startsWith(site.origin)).length, 3)
  assert.equal(urls.filter(url => !url.startsWith(site.origin)).length, 2)
})

test('--user and --user-agent go with each request, and to no other host', limits, async () => {
  await using other = await serve({ '/': page('other') })
  await using site = await serve({ '/': page('home', '/a', `http://localhost:${other.port}/`), '/a': page('a') })
  const agent = 'own/1.0 (+https://example.com/bot)'
  const { code } = await runHere([site.origin, '--user', 'ann:se cret', '--user-agent', agent, '--processes', '0'])
  assert.equal(code, 0)
  const authorization = `Basic ${Buffer.from('ann:se cret').toString('base64')}`
  assert.deepEqual(
    site.requests.map(({ path, headers }) => [path, headers.authorization, headers['user-agent']]),
    ['/robots.txt', '/', '/a'].map(path => [path, authorization, agent])
  )
  assert.deepEqual(other.requests, [])
})

test('--proxy sends the requests through the proxy', limits, async () => {
  await using proxy = await serve((request, response) => {
    const isRobots = request.url!.endsWith('/robots.txt')
    response.writeHead(isRobots ? 404 : 200, { 'content-type': 'text/html' }).end(page(`of ${request.url}`))
  })
  const url = 'http://site.example/page'
  const { stdout } = await runHere([
    url,
    '--proxy',
    proxy.origin,
    '--limit',
    '1',
    '--processes',
    '0',
    '--allow-private'
  ])
  assert.deepEqual(
    readLines(stdout).map(({ h1, status }) => [h1, status]),
    [[`of ${url}`, 200]]
  )
  assert.deepEqual(
    proxy.requests.map(({ path }) => path),
    ['http://site.example/robots.txt', url]
  )
})

test('without --ui, nothing of its page is loaded', limits, async () => {
  await using site = await serve({ '/': page('home') })
  const loaded = async (name: string, options: readonly string[], isDone: (text: string) => boolean) => {
    const coverage = join(directory, name)
    const env = { ...process.env, NODE_V8_COVERAGE: coverage }
    const command = start([site.origin, '--processes', '0', ...options], { env })
    await command.until(({ stdout, stderr }) => isDone(stdout + stderr))
    if (options.length > 0) command.child.kill('SIGTERM')
    await command.ended
    const reports = readdirSync(coverage).map(file => readFileSync(join(coverage, file), 'utf8'))
    return reports.flatMap(text => (JSON.parse(text).result as { url: string }[]).map(({ url }) => url))
  }
  const folder = new URL('../../src/ui/', import.meta.url).href
  assert.ok(existsSync(fileURLToPath(folder)))
  const plain = await loaded('plain', [], text => text.includes('"url"'))
  assert.ok(plain.some(url => url.endsWith('/command/run-crawl.js')))
  assert.deepEqual(
    plain.filter(url => url.startsWith(folder)),
    []
  )
  const watched = await loaded('watched', ['--ui'], text => text.includes('The page stays at'))
  assert.ok(watched.some(url => url.startsWith(folder)))
})
