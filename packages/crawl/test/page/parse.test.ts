import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePage } from '../../src/page/parse.ts'

const limits = { timeout: 5000 }
const url = 'http://example.com/a/b'

test('the title is the first h1 with text, or else the title', limits, () => {
  const title = (html: string) => parsePage(html, url).title
  assert.equal(title('<title>T</title><h1> One\n <b>two</b> &amp; three </h1><h1>Other</h1>'), 'One two & three')
  assert.equal(title('<title> T </title><h1> </h1><h1><img alt=x></h1><h1>Second</h1>'), 'Second')
  assert.equal(title('<title>T\n&eacute;</title><h1></h1>'), 'T é')
  assert.equal(title('<h1>One<br>two</h1>'), 'One two')
  assert.equal(title('<svg><title>Icon</title></svg><title>Page</title>'), 'Page')
  assert.equal(title('<p>nothing</p>'), null)
  assert.equal(title(''), null)
})

test('a heading that is never closed does not include the rest of the page', limits, () => {
  const { title } = parsePage(`<h1>Start ${'<p>word '.repeat(100_000)}`, url)
  assert.ok(title!.startsWith('Start word'))
  assert.equal(title!.length, 1001)
})

test('a heading without an end ends where its container does', limits, () => {
  assert.equal(parsePage('<div><h1>One <div>two</div> three</div><p>four', url).h1, 'One two three')
  assert.equal(parsePage('<section><h1>One <i>two</section><p>three</h1>', url).h1, 'One two')
})

test('the address is og:url, or else the canonical link', limits, () => {
  const ogUrl = (html: string) => parsePage(html, url).ogUrl
  const og = '<meta property="og:url" content="http://example.com/og">'
  const canonical = '<link rel="alternate canonical" href="/canonical">'
  assert.equal(ogUrl(canonical + og), 'http://example.com/og')
  assert.equal(ogUrl(canonical), 'http://example.com/canonical')
  assert.equal(ogUrl('<meta property="og:url" content="relative">'), 'http://example.com/a/relative')
  assert.equal(ogUrl(`<meta property="og:url" content="http://[">${canonical}`), 'http://example.com/canonical')
  assert.equal(ogUrl(`<meta property="og:url" content="">${canonical}`), 'http://example.com/canonical')
  assert.equal(ogUrl('<p>'), null)
})

test('links are absolute, of the same site, and each once', limits, () => {
  const page = parsePage(
    `<a href="c">1</a><a href="c#part">2</a><a href=" /a/c ">3</a><a>no address</a><a href="//EXAMPLE.com/d">4</a>
     <area href="e"><iframe src="f"></iframe><frame src="g"><a href="http://elsewhere.example/">5</a>
     <a href="mailto:x@example.com">6</a><img src="image.png"><link rel=stylesheet href="style.css"><script src=x.js></script>`,
    url
  )
  assert.deepEqual(
    page.follow,
    ['a/c', 'd', 'a/e', 'a/f', 'a/g'].map(path => `http://example.com/${path}`)
  )
  assert.equal(page.links, 6)
  assert.deepEqual(page.badLinks, [])
})

test('links start from the base, wherever it is, and the first base counts', limits, () => {
  const html = '<a href="c">x</a><base href="/other/"><base href="/third/"><a href="#part">y</a><a href="?q">z</a>'
  assert.deepEqual(
    parsePage(html, url).follow,
    ['c', '', '?q'].map(end => `http://example.com/other/${end}`)
  )
  assert.deepEqual(parsePage('<base href="http://["><a href="c">', url).follow, ['http://example.com/a/c'])
  assert.deepEqual(parsePage('<base href="http://elsewhere.example/"><a href="c">', url).follow, [])
})

test('links that ask not to be followed are only counted', limits, () => {
  const page = parsePage('<a rel="noopener NOFOLLOW" href="c">x</a><a rel=next href="d">y</a>', url)
  assert.deepEqual(page.follow, ['http://example.com/a/d'])
  assert.equal(page.links, 2)
  for (const content of ['noindex, nofollow', 'NONE']) {
    const closed = parsePage(`<a href="c">x</a><meta name="Robots" content="${content}">`, url)
    assert.deepEqual(closed.follow, [])
    assert.equal(closed.links, 1)
  }
  assert.equal(parsePage('<meta name=robots content="noindex"><a href="c">', url).follow.length, 1)
})

test('a page that redirects its readers links to its target', limits, () => {
  for (const content of ['0; url=/next', "5;URL='/next'", '0.5 , url = "/next"']) {
    const html = `<meta http-equiv="Refresh" content='${content.replaceAll("'", '&#39;')}'>`
    assert.deepEqual(parsePage(html, url).follow, ['http://example.com/next'], content)
  }
  assert.deepEqual(parsePage('<meta http-equiv="refresh" content="30">', url).follow, [])
})

test('links that are not URLs are reported', limits, () => {
  assert.deepEqual(
    parsePage('<a href="http://[">x</a><a href="http://[">y</a><a href="https://a b/">z</a>', url).badLinks,
    ['http://[', 'https://a b/']
  )
})
