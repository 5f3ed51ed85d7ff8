import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { compareResults } from '../../src/command/compare.ts'
import { emptyRecord } from '../../src/page/record.ts'
import { descendants, isAlive, type Pages, page, readLines, run, serve, slow, start } from '../support.ts'

const limits = { timeout: 90_000 }

function slowPages(count: number, ms: number): Pages {
  const links = Array.from({ length: count }, (_, index) => `/${index}`)
  const pages: Pages = { '/': page('home', ...links) }
  for (const link of links) {
    pages[link] = slow(page(link, '/', '/gone'), ms)
  }
  return pages
}

/** The numbers of a row of the table. */
function row(
  text: string,
  name: string
): { pages: number; errors: number; seconds: number; rate: number; speedUp: number } {
  const line = text.split('\n').find(candidate => candidate.startsWith(name))
  const match = /(\d+) +(\d+) +(\d+\.\d+) s +(\d+\.\d) +(\d+\.\d) x$/.exec(line ?? '')
  assert.ok(match, text)
  const [pages, errors, seconds, rate, speedUp] = match.slice(1).map(Number)
  return { pages, errors, seconds, rate, speedUp }
}

test('--compare crawls twice and shows both times', limits, async () => {
  const pages = slowPages(30, 100)
  let now = 0
  const most: number[] = []
  let open = () => {}
  const all = new Promise<void>(resolve => {
    open = resolve
  })
  const none = Promise.resolve()
  await using site = await serve((request, response) => {
    if (request.url === '/robots.txt') most.push(0)
    most[most.length - 1] = Math.max(most[most.length - 1], ++now)
    response.on('close', () => now--)
    const answer = pages[request.url!]
    if (most[1] === 6) open()
    // On a busy machine the workers come late: the first pages of the second crawl wait for the last of those that may be under way.
    if (typeof answer === 'function') void (most.length === 2 ? all : none).then(() => answer(request, response))
    else response.writeHead(answer ? 200 : 404, { 'content-type': 'text/html' }).end(answer)
  })
  const file = join(tmpdir(), `crawl-compare-${process.pid}.jsonl`)
  const { code, stdout, stderr } = await run([site.origin, '--compare', '--processes', '3', '--out', file])
  assert.equal(code, 0, stdout + stderr)
  const alone = row(stdout, 'one page after another')
  const pooled = row(stdout, '3 processes')
  assert.deepEqual([alone.pages, alone.errors, alone.speedUp], [32, 1, 1])
  assert.deepEqual([pooled.pages, pooled.errors], [32, 1])
  assert.ok(alone.seconds > 3)
  // How much faster depends on how busy the machine is; how many pages were under way at once does not.
  assert.deepEqual(most, [1, 6])
  assert.ok(Math.abs(pooled.speedUp - alone.seconds / pooled.seconds) < 0.11)
  assert.ok(stdout.endsWith('\nBoth found the same 32 pages.\n'))
  assert.equal(readLines(readFileSync(file, 'utf8')).length, 32)
  for (const path of [file, `${file}.state`]) rmSync(path)
  // Twice each page, and twice what robots.txt says.
  assert.equal(site.requests.length, 2 * 33)
})

test('--compare under a limit finds the same pages', limits, async () => {
  const pages = slowPages(40, 0)
  for (let index = 0; index < 40; index++) {
    const html = page(`${index}`, ...Array.from({ length: 9 }, (_, next) => `/${(index * 7 + next * 5) % 40}/x${next}`))
    pages[`/${index}`] = slow(html, (index * 13) % 30)
  }
  await using site = await serve(pages)
  const { code, stdout } = await run([site.origin, '--compare', '--concurrency', '2', '--limit', '70'])
  assert.equal(code, 0, stdout)
  assert.ok(stdout.includes('up to 4 processes x 2 pages '))
  assert.ok(stdout.includes('Both found the same 70 pages.'))
})

test('--compare reports what differs between both crawls', limits, async () => {
  let visits = 0
  await using site = await serve({
    '/': page('home', '/a', '/b'),
    '/a': (_, response) =>
      response.writeHead(visits++ === 0 ? 200 : 410, { 'content-type': 'text/html' }).end(page('a', '/only-once')),
    '/b': page('b'),
    '/only-once': page('c')
  })
  const { code, stdout } = await run([site.origin, '--compare'])
  assert.equal(code, 1)
  assert.ok(
    stdout.endsWith(
      `They did not find the same:\n  ${site.origin}/a: first 200 "a", then 410\n  ${site.origin}/only-once: first 200 "c", then not found\n`
    ),
    stdout
  )
})

test('a site that cannot be loaded is not compared', limits, async () => {
  await using site = await serve({})
  const { code, stdout } = await run([site.origin, '--compare'])
  assert.equal(code, 1)
  assert.match(stdout, /^1 page in .*\n {2}0 without error\n {2}1 HTTP 404 Not Found\n$/)
  assert.equal(site.requests.length, 2)
})

test('results are equal if addresses, statuses and titles are', limits, () => {
  const result = { ...emptyRecord('http://a/'), status: 200, title: 'A', depth: 0, from: null }
  assert.deepEqual(compareResults([result], [{ ...result, depth: 3, downloadMs: 9 }]), [])
  assert.deepEqual(compareResults([result], [{ ...result, title: 'B' }]), ['http://a/: first 200 "A", then 200 "B"'])
  assert.deepEqual(compareResults([], [{ ...result, status: null, title: null }]), [
    'http://a/: first not found, then no answer'
  ])
})

test('without a URL, a practice site is served by another process and crawled twice', limits, async () => {
  const command = start([])
  await command.until(({ stdout }) => stdout.includes('http://127.0.0.1:'))
  const [server] = descendants(command.child.pid!)
  assert.ok(isAlive(server))
  assert.equal(await command.ended, 0, command.stderr)
  const alone = row(command.stdout, 'one page after another')
  const pooled = row(command.stdout, 'up to 4 processes')
  assert.equal(alone.pages, pooled.pages)
  assert.ok(alone.pages >= 30 && alone.pages <= 70)
  assert.ok(alone.seconds > 0.1 * alone.pages)
  assert.ok(pooled.seconds < alone.seconds, command.stdout)
  assert.ok(command.stdout.includes(`Both found the same ${alone.pages} pages.`))
  assert.match(
    command.stdout,
    /\nIts problems are there on purpose:\n[\s\S]*404[\s\S]*\nSee the report: +crawl report \S+\.db\n/
  )
  assert.ok(!isAlive(server))
})

test('Ctrl-C ends the practice site, too', limits, async () => {
  const command = start([], { detached: true })
  await command.until(({ stderr }) => stderr.includes('pages/s'))
  const processes = descendants(command.child.pid!)
  process.kill(-command.child.pid!, 'SIGINT')
  assert.equal(await command.ended, 130)
  assert.match(command.stdout, /\nInterrupted; \d+ known pages not visited\n$/)
  assert.deepEqual(processes.filter(isAlive), [])
})
