import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Redirects } from '../../src/http/redirects.ts'
import { at, collect, page, paths, redirect, serve } from '../support.ts'

const limits = { timeout: 10_000 }

test('a redirect within the site gives the page with its last address, once', limits, async () => {
  await using target = await serve({
    '/': page('home', '/old', '/new', '/older', '/moved'),
    '/old': redirect('/new', 301),
    '/older': redirect('old', 308),
    '/moved': redirect('hop?a=1#part', 303),
    '/hop?a=1': (_, response) => response.writeHead(307, { location: `//127.0.0.1:${target.port}/end` }).end(),
    '/new': page('new'),
    '/end': page('end')
  })
  const results = await collect(target.origin)
  assert.deepEqual(paths(results), ['/', '/new', '/end'])
  assert.ok(results.every(({ status, error }) => status === 200 && error === null))
  assert.equal(at(results, '/end').depth, 1)
  const asked = target.requests.map(({ path }) => path).filter(path => path !== '/robots.txt')
  assert.deepEqual(asked.sort(), ['/', '/end', '/hop?a=1', '/moved', '/new', '/old', '/older'])
})

test('links of a redirected page start from its last address', limits, async () => {
  await using site = await serve({
    '/': redirect('/deep/er/'),
    '/deep/er/': page('deep', 'next'),
    '/deep/er/next': page('next')
  })
  assert.deepEqual(paths(await collect(site.origin)), ['/deep/er/', '/deep/er/next'])
})

test('a redirect out of the site gives one line, and nothing there is requested', limits, async () => {
  await using other = await serve({ '/': page('other') })
  await using site = await serve({
    '/': page('home', '/out', '/mail', '/broken', '/blank', '/good'),
    '/out': redirect(`${other.origin}/`),
    '/mail': redirect('mailto:x@example.com'),
    '/broken': redirect('http://['),
    '/blank': (_, response) => response.writeHead(302).end(),
    '/good': page('good')
  })
  const results = await collect(site.origin)
  assert.equal(results.length, 6)
  assert.equal(at(results, '/out').status, 302)
  assert.equal(at(results, '/out').error, `HTTP 302 Found to another site: ${other.origin}/`)
  assert.equal(at(results, '/mail').error, 'HTTP 302 Found to what is no web page: mailto:x@example.com')
  assert.equal(at(results, '/broken').error, 'HTTP 302 Found to what is no URL: http://[')
  assert.equal(at(results, '/blank').error, 'HTTP 302 Found without a Location header')
  assert.equal(other.requests.length, 0)
})

test('a loop of redirects gives one line, wherever it is entered', limits, async () => {
  for (const concurrency of [1, 5]) {
    await using site = await serve({
      '/': page('home', '/in', '/b', '/c', '/a', '/self', '/good'),
      '/in': redirect('/c'),
      '/a': redirect('/b'),
      '/b': redirect('/c'),
      '/c': redirect('/a'),
      '/self': redirect('/self'),
      '/good': page('good')
    })
    const results = await collect(site.origin, { concurrency })
    assert.deepEqual(paths(results).sort(), ['/', '/a', '/good', '/self'])
    const { origin } = site
    assert.equal(at(results, '/a').error, `loop of redirects: ${origin}/a -> ${origin}/b -> ${origin}/c -> ${origin}/a`)
    assert.equal(at(results, '/self').error, `loop of redirects: ${origin}/self -> ${origin}/self`)
  }
})

test('endless redirects give one line', limits, async () => {
  await using site = await serve((request, response) => {
    const { pathname } = new URL(request.url!, 'http://x')
    if (pathname === '/robots.txt') response.writeHead(404).end()
    else if (pathname === '/')
      response.writeHead(200, { 'content-type': 'text/html' }).end(page('home', '/r0', '/good'))
    else if (pathname === '/good') response.writeHead(200, { 'content-type': 'text/html' }).end(page('good'))
    else response.writeHead(302, { location: `/r${Number(pathname.slice(2)) + 1}` }).end()
  })
  const results = await collect(site.origin)
  assert.equal(results.length, 3)
  assert.deepEqual([at(results, '/r0').status, at(results, '/r0').error], [302, 'more than 20 redirects'])
  assert.equal(site.requests.filter(({ path }) => path.startsWith('/r') && path !== '/robots.txt').length, 21)
})

test('a Location in UTF-8 or ISO-8859-1 is decoded as such', limits, async () => {
  await using site = await serve((request, response) => {
    const html = { 'content-type': 'text/html' }
    if (request.url === '/') response.writeHead(200, html).end(page('home', '/utf8', '/latin1'))
    else if (request.url === '/utf8') response.writeHead(302, { location: Buffer.from('/é').toString('latin1') }).end()
    else if (request.url === '/latin1') response.writeHead(302, { location: '/ü' }).end()
    else if (request.url === '/%C3%A9' || request.url === '/%C3%BC') response.writeHead(200, html).end(page('found'))
    else response.writeHead(404).end()
  })
  const results = await collect(site.origin)
  assert.deepEqual(
    results.map(({ title }) => title),
    ['home', 'found', 'found']
  )
})

test('a loop is reported once, from its alphabetically first address on', limits, () => {
  const redirects = new Redirects()
  assert.equal(redirects.add('c', 'b'), undefined)
  assert.equal(redirects.add('x', 'c'), undefined)
  assert.equal(redirects.add('b', 'a'), undefined)
  assert.deepEqual(redirects.add('a', 'c'), ['a', 'c', 'b'])
  assert.equal(redirects.add('y', 'x'), undefined)
  assert.deepEqual(redirects.add('s', 's'), ['s'])
})
