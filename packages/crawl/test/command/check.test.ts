import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { XMLValidator } from 'fast-xml-parser'
import { type Pages, page, paths, readLines, redirect, runHere, serve } from '../support.ts'

const limits = { timeout: 60_000 }
const directory = mkdtempSync(join(tmpdir(), 'crawl-check-'))
after(() => rmSync(directory, { recursive: true }))

const pages: Pages = {
  '/': page('home', '/a', '/b', '/c', '/moved', '/file.pdf', 'http://['),
  '/a': page('a', '/old', '/q?x=1&y=<2>'),
  '/b': page('b', '/old'),
  '/c': page('c', '/old'),
  '/moved': redirect('/old'),
  '/file.pdf': (_, response) => response.writeHead(200, { 'content-type': 'application/pdf' }).end('%PDF')
}

test('check reports broken links with their sources, and fails', limits, async () => {
  await using site = await serve(pages)
  const { code, stdout } = await runHere(['check', site.origin, '--processes', '0'])
  assert.equal(code, 1)
  const lines = stdout.trimEnd().split('\n').sort()
  assert.deepEqual(
    lines,
    [
      '3 broken links among 8 pages',
      '404 /old             <- /, /a (+2)',
      '404 /q?x=1&y=%3C2%3E <- /a',
      'not a URL http://[   <- /'
    ].map(line => lines.find(found => found.replace(/\s+/g, ' ') === line.replace(/\s+/g, ' ')) ?? line)
  )
})

test('check succeeds if no link is broken', limits, async () => {
  await using site = await serve({ '/': page('home', '/a'), '/a': page('a') })
  assert.deepEqual(await runHere(['check', site.origin]), { code: 0, stdout: 'no broken link among 2 pages\n' })
})

test('check writes JSON, JUnit and annotations', limits, async () => {
  await using site = await serve(pages)
  const check = (format: string) => runHere(['check', site.origin, '--format', format, '--processes', '0'])
  const json = JSON.parse((await check('json')).stdout)
  const old = json.broken.find(({ url }: { url: string }) => url.endsWith('/old'))
  assert.deepEqual(old, {
    url: `${site.origin}/old`,
    status: 404,
    error: 'HTTP 404 Not Found',
    sources: ['/', '/a', '/b', '/c'].map(path => site.origin + path),
    sourceCount: 4
  })
  assert.deepEqual([json.pages, json.complete, json.broken.length], [8, true, 3])

  const junit = (await check('junit')).stdout
  assert.equal(XMLValidator.validate(junit), true)
  assert.match(junit, /<testsuites name="crawl" tests="8" failures="3" errors="0"/)
  assert.match(junit, /name="[^"]*\/q\?x=1&amp;y=%3C2%3E">\n\s+<failure message="HTTP 404 Not Found">/)

  const github = (await check('github')).stdout.trimEnd().split('\n')
  assert.equal(github.length, 3)
  assert.ok(github.includes(`::error title=HTTP 404 Not Found::${site.origin}/q?x=1&y=%253C2%253E <- ${site.origin}/a`))
})

test('only the pages of a list are checked', limits, async () => {
  await using site = await serve(pages)
  const list = join(directory, 'list.txt')
  writeFileSync(list, `# two pages\n${site.origin}/a\n\n${site.origin}/b\n`)
  const { code, stdout } = await runHere(['check', '--list', list])
  assert.deepEqual([code, stdout], [0, 'no broken link among 2 pages\n'])
})

test('scope, globs and depth determine which pages are visited', limits, async () => {
  await using site = await serve({
    '/docs/': page('docs', '/docs/a/b', '/docs/x.pdf', '/other', 'deep/1'),
    '/docs/a/b': page('b'),
    '/docs/deep/1': page('1', '2'),
    '/docs/deep/2': page('2', '3'),
    '/docs/deep/3': page('3')
  })
  const visit = async (...args: string[]) => {
    const { stdout } = await runHere([`${site.origin}/docs/`, '-o', '-', ...args])
    return paths(readLines(stdout)).sort().join(' ')
  }
  assert.equal(
    await visit('--scope', 'prefix', '--exclude', '*.pdf', '--depth', '2'),
    '/docs/ /docs/a/b /docs/deep/1 /docs/deep/2'
  )
  assert.equal(await visit('--include', '/docs/deep/**'), '/docs/ /docs/deep/1 /docs/deep/2 /docs/deep/3')
})

test('a sitemap adds pages that no page links to', limits, async () => {
  let origin = ''
  await using site = await serve((request, response) => {
    const bodies: Record<string, string> = {
      '/': page('home'),
      '/robots.txt': `Sitemap: ${origin}/index.xml`,
      '/index.xml': `<sitemapindex><sitemap><loc>${origin}/map.xml</loc></sitemap></sitemapindex>`,
      '/map.xml': `<urlset xmlns:image="i"><url><loc> ${origin}/lonely?a=1&amp;b=2 </loc><image:loc>${origin}/x.png</image:loc></url><url><loc>http://elsewhere/</loc></url></urlset>`,
      '/lonely?a=1&b=2': page('lonely')
    }
    const body = bodies[request.url!]
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'text/html' }).end(body)
  })
  origin = site.origin
  const { stdout } = await runHere([site.origin, '-o', '-', '--sitemap'])
  const results = readLines(stdout)
  assert.deepEqual(paths(results), ['/', '/lonely?a=1&b=2'])
  assert.deepEqual([results[1].depth, results[1].from], [1, `${site.origin}/map.xml`])
})

test('CSS selectors give the fields of pages', limits, async () => {
  await using site = await serve({
    '/': '<h1>Shoe</h1><b class="price"> 7\n€ </b><img src="a.png"><i>x</i><i>y</i>'
  })
  const fields = ['price=.price', 'image=img@src', 'all=i', 'none=.none'].flatMap(field => ['--get', field])
  const [result] = readLines((await runHere([site.origin, '-o', '-', ...fields])).stdout)
  assert.deepEqual(result.data, { price: '7 €', image: 'a.png', all: ['x', 'y'], none: null })
})

test('CSV and WARC are written, and continued by a second run', limits, async () => {
  await using site = await serve(pages)
  for (const ending of ['csv', 'warc.gz']) {
    const file = join(directory, `site.${ending}`)
    for (const limit of ['3', 'all']) await runHere([site.origin, '-o', file, '--processes', '0', '--limit', limit])
    if (ending === 'csv') {
      const lines = readFileSync(file, 'utf8').trimEnd().split('\r\n')
      assert.match(lines[0], /^url,status,title,/)
      assert.equal(lines.length, 9)
      assert.ok(lines.some(line => line.startsWith(`${site.origin}/old,404,`)))
      continue
    }
    const warc = gunzipSync(readFileSync(file)).toString('latin1')
    const uris = [...warc.matchAll(/WARC-Type: response\r\n[\s\S]*?WARC-Target-URI: (.*)\r\n/g)].map(([, uri]) => uri)
    assert.deepEqual(uris.map(uri => uri.slice(site.origin.length)).sort(), [
      '/',
      '/a',
      '/b',
      '/c',
      '/file.pdf',
      '/moved',
      '/old',
      '/q?x=1&y=%3C2%3E'
    ])
    assert.equal(warc.match(/WARC-Type: warcinfo/g)?.length, 1)
    assert.ok(warc.includes('<h1>home</h1>'))
    assert.match(warc, /Target-URI: [^\r]*file\.pdf\r[\s\S]*\r\n\r\n%PDF\r\n/)
    assert.doesNotMatch(warc, /WARC-Truncated/)
  }
})

test('a file of another crawl is left unchanged', limits, async () => {
  await using site = await serve(pages)
  const file = join(directory, 'other.db')
  await runHere([site.origin, '-o', file, '--limit', '1'])
  await assert.rejects(
    runHere([`${site.origin}/a`, '-o', file]),
    /cannot go on with ".*other\.db": it holds a crawl of http.*\/, not of/
  )
  const lines = join(directory, 'mine.jsonl')
  writeFileSync(lines, '{"mine":true}\n')
  await assert.rejects(
    runHere([site.origin, '-o', lines]),
    /cannot go on with ".*mine\.jsonl": ".*\.state", which says what is done, does not exist/
  )
  assert.equal(readFileSync(lines, 'utf8'), '{"mine":true}\n')
})

test('a wider scope includes what an earlier run left out', limits, async () => {
  await using site = await serve(pages)
  const file = join(directory, 'wider.db')
  await runHere([site.origin, '-o', file, '--exclude', '/a'])
  const before = site.requests.length
  await runHere([site.origin, '-o', file])
  const now = site.requests.slice(before).map(({ path }) => path)
  assert.deepEqual(now.sort(), ['/a', '/q?x=1&y=%3C2%3E', '/robots.txt'])
})
