import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Identity } from '../../src/http/identity.ts'
import { collect, page, redirect, serve } from '../support.ts'

const limits = { timeout: 30_000 }
const none = { headers: {}, auth: null, cookies: null }

test('cookies that servers set are sent back by every worker', limits, async () => {
  for (const processes of [0, 2]) {
    const links = Array.from({ length: 6 }, (_, index) => `/${index}`)
    await using site = await serve({
      '/': (_, response) =>
        response
          .writeHead(200, {
            'content-type': 'text/html',
            'set-cookie': ['a=1; Path=/', 'b=2; Max-Age=0', 'c=3; Path=/elsewhere']
          })
          .end(page('home', ...links)),
      ...Object.fromEntries(links.map(link => [link, page(link)]))
    })
    await collect(site.origin, { processes })
    const asked = site.requests.filter(({ path }) => /^\/\d$/.test(path))
    assert.deepEqual(new Set(asked.map(({ headers }) => headers.cookie)), new Set(['a=1']))
    assert.equal(asked.length, 6)
  }
})

test('a cookie wall is passed, and a loop of redirects with cookies ends', limits, async () => {
  await using site = await serve({
    '/': (request, response) => {
      if (request.headers.cookie === 'ok=1') response.writeHead(200, { 'content-type': 'text/html' }).end(page('in'))
      else response.writeHead(302, { location: '/login' }).end()
    },
    '/login': (_, response) => response.writeHead(302, { location: '/', 'set-cookie': 'ok=1' }).end()
  })
  const [result] = await collect(site.origin)
  assert.deepEqual([result.title, result.redirects.map(({ url }) => new URL(url).pathname)], ['in', ['/', '/login']])
  let count = 0
  await using endless = await serve({
    '/': (_, response) => response.writeHead(302, { location: '/', 'set-cookie': `n=${count++}` }).end()
  })
  assert.deepEqual(
    (await collect(endless.origin)).map(({ error }) => error),
    ['more than 20 redirects']
  )
  await using same = await serve({
    '/': (_, response) => response.writeHead(302, { location: '/', 'set-cookie': 'n=1' }).end()
  })
  assert.deepEqual(
    (await collect(same.origin)).map(({ error }) => error),
    [`loop of redirects: ${same.origin}/ -> ${same.origin}/`]
  )
})

test('a file of cookies, as curl writes it, is sent only to its hosts', limits, () => {
  const file = [
    '# Netscape HTTP Cookie File',
    'example.com\tFALSE\t/\tFALSE\t0\thost\t1',
    '.example.com\tTRUE\t/\tFALSE\t4102444800\tdomain\t2',
    '#HttpOnly_example.com\tFALSE\t/deep\tTRUE\t0\tsecret\t3',
    'example.com\tFALSE\t/\tFALSE\t1\texpired\t4'
  ].join('\n')
  const identity = new Identity({ ...none, start: 'http://example.com/', cookies: file })
  assert.equal(identity.cookiesFor('http://example.com/'), 'host=1; domain=2')
  assert.equal(identity.cookiesFor('http://www.example.com/'), 'domain=2')
  assert.equal(identity.cookiesFor('https://example.com/deep/x'), 'secret=3; host=1; domain=2')
  assert.equal(identity.cookiesFor('http://example.org/'), '')
})

test('credentials and cookies of the user go only to the host of the first page', limits, () => {
  const headers = { authorization: 'Bearer x', 'x-mine': '1' }
  for (const [start, url, isSent] of [
    ['http://example.com/', 'http://example.com/a', true],
    ['http://example.com/', 'https://example.com/a', true],
    ['https://example.com/', 'http://example.com/a', false],
    ['http://example.com/', 'http://www.example.com/a', false],
    ['http://example.com/', 'http://example.com:8080/a', false],
    ['http://example.com/', 'http://example.com.evil/a', false]
  ] as const) {
    const sent = new Identity({ ...none, start, headers }).headersFor(url)
    assert.deepEqual([sent.authorization, sent['x-mine']], [isSent ? 'Bearer x' : undefined, '1'], `${start} ${url}`)
  }
})

test(
  'user and password are sent, from the options or from the URL, and not to where robots.txt was redirected',
  limits,
  async () => {
    await using elsewhere = await serve({ '/rules': 'User-agent: *\nDisallow: /closed' })
    await using site = await serve({
      '/robots.txt': redirect(`${elsewhere.origin}/rules`),
      '/': page('home', '/a'),
      '/a': page('a')
    })
    const expected = `Basic ${Buffer.from('user:pass:word').toString('base64')}`
    for (const [url, auth] of [
      [site.origin, 'user:pass:word'],
      [site.origin.replace('//', '//user:pass%3Aword@'), undefined]
    ] as const) {
      site.requests.length = 0
      const results = await collect(url, auth === undefined ? {} : { auth })
      assert.equal(results.length, 2)
      for (const { headers } of site.requests) assert.equal(headers.authorization, expected)
      assert.ok(results.every(({ url }) => !url.includes('@')))
    }
    assert.equal(elsewhere.requests.length, 2)
    for (const { headers } of elsewhere.requests) assert.equal(headers.authorization, undefined)
  }
)

test('headers of the user are sent with every request, and invalid ones are refused', limits, async () => {
  await using site = await serve({ '/': page('home', '/a'), '/a': page('a') })
  await collect(site.origin, { headers: { 'Accept-Language': 'de', 'X-Mine': '1' }, processes: 1 })
  assert.deepEqual(
    site.requests.map(({ headers }) => [headers['accept-language'], headers['x-mine']]),
    Array.from({ length: 3 }, () => ['de', '1'])
  )
  const refused: Record<string, string>[] = [
    { 'a b': '1' },
    { a: 'x\r\ny: z' },
    { host: 'x' },
    { 'Content-Length': '1' }
  ]
  for (const headers of refused) {
    await assert.rejects(collect(site.origin, { headers }), { name: 'TypeError', message: /^headers / })
  }
})
