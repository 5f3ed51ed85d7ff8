/**
 * Pages that nobody here wrote: Python's documentation as Debian packages it, served on loopback, crawled whole with four
 * processes and counted by wget as well.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createStaticSite } from './static-site.ts'
import { collect } from './support.ts'

const PACKAGE = 'python3.11-doc'
const directory = mkdtempSync(join(tmpdir(), 'crawl-real-pages-'))
after(() => rmSync(directory, { recursive: true }))

test('a crawl of real pages finds what wget finds', { timeout: 600_000 }, async t => {
  const html = fetchPages()
  if (html === undefined) {
    t.skip(`apt-get cannot give the package ${PACKAGE} here`)
    return
  }
  if (!hasWget()) {
    t.skip('there is no wget here, and apt-get cannot install it')
    return
  }

  let asked = new Set<string>()
  const site = createStaticSite(html, path => asked.add(path))
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  try {
    let begin = performance.now()
    const results = await collect(`${origin}/index.html`, { processes: 4 })
    const crawlSeconds = (performance.now() - begin) / 1000
    const found = results.filter(({ status, error }) => status === 200 && error === null)
    const crawled = new Set(found.map(({ url }) => decodeURIComponent(new URL(url).pathname)))
    assert.equal(found.length, crawled.size)
    assert.deepEqual([...asked].sort(), [...crawled].sort())
    assert.ok(found.every(({ title }) => title !== null))

    asked = new Set()
    begin = performance.now()
    await runWget(`${origin}/index.html`)
    const wgetSeconds = (performance.now() - begin) / 1000
    t.diagnostic(`crawl: ${crawled.size} pages in ${crawlSeconds.toFixed(1)} s, with 4 processes`)
    t.diagnostic(`wget --spider -r: ${asked.size} pages in ${wgetSeconds.toFixed(1)} s`)
    assert.deepEqual([...crawled].sort(), [...asked].sort())
    assert.ok(crawled.size > 500)
  } finally {
    site.close()
    site.closeAllConnections()
  }
})

/** @returns the directory of the HTML files; undefined when the package is not to be had */
function fetchPages(): string | undefined {
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: directory, stdio: 'pipe' })
  try {
    try {
      run('apt-get', 'download', PACKAGE)
    } catch {
      run('apt-get', 'update')
      run('apt-get', 'download', PACKAGE)
    }
    const file = readdirSync(directory).find(name => name.endsWith('.deb'))!
    run('dpkg', '-x', file, directory)
  } catch {
    return undefined
  }
  const html = join(directory, 'usr/share/doc/python3.11/html')
  return existsSync(join(html, 'index.html')) ? html : undefined
}

function hasWget(): boolean {
  const answers = () => {
    try {
      execFileSync('wget', ['--version'], { stdio: 'pipe' })
      return true
    } catch {
      return false
    }
  }
  if (answers()) return true
  try {
    execFileSync('apt-get', ['install', '-y', 'wget'], { stdio: 'pipe' })
  } catch {
    return false
  }
  return answers()
}

async function runWget(url: string): Promise<void> {
  const wget = spawn('wget', ['--spider', '-r', '-l', 'inf', '-e', 'robots=on', '--no-verbose', url], {
    cwd: directory,
    stdio: 'ignore'
  })
  const [code] = await once(wget, 'close')
  // 8: the server answered some request with an error; there are dead links among the pages.
  assert.ok(code === 0 || code === 8, `wget ended with exit code ${code}`)
}
