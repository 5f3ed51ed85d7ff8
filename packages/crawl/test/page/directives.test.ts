import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerDirectives } from '../../src/page/directives.ts'
import { parsePage } from '../../src/page/parse.ts'
import { refreshTarget } from '../../src/page/refresh.ts'
import { at, collect, page, paths, serve } from '../support.ts'

const limits = { timeout: 20_000 }
const url = 'http://example.com/a/b'

test('a refresh leads to where the HTML standard says', limits, () => {
  for (const [content, expected] of [
    ['0;/n', '/n'],
    ["0;url='/it's", '/it'],
    ['0; url=/next', '/next'],
    ['5;URL = "/next"', '/next'],
    ['0.5 , url = "/next" more', '/next'],
    ['0 /next', '/next'],
    [' 0 url=/next', '/next'],
    ['.5;/next', '/next'],
    ['0;ur=/next', 'ur=/next'],
    ['0;url/next', 'url/next'],
    ['0;"/quoted"', '/quoted'],
    ["0;url='/unclosed", '/unclosed'],
    ['0;url=javascript:alert(1)', 'javascript:alert(1)'],
    ['30', null],
    ['30;', null],
    ['0;url=', null],
    ['x;url=/next', null],
    ['0x;url=/next', null],
    ['-1;url=/next', null],
    ['url=/next', null],
    ['', null]
  ] as const) {
    assert.equal(refreshTarget(content), expected, content)
  }
  assert.deepEqual(parsePage('<meta http-equiv=refresh content="0;url=javascript:alert(1)">', url).follow, [])
  assert.deepEqual(parsePage('<meta http-equiv=refresh content="0;/n">', url).follow, ['http://example.com/n'])
})

test('a base of javascript: or data: is ignored', limits, () => {
  for (const base of ['javascript:0', 'data:text/html,x', 'http://[']) {
    assert.deepEqual(parsePage(`<base href="${base}"><a href="c">`, url).follow, ['http://example.com/a/c'], base)
  }
})

test('X-Robots-Tag is read for this crawler, and not for others', limits, () => {
  for (const [headers, expected] of [
    [['noindex, NoFollow'], ['noindex', 'nofollow']],
    [['googlebot: nofollow'], []],
    [['Crawl: none', 'otherbot: noindex'], ['none']],
    [['unavailable_after: 25 Jun 2030 15:00:00 PST'], ['unavailable_after: 25 jun 2030 15:00:00 pst']],
    [['max-snippet: 20, nofollow'], ['max-snippet: 20', 'nofollow']],
    [[], []]
  ] as const) {
    assert.deepEqual(headerDirectives(headers, 'crawl'), expected, headers.join(' | '))
  }
})

test('the links of a page whose X-Robots-Tag says nofollow are only counted', limits, async () => {
  await using site = await serve({
    '/': page('home', '/closed', '/other'),
    '/closed': (_, response) =>
      response
        .writeHead(200, { 'content-type': 'text/html', 'x-robots-tag': 'noarchive, nofollow' })
        .end(page('c', '/never')),
    '/other': (_, response) =>
      response
        .writeHead(200, { 'content-type': 'text/html', 'x-robots-tag': 'otherbot: nofollow' })
        .end(page('o', '/found')),
    '/found': page('found')
  })
  const results = await collect(site.origin)
  assert.deepEqual(paths(results).sort(), ['/', '/closed', '/found', '/other'])
  assert.deepEqual(
    [at(results, '/closed').links, at(results, '/closed').robots],
    [1, { meta: [], header: ['noarchive', 'nofollow'] }]
  )
})

test('a meta of this crawler counts, and one of another does not', limits, () => {
  const follow = (name: string) =>
    parsePage(`<meta name="${name}" content="nofollow"><a href=c>`, url, { robot: 'crawl' }).follow
  assert.deepEqual([follow('Crawl').length, follow('robots').length, follow('googlebot').length], [0, 0, 1])
})

test('a record has what a page says of itself', limits, () => {
  const parsed = parsePage(
    `<title> The  title </title><meta name=Description content=" What it\n is ">
     <link rel=canonical href=/c><link rel=alternate hreflang=de href=/de><link rel=alternate hreflang=x-default href="/">
     <h1>Head<b>ing</b></h1><p>two words</p><script>not a word</script><style>nor this</style>three<br>four`,
    url
  )
  assert.deepEqual(
    [parsed.titleTag, parsed.h1, parsed.description, parsed.canonical, parsed.words],
    ['The title', 'Heading', 'What it is', 'http://example.com/c', 5]
  )
  assert.deepEqual(parsed.hreflang, [
    { lang: 'de', url: 'http://example.com/de' },
    { lang: 'x-default', url: 'http://example.com/' }
  ])
})

test('the table of links has every reference with its kind, text, rel and fragment', limits, () => {
  const { linkTable } = parsePage(
    `<link rel="stylesheet" href=s.css><link rel="shortcut icon" href=i.ico><link rel=canonical href=/c><script src=x.js></script>
     <a href="/a#part" rel="nofollow ugc">to <b>a</b></a><a href="http://[">bad</a><a href="mailto:x@y">mail</a>
     <img src=i.png alt="An image" srcset="i2.png 2x, i3.png 3x"><iframe src=/f></iframe><video src=v.mp4 poster=p.png></video>`,
    url,
    { keepLinks: true }
  )
  const at = (path: string) => `http://example.com/${path}`
  assert.deepEqual(
    linkTable.map(({ target, kind, text, rel, anchor, isUrl }) => [target, kind, text, rel, anchor, isUrl]),
    [
      [at('a/s.css'), 'css', '', 'stylesheet', '', true],
      [at('a/i.ico'), 'icon', '', 'shortcut icon', '', true],
      [at('c'), 'canonical', '', 'canonical', '', true],
      [at('a/x.js'), 'script', '', '', '', true],
      [at('a'), 'a', 'to a', 'nofollow ugc', 'part', true],
      ['http://[', 'a', 'bad', '', '', false],
      [at('a/i.png'), 'img', 'An image', '', '', true],
      [at('a/i2.png'), 'img', '', '', '', true],
      [at('a/i3.png'), 'img', '', '', '', true],
      [at('f'), 'iframe', '', '', '', true],
      [at('a/v.mp4'), 'media', '', '', '', true],
      [at('a/p.png'), 'img', '', '', '', true]
    ]
  )
  assert.ok(linkTable.every(({ source }) => source === url))
})
