import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeHtml } from '../../src/page/charset.ts'
import { collect, serve } from '../support.ts'

const limits = { timeout: 10_000 }
const h1 = (text: string | Buffer) =>
  Buffer.concat([Buffer.from('<h1>'), Buffer.from(text as string), Buffer.from('</h1>')])
const bytes = (hex: string) => Buffer.from(hex, 'hex')

test('the title is decoded in the encoding of the page', limits, async () => {
  const cases: [name: string, type: string, body: Buffer, title: string][] = [
    ['header', 'text/html; charset=windows-1252', h1(bytes('80939be994')), '€“›é”'],
    ['quoted header', 'text/html;foo=bar; Charset="ISO-8859-2"', h1(bytes('b1')), 'ą'],
    ['latin1 is windows-1252', 'text/html; charset=iso-8859-1', h1(bytes('80')), '€'],
    ['mark', 'text/html', Buffer.concat([bytes('efbbbf'), h1('é日')]), 'é日'],
    ['mark over header', 'text/html; charset=gb2312', Buffer.concat([bytes('efbbbf'), h1('é')]), 'é'],
    ['UTF-16LE mark', 'text/html', Buffer.from('\ufeff<h1>日本</h1>', 'utf16le'), '日本'],
    ['UTF-16BE mark', 'text/html', Buffer.from('\ufeff<h1>日本</h1>', 'utf16le').swap16(), '日本'],
    ['UTF-16LE header', 'text/html; charset=utf-16le', Buffer.from('<h1>日本</h1>', 'utf16le'), '日本'],
    [
      'meta gb2312',
      'text/html',
      Buffer.concat([Buffer.from('<meta charset="gb2312">'), h1(bytes('d6d0cec4'))]),
      '中文'
    ],
    [
      'meta shift_jis',
      'text/html',
      Buffer.concat([
        Buffer.from(
          '<!-- <meta charset=utf-8> --><META http-equiv="Content-Type" content="text/html; charset=Shift_JIS">'
        ),
        h1(bytes('93fa967b'))
      ]),
      '日本'
    ],
    [
      'header over meta',
      'text/html; charset=big5',
      Buffer.concat([Buffer.from('<meta charset=utf-8>'), h1(bytes('a4a4a4e5'))]),
      '中文'
    ],
    [
      'unknown header, meta',
      'text/html; charset=nonsense',
      Buffer.concat([Buffer.from('<meta charset=koi8-r>'), h1(bytes('cdc9d2'))]),
      'мир'
    ],
    ['nothing, UTF-8', 'text/html', h1('naïve 日'), 'naïve 日'],
    ['nothing, not UTF-8', 'text/html', h1(bytes('80e985')), '€é…'],
    ['meta that cannot be', 'text/html', Buffer.concat([Buffer.from('<meta charset=utf-16>'), h1('é')]), 'é'],
    ['UTF-8 with an error', 'text/html; charset=utf-8', h1(bytes('41ff42')), 'A\ufffdB'],
    ['iso-2022-jp', 'text/html; charset=iso-2022-jp', h1(bytes('1b2442467c4b5c1b2842')), '日本']
  ]
  const byPath = new Map(cases.map((given, index) => [`/${index}`, given]))
  await using site = await serve((request, response) => {
    const given = byPath.get(request.url!)
    if (given) response.writeHead(200, { 'content-type': given[1] }).end(given[2])
    else if (request.url === '/') {
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end([...byPath.keys()].map(path => `<a href="${path}">x</a>`).join(''))
    } else response.writeHead(404).end()
  })
  const results = await collect(`${site.origin}/`)
  assert.equal(results.length, cases.length + 1)
  for (const [path, [name, , , title]] of byPath) {
    const result = results.find(({ url }) => url === site.origin + path)
    assert.deepEqual([name, result?.error, result?.title], [name, null, title])
  }
})

test('a meta counts only near the beginning', limits, () => {
  const late = Buffer.concat([Buffer.from(`<!--${' '.repeat(1100)}--><meta charset=gb2312>`), Buffer.from('é')])
  assert.ok(decodeHtml(late, null).endsWith('é'))
})

test('text is decoded the same, however long it is', limits, () => {
  const long = Buffer.concat(Array.from({ length: 100_000 }, () => bytes('80e9')))
  assert.equal(decodeHtml(long, 'text/html; charset=windows-1252'), '€é'.repeat(100_000))
  assert.equal(decodeHtml(Buffer.alloc(0), 'text/html; charset=gbk'), '')
})
