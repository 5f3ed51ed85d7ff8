import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadLegacyEncodings } from '../../src/url/legacy-query.ts'
import { readLink } from '../../src/url/link.ts'
import { collect, serve } from '../support.ts'

const limits = { timeout: 20_000 }

test('a query is encoded as its page is, and nothing else of the URL', limits, async () => {
  await loadLegacyEncodings()
  for (const [href, encoding, expected] of [
    ['/가?q=가', 'euc-kr', '/%EA%B0%80?q=%B0%A1'],
    ['?q=中文', 'gbk', '/?q=%D6%D0%CE%C4'],
    ['?q=日本', 'shift_jis', '/?q=%93%FA%96{'],
    ['?q=日本', 'euc-jp', '/?q=%C6%FC%CB%DC'],
    ['?q=é&p=€', 'windows-1252', '/?q=%E9&p=%80'],
    ['?q=привет', 'koi8-r', '/?q=%D0%D2%C9%D7%C5%D4'],
    ['?q=привет', 'windows-1251', '/?q=%EF%F0%E8%E2%E5%F2'],
    // What the encoding does not have becomes a character reference.
    ['?q=é', 'euc-kr', '/?q=%26%23233%3B'],
    ['?q=a b"c', 'euc-kr', '/?q=a%20b%22c'],
    ['?q=%41가#part', 'euc-kr', '/?q=A%B0%A1'],
    ['?q=é', 'utf-8', '/?q=%C3%A9'],
    ['?q=é', 'utf-16le', '/?q=%C3%A9']
  ] as const) {
    const link = readLink(href, 'http://example.com/', encoding)
    // `{` may not be in a URL as it is.
    assert.equal(
      link.kind === 'page' && link.url,
      `http://example.com${expected.replace('{', '%7B')}`,
      `${href} in ${encoding}`
    )
  }
})

test('a page in euc-kr asks for what a browser asks for', limits, async () => {
  const link = Buffer.concat([
    Buffer.from('<meta charset=euc-kr><a href="/s?q='),
    Buffer.from([0xb0, 0xa1]),
    Buffer.from('">x</a>')
  ])
  await using site = await serve({
    '/': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(link)
  })
  await collect(site.origin)
  assert.equal(site.requests.at(-1)?.path, '/s?q=%B0%A1')
})
