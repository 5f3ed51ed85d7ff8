import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { toCsvLine } from '../../src/format/csv.ts'
import { toGithub } from '../../src/format/github.ts'
import { escapeMarkup } from '../../src/format/markup.ts'
import { groupedProblems, problemLines } from '../../src/format/problem-text.ts'
import { forTerminal, jsonForTerminal } from '../../src/format/terminal-text.ts'
import { toWarc } from '../../src/format/warc.ts'
import { emptyRecord } from '../../src/page/record.ts'
import { faultOf, type Problem } from '../../src/report/problems.ts'

const limits = { timeout: 10_000 }

function problem(url: string, error: string, sources: string[], sourceCount = sources.length): Problem {
  const fault = faultOf({
    status: Number(/\d{3}/.exec(error)?.[0] ?? 0) || null,
    error,
    redirects: [],
    truncated: false
  })
  return { url, status: null, ...fault!, isStart: sourceCount === 0, sources, sourceCount }
}

test('a text from a page reaches a terminal without control characters', limits, () => {
  assert.equal(forTerminal('a\u001b[31mred\u0007\nb\u202ec\u009b'), 'a\\u{1b}[31mred\\u{7} b\\u{202e}c\\u{9b}')
  assert.equal(jsonForTerminal('{"a":"\u009b\u202e"}\n'), '{"a":"\\u009b\\u202e"}\n')
  assert.equal(forTerminal('Hömé 日本 👍'), 'Hömé 日本 👍')
})

test('a text for markup cannot leave its element, nor break XML', limits, () => {
  assert.equal(escapeMarkup(`<a href="x">'&\u0000\ud800`), '&lt;a href=&quot;x&quot;&gt;&#39;&amp;\ufffd\ufffd')
  assert.equal(escapeMarkup('👍'), '👍')
})

test('a line of CSV keeps quotes, line breaks and lists, and starts no formula', limits, () => {
  const page = { ...emptyRecord('http://a/'), depth: 0, from: null, title: '=1+1', h1: 'a "b",\nc', data: { x: [1] } }
  const line = toCsvLine(page)
  assert.ok(line.includes(`,'=1+1,`), line)
  assert.ok(line.includes('"a ""b"",\nc"'))
  assert.ok(line.endsWith('"{""x"":[1]}"\r\n'))
})

test('problems are lines with two of their sources, grouped by their kind', limits, () => {
  const problems = [
    problem('http://a/old', 'HTTP 404 Not Found', ['http://a/1', 'http://a/2', 'http://b/'], 14),
    problem('http://a/', 'HTTP 500 Internal Server Error', []),
    problem('http://a/x\u001b', 'HTTP 404 Not Found', ['http://a/1'])
  ]
  assert.deepEqual(problemLines(problems, 'http://a/'), [
    '404 /old      <- /1, /2 (+12)',
    '500 /         <- the first page',
    '404 /x\\u{1b}  <- /1'
  ])
  assert.deepEqual(groupedProblems(problems, 'http://a/', 1), [
    '404 Not Found (2 pages)',
    '  404 /old  <- /1, /2 (+12)',
    '  and 1 more',
    '',
    '500 Internal Server Error (1 page)',
    '  500 /  <- the first page',
    ''
  ])
  assert.equal(
    toGithub([problem('http://a/%0Ax', 'HTTP 404 Not Found', ['http://a/1'])]),
    '::error title=HTTP 404 Not Found::http://a/%250Ax <- http://a/1\n'
  )
})

test('an error says whether a link is broken', limits, () => {
  const fault = (status: number | null, error: string | null, more = {}) =>
    faultOf({ status, error, redirects: [], truncated: false, ...more })
  for (const [status, error] of [
    [404, 'HTTP 404 Not Found'],
    [null, 'connection refused by a'],
    [null, 'not a URL (linked from http://a/)'],
    [302, 'loop of redirects: a -> a'],
    [302, 'more than 20 redirects'],
    [301, 'HTTP 301 Moved Permanently without a Location header']
  ] as const) {
    assert.equal(fault(status, error)?.isBroken, true, error)
  }
  for (const [status, error] of [
    [200, 'binary data sent as HTML'],
    [null, 'robots.txt disallows this page'],
    [null, 'the worker process died twice over this page (SIGKILL)']
  ] as const) {
    assert.equal(fault(status, error)?.isBroken, false, error)
  }
  assert.equal(fault(200, null, { truncated: true })?.isBroken, false)
  for (const [status, error] of [
    [200, null],
    [200, 'not HTML: application/pdf'],
    [302, 'HTTP 302 Found to another site: http://b/'],
    [302, 'HTTP 302 Found to http://a/x, which robots.txt disallows']
  ] as const) {
    assert.equal(fault(status, error), null, String(error))
  }
})

test('a WARC record has the lengths that it says, and no secrets of the request', limits, () => {
  const records = gunzipSync(
    toWarc({
      url: 'http://a/x?y',
      startedAt: '2026-01-02T03:04:05.678Z',
      requestHeaders: { accept: 'text/html', authorization: 'Basic c2VjcmV0', cookie: 'secret=1' },
      status: 200,
      reason: 'OK',
      headers: [
        ['content-type', 'text/html'],
        ['content-encoding', 'gzip']
      ],
      body: Buffer.from('<h1>é</h1>'),
      truncated: false
    })
  )
  let rest = records
  const types: string[] = []
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n') + 4
    const head = rest.subarray(0, end).toString()
    const length = Number(/Content-Length: (\d+)/.exec(head)![1])
    types.push(/WARC-Type: (\w+)/.exec(head)![1])
    const block = rest.subarray(end, end + length).toString()
    if (types.length === 1)
      assert.match(
        block,
        /^HTTP\/1\.1 200 OK\r\n[\s\S]*X-Orig-content-encoding: gzip\r\nContent-Length: 11\r\n\r\n<h1>é<\/h1>$/
      )
    else assert.match(block, /^GET \/x\?y HTTP\/1\.1\r\nHost: a\r\naccept: text\/html\r\n\r\n$/)
    assert.equal(rest.subarray(end + length, end + length + 4).toString(), '\r\n\r\n')
    rest = rest.subarray(end + length + 4)
  }
  assert.deepEqual(types, ['response', 'request'])
})
