/** The page of a crawl, without a browser: where it is served, to whom, what it is told, and when it ends. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { completeUi, readAddress } from '../../src/command/ui.ts'
import { type Crawl, crawl, type PageResult } from '../../src/index.ts'
import { openStore } from '../../src/store/index.ts'
import { History } from '../../src/ui/history.ts'
import { startCrawlPage } from '../../src/ui/index.ts'
import type { CrawlHello, CrawlTick } from '../../src/ui/messages.ts'
import { page, run, serve, start } from '../support.ts'

const limits = { timeout: 120_000 }
const NONE = { isError: false, bytes: 10, firstByteMs: 5 }

async function ask(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const [answer] = await once(get(url, { headers, agent: false }), 'response')
  return answer
}

async function textOf(url: string): Promise<{ status: number | undefined; text: string; policy: string }> {
  const answer = await ask(url)
  answer.setEncoding('utf8')
  let text = ''
  for await (const part of answer) text += part
  return { status: answer.statusCode, text, policy: String(answer.headers['content-security-policy']) }
}

/** Follows the events until one passes the test. */
async function follow(url: string, isLast: (tick: CrawlTick) => boolean): Promise<[CrawlHello, CrawlTick]> {
  const answer = await ask(new URL('/events', url).href)
  answer.setEncoding('utf8')
  let text = ''
  let hello: CrawlHello | undefined
  for await (const part of answer) {
    text += part
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) as RegExpExecArray
      text = text.slice(end + 2)
      if (name === 'hello') hello = JSON.parse(data)
      else if (isLast(JSON.parse(data))) {
        answer.destroy()
        return [hello as CrawlHello, JSON.parse(data)]
      }
    }
  }
  throw new Error('the events have ended')
}

async function read(pages: Crawl): Promise<PageResult[]> {
  const results: PageResult[] = []
  for await (const result of pages) results.push(result)
  return results
}

test('a program serves the page of its crawl, and the report once the crawl has ended', limits, async () => {
  await using site = await serve({
    '/robots.txt': 'User-agent: *\nDisallow: /secret',
    '/': page('home', '/a', '/missing', '/secret', 'http://[x\u202e\u001b[31m'),
    '/a': page('a')
  })
  const store = await openStore('')
  const pages = crawl(`${site.origin}/`, { processes: 0, store })
  await using live = await startCrawlPage(pages)
  assert.match(live.url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  assert.equal(live.token, null)
  const [, before] = await follow(live.url, () => true)
  assert.equal(before.state, 'ready')
  assert.equal((await textOf(`${live.url}report.html`)).status, 404)
  for await (const _ of pages);
  await store.close()
  const [hello, tick] = await follow(live.url, () => true)
  assert.equal(hello.start, `${site.origin}/`)
  assert.equal(hello.limit, null)
  assert.equal(tick.state, 'complete')
  const { seen, ...counts } = tick.counts
  assert.deepEqual(counts, {
    pages: 4,
    errors: 2,
    waiting: 0,
    underWay: 0,
    disallowed: 1,
    retries: 0,
    bytes: counts.bytes,
    workers: 0
  })
  assert.equal(seen, 4)
  assert.deepEqual(tick.problems.map(({ label, isBroken, from }) => [label, isBroken, from]).sort(), [
    ['404', true, `${site.origin}/`],
    ['not a URL', true, `${site.origin}/`]
  ])
  assert.doesNotMatch(JSON.stringify(tick), /\\u001b|[\u0000-\u001f\u202a-\u202e]/)
  assert.match(JSON.stringify(tick.problems), /\\\\u\{202e\}/)
  assert.deepEqual(
    tick.hosts.map(({ host, pages, errors, reason }) => ({ host, pages, errors, reason })),
    [{ host: new URL(site.origin).host, pages: 3, errors: 1, reason: 'none' }]
  )
  assert.equal(tick.slowest.length, 3)
  assert.equal(
    tick.history.points.reduce((sum, { pages }) => sum + pages, 0),
    4
  )
  assert.equal(tick.hasReport, true)
  const report = await textOf(`${live.url}report.html`)
  assert.equal(report.status, 200)
  assert.match(report.text, /<h1>http:\/\/127\.0\.0\.1:\d+\/<\/h1><p>4 pages crawled, /)
  assert.doesNotMatch(report.text, /[\u202a-\u202e]/)
  // It is of no origin, and may ask for nothing.
  assert.match(report.policy, /^default-src 'none'; .*sandbox allow-scripts allow-popups/)
  assert.doesNotMatch(report.policy, /allow-same-origin/)
})

test('the page says which pause each host gets, and why', limits, async () => {
  let isBusy = true
  await using site = await serve((request, response) => {
    if (request.url === '/robots.txt') response.end('User-agent: *\nCrawl-delay: 0.05')
    else if (request.url === '/b' && isBusy) {
      isBusy = false
      response.writeHead(429, { 'retry-after': '2' }).end()
    } else response.setHeader('content-type', 'text/html').end(page('x', '/a', '/b', '/c'))
  })
  const pages = crawl(`${site.origin}/`, { processes: 0 })
  await using live = await startCrawlPage(pages)
  const [crawled, [, resting]] = await Promise.all([
    read(pages),
    follow(live.url, ({ hosts: [host] }) => (host?.restsMs ?? 0) > 0)
  ])
  assert.equal(crawled.length, 4)
  const [host] = resting.hosts
  assert.ok(host.restsMs > 0 && host.restsMs <= 2000, `${host.restsMs}`)
  const [, { hosts }] = await follow(live.url, () => true)
  assert.equal(hosts[0].reason, 'robots')
  assert.equal(hosts[0].pauseMs, 50)
})

test('on other addresses the page asks for a token, and elsewhere for the name of this computer', limits, async () => {
  const pages = crawl('http://127.0.0.1:1/', { processes: 0 })
  await using open = await startCrawlPage(pages, { host: '0.0.0.0' })
  assert.match(open.url, /\?token=[\w-]{32}$/)
  const bare = open.url.replace(/\?.*/, '')
  for (const path of ['', 'events', 'report.html', 'page.js']) assert.equal((await ask(bare + path)).statusCode, 401)
  await using local = await startCrawlPage(crawl('http://127.0.0.1:1/', { processes: 0 }))
  for (const path of ['', 'events', 'report.html']) {
    assert.equal((await ask(local.url + path, { host: `evil.example:${local.port}` })).statusCode, 421)
  }
  const { headers } = await ask(local.url)
  assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self'; /)
  await assert.rejects(startCrawlPage({} as never), /^TypeError: pages must be what crawl\(\) has returned$/)
  await assert.rejects(startCrawlPage(pages, { port: -1 }), /port must be an integer from 0 to 65535, got -1/)
  await assert.rejects(startCrawlPage(pages, { ports: 1 } as never), /unknown option 'ports'/)
  await assert.rejects(startCrawlPage(pages, { port: local.port }), {
    code: 'ERR_CANNOT_SERVE',
    message: `cannot serve the page of the crawl: port ${local.port} of 127.0.0.1 is taken by another program; end that, or give another port, or 0 for a free one`
  })
})

test('crawl --ui says where the page is, shows the report at the end, and stays until Ctrl-C', limits, async () => {
  await using site = await serve({ '/': page('home', '/a', '/missing'), '/a': page('a') })
  const command = start(['--ui', `${site.origin}/`])
  await command.until(({ stderr }) => / until Ctrl-C\n/.test(stderr))
  const [, url] = /^See it at (\S+)$/m.exec(command.stderr) as RegExpExecArray
  assert.ok(command.stderr.includes(`The page stays at ${url} until Ctrl-C\n`))
  // A pipe gets its lines as without the page.
  assert.equal(command.stdout.trim().split('\n').length, 3)
  const [, tick] = await follow(url, () => true)
  assert.equal(tick.state, 'complete')
  assert.match(tick.summary.join('\n'), /^3 pages in .*\n +2 without error\n +1 HTTP 404 Not Found$/)
  assert.match((await textOf(`${url}report.html`)).text, /3 pages crawled/)
  command.child.kill('SIGINT')
  assert.equal(await command.ended, 130)
})

test('Ctrl-C ends the crawl and leaves the page; once more, it ends the page; SIGTERM ends both', limits, async () => {
  await using site = await serve({ '/': page('home', '/slow'), '/slow': () => {} })
  const isWaiting = ({ stderr }: { stderr: string }) => /See it at/.test(stderr) && site.requests.length >= 3
  const command = start(['--ui=0', '--processes=0', `${site.origin}/`])
  await command.until(isWaiting)
  command.child.kill('SIGINT')
  await command.until(({ stderr }) => / until Ctrl-C once more\n/.test(stderr))
  const [, url] = /^See it at (\S+)$/m.exec(command.stderr) as RegExpExecArray
  const [, tick] = await follow(url, () => true)
  assert.equal(tick.state, 'interrupted')
  assert.match((await textOf(`${url}report.html`)).text, /1 page crawled/)
  command.child.kill('SIGINT')
  assert.equal(await command.ended, 130)
  const other = start(['--ui=0', '--processes=0', `${site.origin}/`])
  await other.until(({ stderr }) => /See it at/.test(stderr) && site.requests.length >= 6)
  other.child.kill('SIGTERM')
  assert.equal(await other.ended, 143)
  assert.doesNotMatch(other.stderr, /The page stays/)
})

test('a port that is taken is an error, with nothing crawled', limits, async () => {
  await using site = await serve({ '/': page('home') })
  const { code, stderr } = await run([`--ui=${site.port}`, `${site.origin}/`])
  assert.equal(code, 1)
  assert.match(stderr, /^crawl: cannot serve the page of the crawl: port \d+ of 127\.0\.0\.1 is taken/)
  assert.equal(site.requests.length, 0)
})

test('--ui takes a port or an address, and a URL may follow it', () => {
  assert.deepEqual(readAddress('8080'), { port: 8080 })
  assert.deepEqual(readAddress('0.0.0.0:0'), { host: '0.0.0.0', port: 0 })
  assert.deepEqual(readAddress('[::1]:80'), { host: '::1', port: 80 })
  for (const text of ['x', '65536', '80.5', ':80', '']) {
    assert.throws(() => readAddress(text), { name: 'UsageError', message: /^--ui takes a port from 0 to 65535/ })
  }
  assert.deepEqual(completeUi(['--ui', 'http://a/']), ['--ui=0', 'http://a/'])
  assert.deepEqual(completeUi(['http://a/', '--ui']), ['http://a/', '--ui=0'])
  assert.deepEqual(completeUi(['--ui', '80', 'http://a/']), ['--ui', '80', 'http://a/'])
  assert.deepEqual(completeUi(['--ui', '0.0.0.0:80']), ['--ui', '0.0.0.0:80'])
  assert.deepEqual(completeUi(['--ui', '--limit', '3']), ['--ui=0', '--limit', '3'])
  assert.deepEqual(completeUi(['--', '--ui', 'x']), ['--', '--ui', 'x'])
})

test('the history of a long crawl has at most 600 points, and loses no page', () => {
  let waiting = 0
  const history = new History(() => waiting)
  for (let second = 0; second < 10_000; second++) {
    waiting = second
    history.add(second * 1000, NONE)
    if (second === 5) {
      assert.equal(history.take(false).from, 0)
      assert.deepEqual(history.take(false).points.length, 1)
    }
  }
  const { width, from, points } = history.take(true)
  assert.equal(width, 32_000)
  assert.equal(from, 0)
  assert.equal(points.length, Math.ceil(10_000 / 32))
  assert.equal(
    points.reduce((sum, { pages }) => sum + pages, 0),
    10_000
  )
  assert.equal(points.at(-1)?.waiting, 9999)
})
