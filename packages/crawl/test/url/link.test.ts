import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback, readLink, siteOf } from '../../src/url/link.ts'

const limits = { timeout: 5000 }

function normal(href: string, base?: string): string {
  const link = readLink(href, base)
  assert.equal(link.kind, 'page', href)
  return (link as { url: string }).url
}

test('addresses of one page become equal', limits, () => {
  const base = 'http://example.com/a/b?x=1'
  for (const [href, expected] of [
    ['c', 'http://example.com/a/c'],
    ['../c', 'http://example.com/c'],
    ['/c/./d/../e', 'http://example.com/c/e'],
    ['//Example.COM:80/c', 'http://example.com/c'],
    ['HTTP://EXAMPLE.com', 'http://example.com/'],
    ['https://example.com:443/', 'https://example.com/'],
    ['#part', 'http://example.com/a/b?x=1'],
    ['', 'http://example.com/a/b?x=1'],
    ['c#', 'http://example.com/a/c'],
    ['  c\n', 'http://example.com/a/c'],
    ['%7euser/%41%2f%c3%a9', 'http://example.com/a/~user/A%2F%C3%A9'],
    ['/é', 'http://example.com/%C3%A9'],
    ['http://bücher.example/', 'http://xn--bcher-kva.example/'],
    ['http://user:secret@example.com/', 'http://example.com/'],
    ['http://127.1/', 'http://127.0.0.1/'],
    ['/q?', 'http://example.com/q'],
    ['/q?#part', 'http://example.com/q'],
    ['?', 'http://example.com/a/b'],
    ['http://example.com?', 'http://example.com/']
  ]) {
    assert.equal(normal(href, base), expected, href)
    assert.equal(normal(normal(href, base)), expected, `${href}, twice`)
  }
})

test('addresses that may be of different pages stay different', limits, () => {
  for (const [one, other] of [
    ['http://example.com/a', 'http://example.com/a/'],
    ['http://example.com/?b=1&a=2', 'http://example.com/?a=2&b=1'],
    ['http://example.com/?utm_source=x', 'http://example.com/'],
    ['http://example.com/A', 'http://example.com/a'],
    ['http://example.com/', 'https://example.com/'],
    ['http://example.com/%2f', 'http://example.com//']
  ]) {
    assert.notEqual(normal(one), normal(other))
  }
})

test('a link that is not a web address differs from one that is not a URL', limits, () => {
  const base = 'http://example.com/'
  for (const href of [
    'mailto:a@b',
    'javascript:void(0)',
    'tel:1',
    'data:text/html,x',
    'ftp://example.com/',
    'ftp://['
  ]) {
    assert.deepEqual(readLink(href, base), { kind: 'other' }, href)
  }
  for (const href of ['http://', 'https://a b/', 'http://[', '//[x', 'http://x:99999/']) {
    assert.deepEqual(readLink(href, base), { kind: 'bad', text: href })
  }
  assert.deepEqual(readLink('no base'), { kind: 'bad', text: 'no base' })
})

test('an endless address is not a URL', limits, () => {
  const link = readLink(`/${'a/'.repeat(5000)}`, 'http://example.com/')
  assert.equal(link.kind, 'bad')
  assert.equal((link as { text: string }).text.length, 201)
})

test('a site is a host and a port, with or without www, http or https', limits, () => {
  const site = siteOf('http://example.com/a')
  for (const url of [
    'https://example.com/',
    'http://www.example.com/',
    'https://www.example.com:443/b',
    'http://example.com./'
  ])
    assert.equal(siteOf(url), site, url)
  for (const url of [
    'http://example.com:8080/',
    'http://sub.example.com/',
    'http://example.org/',
    'http://example.com.evil/'
  ])
    assert.notEqual(siteOf(url), site, url)
})

test('this computer is recognised by its names', limits, () => {
  for (const url of [
    'http://localhost/',
    'http://a.localhost:1/',
    'http://127.0.0.1/',
    'http://127.9.9.9/',
    'http://[::1]:80/'
  ])
    assert.ok(isLoopback(url), url)
  for (const url of [
    'http://example.com/',
    'http://localhost.example/',
    'http://128.0.0.1/',
    'http://127.0.0.1.example/'
  ])
    assert.ok(!isLoopback(url), url)
})
