import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { PageResult } from '../../src/index.ts'
import { collect } from '../support.ts'
import { oddAnswers } from './odd-answers.ts'

const limits = { timeout: 120_000 }
const run = promisify(execFile)
const isInstalled = (command: string) =>
  spawnSync(command, ['--version']).status === 0 || spawnSync(command, ['version']).status === 0

/** Serves `/N`: the Nth odd answer; `/robots.txt` is none, or the odd answer too. */
async function serveOdd(robots?: number): Promise<AsyncDisposable & { origin: string }> {
  const server = createServer(socket => {
    let head = ''
    socket.on('error', () => {}).setEncoding('latin1')
    socket.on('data', data => {
      head += data
      if (!head.includes('\r\n\r\n')) return
      const path = head.split(' ', 2)[1]
      const cookie = /^cookie: (.*)\r$/im.exec(head)?.[1]
      head = ''
      const number = path === '/robots.txt' ? robots : /^\/(\d+)/.exec(path)?.[1]
      const odd = number === undefined ? undefined : oddAnswers[Number(number)]
      if (odd) odd.answer(socket, { path, cookie })
      else if (path === '/') {
        const links = oddAnswers.map((_, index) => `<a href="/${index}">x</a>`).join('')
        socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${links.length}\r\n\r\n${links}`)
      } else socket.end('HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
    }
  }
}

function isPage(result: PageResult | undefined): boolean {
  return result?.error === null && result.title === 'odd'
}

/** It is refused on purpose, whoever takes it. */
function isRefused(index: number): boolean {
  return oddAnswers[index].expect instanceof RegExp
}

function describe(name: string, result: PageResult | undefined): string {
  return `${name}: ${result?.status} ${result?.title} ${result?.truncated ? 'truncated ' : ''}${result?.error}`
}

function byNumber(results: PageResult[]): (PageResult | undefined)[] {
  return oddAnswers.map((_, index) =>
    results.find(({ requestedUrl }) => new URL(requestedUrl).pathname === `/${index}`)
  )
}

test('the odd answers of servers are pages, in this process and in workers', limits, async () => {
  assert.ok(oddAnswers.length >= 30)
  await using site = await serveOdd()
  for (const processes of [0, 2]) {
    const results = byNumber(await collect(site.origin, { processes, concurrency: 4 }))
    const wrong = oddAnswers.flatMap(({ name, expect }, index) => {
      const result = results[index]
      const isRight =
        expect instanceof RegExp
          ? expect.test(result?.error ?? '')
          : isPage(result) && result?.truncated === (expect === 'truncated')
      return isRight ? [] : [describe(name, result)]
    })
    assert.deepEqual(wrong, [])
  }
})

test('what curl takes is a page here', {
  ...limits,
  skip: !isInstalled('curl') && 'curl is not installed'
}, async () => {
  await using site = await serveOdd()
  const results = byNumber(await collect(site.origin))
  let taken = 0
  const wrong: string[] = []
  for (const [index, { name }] of oddAnswers.entries()) {
    const args = ['-s', '-L', '--compressed', '-b', '', '--max-time', '10', '--noproxy', '*', `${site.origin}/${index}`]
    const { stdout } = await run('curl', args, { encoding: 'latin1' }).catch(() => ({ stdout: '' }))
    if (!stdout.includes('<h1>odd</h1>')) continue
    taken++
    if (!isPage(results[index]) && !isRefused(index)) wrong.push(describe(name, results[index]))
  }
  assert.deepEqual(wrong, [])
  assert.ok(taken >= 20, `${taken}`)
})

test('what Scrapy takes is a page here', {
  ...limits,
  skip: !isInstalled('scrapy') && 'Scrapy is not installed'
}, async () => {
  await using site = await serveOdd()
  const results = byNumber(await collect(site.origin))
  const folder = mkdtempSync(join(tmpdir(), 'crawl-odd-'))
  try {
    const spider = join(folder, 'odd_spider.py')
    const output = join(folder, 'titles.jsonl')
    writeFileSync(
      spider,
      `import scrapy
class Odd(scrapy.Spider):
    name = "odd"
    custom_settings = {"RETRY_ENABLED": False, "LOG_LEVEL": "CRITICAL", "TELNETCONSOLE_ENABLED": False}
    start_urls = [f"${site.origin}/{n}" for n in range(${oddAnswers.length})]
    def start_requests(self):
        for n, url in enumerate(self.start_urls):
            yield scrapy.Request(url, meta={"n": n}, dont_filter=True)
    def parse(self, response):
        yield {"n": response.meta["n"], "title": response.css("h1::text").get()}
`
    )
    await run('scrapy', ['runspider', spider, '-O', output], { cwd: folder, timeout: 90_000 })
    const lines = readFileSync(output, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { n: number; title: string })
    const taken = lines.filter(({ title }) => title === 'odd')
    const wrong = taken.filter(({ n }) => !isPage(results[n]) && !isRefused(n))
    assert.deepEqual(
      wrong.map(({ n }) => describe(oddAnswers[n].name, results[n])),
      []
    )
    assert.ok(taken.length >= 15, `${taken.length}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('an odd answer for robots.txt does not stop the crawl', limits, async () => {
  for (const name of [
    'Content-Encoding: none',
    'Content-Encoding: UTF-8',
    'bare line feeds',
    'gzip without its trailer'
  ]) {
    await using site = await serveOdd(oddAnswers.findIndex(odd => odd.name === name))
    const results = await collect(`${site.origin}/1`)
    assert.deepEqual(
      results.map(({ title, error }) => [title, error]),
      [['odd', null]],
      name
    )
  }
})
