import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { type Pages, page, redirect, run, runHere, type Site, serve } from '../support.ts'

const limits = { timeout: 120_000 }
const BROWSER = '/usr/bin/chromium'
const directory = mkdtempSync(join(tmpdir(), 'crawl-report-'))
const file = join(directory, 'site.db')
let site: Site

const html = (title: string, ...links: string[]) =>
  `<title>${title}</title><h1>${title}</h1>${links.map(link => `<a href="${link}">${link}</a>`).join('')}`

const pages: Pages = {
  '/robots.txt': 'User-agent: *\nDisallow: /closed/',
  '/': html('Home', '/a', '/b', '/old', '/gone', '/closed/x', '/twin', 'https://example.com/', '/mad<b>name'),
  '/a': html('A', '/gone', '/', '/deep'),
  '/b': html('<script>alert(1)</script>', '/gone', '/copy'),
  '/old': redirect('/older', 301),
  '/older': redirect('/new'),
  '/new': html('New'),
  '/twin': `<title>Twin</title><link rel="canonical" href="/a"><h1>Twin</h1>`,
  '/copy': html('A', '/gone', '/', '/deep'),
  '/deep': html('Deep', '/deeper'),
  '/deeper': html('Deeper') + '<p>x</p>'.repeat(2000)
}

before(async () => {
  site = await serve(pages)
  const { code, stderr } = await run([site.origin, '-o', file, '--processes', '0'])
  assert.equal(code, 0, stderr)
})

after(async () => {
  await site[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

test('the report opens from disk in a browser, and shows what is wrong and where it was found', limits, async t => {
  if (!existsSync(BROWSER)) {
    t.skip(`there is no browser at ${BROWSER}; the Debian package chromium has it`)
    return
  }
  const { code, stdout } = await run(['report', file])
  assert.deepEqual([code, stdout], [0, `${join(directory, 'site.html')}\n`])
  const browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] })
  try {
    const tab = await browser.newPage({ viewport: { width: 1200, height: 900 } })
    const faults: string[] = []
    const loaded: string[] = []
    tab.on('pageerror', error => faults.push(error.message))
    tab.on('console', message => faults.push(message.text()))
    tab.on('dialog', dialog => faults.push(dialog.message()))
    tab.on('request', request => loaded.push(request.url()))
    await tab.goto(pathToFileURL(stdout.trim()).href)
    assert.deepEqual(loaded.filter(url => !url.startsWith('data:')).length, 1)
    assert.equal(await tab.title(), `${site.origin}/`)

    const problems = await tab.locator('#problems tbody tr').allInnerTexts()
    const gone = problems.find(text => text.includes('/gone'))
    assert.match(gone ?? '', /^404\s+\/gone\s+HTTP 404 Not Found\s+4 pages$/)
    await tab.locator('#problems summary').first().click()
    assert.deepEqual(await tab.locator('#problems details li').allInnerTexts(), ['/', '/a', '/b', '/copy'])
    assert.ok(problems.some(text => /^redirect chain\s+\/new/.test(text)))
    assert.ok(problems.some(text => text.includes('/mad%3Cb%3Ename')))

    const redirects = await tab.locator('#redirects tbody tr').allInnerTexts()
    assert.deepEqual(
      redirects.map(text => text.split('\t').join(' ')),
      ['301 /old /older 1', '302 /older /new 0']
    )
    const duplicates = await tab.locator('#duplicates').innerText()
    assert.match(duplicates, /\/a[\s\S]*\/copy[\s\S]*canonical[\s\S]*\/a[\s\S]*\/twin/)
    assert.match(await tab.locator('#titles').innerText(), /<script>alert\(1\)<\/script>|\/a/)
    assert.match(await tab.locator('#sizes table').innerText(), /\/deeper/)
    assert.match(await tab.locator('#slow table').innerText(), /\/deep/)
    const depths = (await tab.locator('#depths .bars').innerText()).replace(/\s+/g, ' ')
    assert.match(depths, /^0 links 1 1 link 6 2 links 2 3 links 1$/)

    assert.equal(await tab.locator('#graph circle').count(), 10)
    await tab.locator('#graph circle').first().focus()
    assert.match(await tab.locator('#graph-name').innerText(), new RegExp(`^${site.origin}/ \\(\\d+ links drawn\\)$`))
    assert.ok((await tab.locator('#graph line.picked').count()) > 3)
    // The whole page fits a phone, too.
    await tab.setViewportSize({ width: 400, height: 800 })
    assert.ok(await tab.evaluate('document.documentElement.scrollWidth <= 400'))
    assert.deepEqual(faults, [])
  } finally {
    await browser.close()
  }
})

test('why names the rule that kept a URL from being fetched, and where it was found', limits, async () => {
  const why = async (url: string) => {
    const { code, stdout } = await runHere(['why', file, url])
    return `${code} ${stdout.replaceAll(site.origin, '')}`
  }
  assert.match(
    await why('/gone'),
    /^0 \/gone was fetched at .*: HTTP 404\.\n {2}HTTP 404 Not Found\n[\s\S]*Found on 4 pages:\n {2}\/\n/
  )
  assert.match(
    await why('/closed/x'),
    /^1 \/closed\/x was not fetched: robots\.txt disallows it \(line 2: .*\/closed\/\)\./
  )
  assert.match(
    await why('https://example.com/'),
    /was not fetched: it is outside the site \(--scope host: 127\.0\.0\.1:\d+\)\./
  )
  assert.match(await why('/old'), /^0 \/old was fetched: HTTP 301, a redirect to \/older\./)
  assert.match(await why('/new'), /It is where \/old \(301\) leads\.\n {2}It is where \/older \(302\) leads\./)
  assert.match(await why('/deeper'), /The way from the first page:\n {2}\/\n {2}\/a\n {2}\/deep\n {2}\/deeper\n/)
  assert.match(
    await why('/dee'),
    /^1 \/dee was not found: no page of this crawl links to it\.\nSimilar ones:\n {2}\/deep\n/
  )
})

test('diff lists what was added, removed, broken, fixed and changed', limits, async () => {
  const second = join(directory, 'second.db')
  const { '/b': _, ...others } = pages
  await using changed = await serve({
    ...others,
    '/gone': page('back'),
    '/a': html('A, rewritten', '/gone', '/', '/deep', '/added'),
    '/added': page('added'),
    '/copy': page('never')
  })
  await runHere([changed.origin, '-o', second, '--processes', '0'])
  const { code, stdout } = await runHere(['diff', file, second])
  assert.equal(code, 0)
  const text = stdout.replaceAll(changed.origin, '')
  assert.match(text, /^Broken now \(1\)\n {2}\/b {2}status 200 -> 404; /)
  assert.match(text, /\nFixed \(1\)\n {2}\/gone {2}status 404 -> 200; /)
  assert.match(text, /\nRemoved \(1\)\n {2}\/copy\n/)
  assert.match(text, /\nAdded \(1\)\n {2}\/added\n/)
  assert.match(
    text,
    /\nChanged \(1\)\n {2}\/a {2}title "A" -> "A, rewritten"; title element "A" -> "A, rewritten"; content\n/
  )
  assert.deepEqual([(await runHere(['diff', file, file])).stdout], ['Both crawls found the same.\n'])
  assert.equal((await runHere(['diff', file, second, '--exit-code'])).code, 1)
  const json = JSON.parse((await runHere(['diff', file, second, '--format', 'json'])).stdout)
  assert.deepEqual(Object.keys(json), ['added', 'removed', 'broken', 'fixed', 'changed'])
})

test('a file without a crawl is refused', limits, async () => {
  const text = join(directory, 'text.db')
  writeFileSync(text, 'x'.repeat(200))
  const { code, stderr } = await run(['report', text])
  assert.deepEqual(
    [code, stderr],
    [1, `crawl: cannot open ${JSON.stringify(text)}: it is not an SQLite database; use another file\n`]
  )
  assert.equal(readFileSync(text, 'utf8'), 'x'.repeat(200))
})
