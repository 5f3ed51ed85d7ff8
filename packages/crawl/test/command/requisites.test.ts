import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { WARCParser } from 'warcio'
import { type Pages, page, readLines, redirect, runHere, type Site, serve } from '../support.ts'

const limits = { timeout: 60_000 }
const directory = mkdtempSync(join(tmpdir(), 'crawl-requisites-'))
after(() => rmSync(directory, { recursive: true }))

const IMAGE = randomBytes(5000)

function file(type: string, body: string | Buffer): RequestListener {
  return (_, response) => response.writeHead(200, { 'content-type': type }).end(body)
}

function packed(type: string, body: string): RequestListener {
  return (_, response) => {
    response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' }).end(gzipSync(body))
  }
}

const image = file('image/png', IMAGE)
const HOME = `<!doctype html><title>t</title><link rel="stylesheet" href="/css/main.css"><link rel=icon href=/icon.png>
  <link rel="preload" as="font" href="/preload.woff2"><link rel="alternate" type="application/rss+xml" href="/feed.xml">
  <style>@import "/css/inline.css"; body { background: url(/back.png) }</style><script src="/code.js"></script>
  <img src="/img/a.png" srcset="/img/a2.png 2x, /img/a3.png 3x"><img src="/img/gone.png"><img src="/moved.png">
  <img src="/private/secret.png"><img src="http://localhost:1/elsewhere.png"><img src="data:image/png;base64,AA==">
  <p style="background: url('/styled.png')">x</p><svg><use href="#part"/><image href="/vector.png"/></svg>
  <iframe src="/frame"></iframe><a href="/a">a</a><a href="/docs/">d</a>`

const pages: Pages = {
  '/': HOME,
  '/robots.txt': file('text/plain', 'User-agent: *\nDisallow: /private/'),
  '/a': page('a', '/b'),
  '/b': page('b'),
  '/frame': `${page('frame', '/c')}<img src="/img/framed.png">`,
  '/c': page('c'),
  '/docs/': `${page('docs', '/docs/x', '/a')}<img src="/img/a.png"><img src="/moved.png">`,
  '/docs/x': page('x'),
  '/css/main.css': packed('text/css', '@import "more.css"; h1 { background: url(../img/h1.png) }'),
  '/css/more.css': file('text/css', '@import "main.css"; @font-face { src: url("font.woff2") }'),
  '/css/font.woff2': file('font/woff2', 'font'),
  '/css/inline.css': file('text/css', 'p { color: red }'),
  '/code.js': file('text/javascript', 'let a'),
  '/feed.xml': file('application/rss+xml', '<rss/>'),
  '/preload.woff2': file('font/woff2', 'font'),
  '/moved.png': redirect('/img/there.png')
}
for (const name of ['a', 'a2', 'a3', 'framed', 'h1', 'there']) pages[`/img/${name}.png`] = image
for (const name of ['icon', 'back', 'styled', 'vector']) pages[`/${name}.png`] = image

function asked(site: Site): string[] {
  return site.requests.map(({ path }) => path).sort()
}

const EMBEDDED = [
  '/back.png',
  '/code.js',
  '/css/font.woff2',
  '/css/inline.css',
  '/css/main.css',
  '/css/more.css',
  '/frame',
  '/icon.png',
  '/img/a.png',
  '/img/a2.png',
  '/img/a3.png',
  '/img/framed.png',
  '/img/gone.png',
  '/img/h1.png',
  '/img/there.png',
  '/moved.png',
  '/preload.woff2',
  '/styled.png',
  '/vector.png'
]

test('a mirror has what its pages load, and a reader of WARC finds it byte for byte', limits, async () => {
  for (const processes of ['0', '2']) {
    await using site = await serve(pages)
    const out = join(directory, `mirror${processes}.warc.gz`)
    await runHere([site.origin, '--page-requisites', '--depth', '0', '-o', out, '--processes', processes])
    const found = new Map<string, Buffer>()
    for await (const record of WARCParser.iterRecords(createReadStream(out))) {
      const payload = Buffer.from(await record.readFully(true))
      if (record.warcType !== 'response') continue
      const path = record.warcTargetURI!.slice(site.origin.length)
      assert.ok(!found.has(path), `${path} is in the archive twice`)
      assert.equal(record.httpHeaders?.headers.get('content-length'), String(payload.length))
      found.set(path, payload)
    }
    assert.deepEqual([...found.keys()].sort(), ['/', ...EMBEDDED])
    assert.deepEqual(found.get('/img/h1.png'), IMAGE)
    assert.deepEqual(found.get('/img/framed.png'), IMAGE)
    assert.equal(found.get('/css/main.css')!.toString(), '@import "more.css"; h1 { background: url(../img/h1.png) }')
    assert.deepEqual(asked(site), ['/', ...EMBEDDED, '/robots.txt'].sort())
  }
})

test('without --page-requisites, nothing is visited that pages only load', limits, async () => {
  await using site = await serve(pages)
  await runHere([site.origin, '-o', '-', '--depth', '1', '--processes', '0'])
  assert.deepEqual(asked(site), ['/', '/a', '/docs/', '/frame', '/robots.txt'])
})

test('check finds broken images, and reads only the heads of those that exist', limits, async () => {
  await using site = await serve(pages)
  const { code, stdout } = await runHere(['check', site.origin, '-p', '--processes', '0'])
  assert.equal(code, 1)
  assert.match(stdout, /^404 \/img\/gone\.png +<- \/$/m)
  assert.match(stdout, /^1 broken link among/m)
})

test('requisites come from the whole host, and neither --include nor the prefix keeps them out', limits, async () => {
  await using site = await serve(pages)
  const args = [`${site.origin}/docs/`, '-o', '-', '-p', '--processes', '0']
  const prefixed = readLines((await runHere([...args, '--scope', 'prefix'])).stdout)
  const rows = prefixed.map(({ url, error }) => `${url.slice(site.origin.length)} ${error}`)
  assert.deepEqual(rows.sort(), [
    '/docs/ null',
    '/docs/x null',
    '/img/a.png not HTML: image/png',
    '/img/there.png not HTML: image/png'
  ])
  const globbed = readLines((await runHere([...args, '--include', '/docs/**', '--exclude', '/moved*'])).stdout)
  assert.deepEqual(globbed.map(({ url }) => url.slice(site.origin.length)).sort(), ['/docs/', '/docs/x', '/img/a.png'])
})

test('a second run with --page-requisites asks for what the first left out', limits, async () => {
  await using site = await serve(pages)
  const out = join(directory, 'more.db')
  await runHere([`${site.origin}/docs/`, '--scope', 'prefix', '-o', out, '--processes', '0'])
  const { stdout } = await runHere(['why', out, '/img/a.png'])
  assert.match(stdout, /pages refer to it as img only, which is not followed \(--page-requisites follows it\)/)
  const before = site.requests.length
  await runHere([`${site.origin}/docs/`, '--scope', 'prefix', '-p', '-o', out, '--processes', '0'])
  const now = site.requests.slice(before).map(({ path }) => path)
  assert.deepEqual(now.sort(), ['/img/a.png', '/img/there.png', '/moved.png', '/robots.txt'])
})

test('a frame that embeds frames without end stops a few frames below the maximum depth', limits, async () => {
  await using site = await serve((request, response) => {
    const number = Number(request.url!.slice(1))
    response.writeHead(request.url === '/robots.txt' ? 404 : 200, { 'content-type': 'text/html' })
    response.end(`<h1>${number}</h1><iframe src="/${number + 1}"></iframe>`)
  })
  await runHere([`${site.origin}/0`, '-p', '--depth', '1', '-o', '-', '--processes', '0'])
  assert.equal(site.requests.length, 8)
})
