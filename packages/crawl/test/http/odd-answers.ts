import type { Socket } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

/** An answer as servers on the web give it, and as the standards do not foresee it. */
export interface OddAnswer {
  name: string
  /** Writes the answer, and ends the connection or leaves it open. */
  answer(socket: Socket, request: { path: string; cookie: string | undefined }): void
  /** What a crawl makes of it: the page has the title `odd`, or there is none. */
  expect: 'page' | 'truncated' | RegExp
}

const HTML = '<!doctype html><title>t</title><h1>odd</h1><p>text</p>'
const TYPE = 'Content-Type: text/html\r\n'
const LENGTH = `Content-Length: ${HTML.length}\r\n`
const LONG = `${HTML}${Array.from({ length: 20_000 }, (_, index) => ` w${index}`).join('')}`

/** Sends text, or bytes, and ends the connection. */
function raw(...parts: (string | Buffer)[]): OddAnswer['answer'] {
  return socket => {
    socket.end(Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))))
  }
}

/** An ordinary answer with these headers and this body. */
function ok(headers: string, body: string | Buffer = HTML, type = TYPE): OddAnswer['answer'] {
  return raw(`HTTP/1.1 200 OK\r\n${type}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`, body)
}

function coded(coding: string, body: string | Buffer): OddAnswer['answer'] {
  return ok(`Content-Encoding: ${coding}\r\n`, body)
}

const chunked = (...chunks: string[]) => chunks.map(text => `${text.length.toString(16)}\r\n${text}\r\n`).join('')
const page = (name: string, answer: OddAnswer['answer']): OddAnswer => ({ name, answer, expect: 'page' })

export const oddAnswers: readonly OddAnswer[] = [
  page('raw deflate under "deflate"', coded('deflate', deflateRawSync(HTML))),
  page('zlib under "deflate"', coded('deflate', deflateSync(HTML))),
  page('Content-Encoding: none', coded('none', HTML)),
  page('Content-Encoding: UTF-8', coded('UTF-8', HTML)),
  page('Content-Encoding: identity', coded('identity', HTML)),
  page('Content-Encoding that is empty', coded('', HTML)),
  page('Content-Encoding: gzip for a body that is not', coded('gzip', HTML)),
  page('gzip without its trailer', coded('gzip', gzipSync(HTML).subarray(0, -8))),
  page('gzip with a wrong checksum', coded('gzip', Buffer.concat([gzipSync(LONG).subarray(0, -8), Buffer.alloc(8)]))),
  page('gzip with bytes behind it', coded('gzip', Buffer.concat([gzipSync(HTML), Buffer.from('\n\n\0\0')]))),
  page('gzip in two members', coded('gzip', Buffer.concat([gzipSync(HTML), gzipSync('<p>more')]))),
  page('gzip twice', coded('gzip, gzip', gzipSync(gzipSync(HTML)))),
  page('X-GZIP, in capitals', coded('X-GZIP', gzipSync(HTML))),
  {
    name: 'brotli without its end',
    answer: coded('br', brotliCompressSync(LONG).subarray(0, -20)),
    expect: 'truncated'
  },
  { name: 'an empty gzip body', answer: coded('gzip', ''), expect: /^$/ },
  { name: 'gzip that is cut', answer: coded('gzip', gzipSync(LONG).subarray(0, -500)), expect: 'truncated' },
  page('a header of 100 KiB', ok(`X-Policy: ${'a'.repeat(100 * 1024)}\r\n`)),
  page('2,000 headers', ok(Array.from({ length: 2000 }, (_, index) => `X-${index}: 1\r\n`).join(''))),
  page(
    '100 Continue that nobody asked for',
    raw('HTTP/1.1 100 Continue\r\n\r\n', `HTTP/1.1 200 OK\r\n${TYPE}${LENGTH}\r\n${HTML}`)
  ),
  page('102 Processing', raw('HTTP/1.1 102 Processing\r\n\r\n', `HTTP/1.1 200 OK\r\n${TYPE}${LENGTH}\r\n${HTML}`)),
  page(
    '103 Early Hints',
    raw(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n',
      `HTTP/1.1 200 OK\r\n${TYPE}${LENGTH}\r\n${HTML}`
    )
  ),
  page(
    'Content-Length beside chunks',
    raw(`HTTP/1.1 200 OK\r\n${TYPE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(HTML)}0\r\n\r\n`)
  ),
  page('bare line feeds', raw(`HTTP/1.1 200 OK\n${TYPE.replace('\r', '')}Content-Length: ${HTML.length}\n\n${HTML}`)),
  page('bare line feeds after the status only', raw(`HTTP/1.1 200 OK\n${TYPE}${LENGTH}\r\n${HTML}`)),
  page('no reason', raw(`HTTP/1.1 200\r\n${TYPE}${LENGTH}\r\n${HTML}`)),
  page('a reason in Latin-1', raw(`HTTP/1.1 200 D\xe9j\xe0 vu\r\n${TYPE}${LENGTH}\r\n${HTML}`)),
  page('HTTP/1.0 without a length', raw(`HTTP/1.0 200 OK\r\n${TYPE}\r\n${HTML}`)),
  page('HTTP/1.1 without a length', raw(`HTTP/1.1 200 OK\r\n${TYPE}\r\n${HTML}`)),
  page('a status that nobody knows', raw(`HTTP/1.1 299 Fine\r\n${TYPE}${LENGTH}\r\n${HTML}`)),
  page('NUL in HTML', ok('', HTML.replace('text', 'te\0xt'))),
  page('control characters in HTML', ok('', HTML.replace('text', 'te\x01\x02\x1b\x7fxt'))),
  page('a header in two lines', ok('X-Folded: a\r\n b\r\n')),
  page('a header without a value', ok('X-Empty:\r\n')),
  page('a header in UTF-8', ok('X-Name: caf\xc3\xa9\r\n')),
  page('a header with a space before its colon', ok('X-Space : a\r\n')),
  page('a header with a control character', ok('X-Control: a\x01b\r\n')),
  page('the same Content-Length twice', ok(LENGTH)),
  page('two types', ok('Content-Type: text/html\r\n')),
  page('a type with more semicolons than parameters', ok('', HTML, 'Content-Type: text/html;; charset=;\r\n')),
  page('a charset that nobody knows', ok('', HTML, 'Content-Type: text/html; charset=utf-9\r\n')),
  page('Transfer-Encoding: identity', raw(`HTTP/1.1 200 OK\r\n${TYPE}Transfer-Encoding: identity\r\n\r\n${HTML}`)),
  page(
    'chunks with extensions and trailers',
    raw(
      `HTTP/1.1 200 OK\r\n${TYPE}Transfer-Encoding: chunked\r\n\r\n`,
      `${HTML.length.toString(16)};name="value"\r\n${HTML}\r\n0\r\nX-Trailer: 1\r\n\r\n`
    )
  ),
  page(
    'a chunk size with spaces behind it',
    raw(
      `HTTP/1.1 200 OK\r\n${TYPE}Transfer-Encoding: chunked\r\n\r\n${HTML.length.toString(16)}  \r\n${HTML}\r\n0\r\n\r\n`
    )
  ),
  {
    name: 'chunks without the last one',
    answer: raw(`HTTP/1.1 200 OK\r\n${TYPE}Transfer-Encoding: chunked\r\n\r\n${chunked(HTML)}`),
    expect: 'truncated'
  },
  {
    name: 'a body shorter than its Content-Length',
    answer: raw(`HTTP/1.1 200 OK\r\n${TYPE}Content-Length: ${HTML.length + 50}\r\n\r\n${HTML}`),
    expect: 'truncated'
  },
  page('a body longer than its Content-Length', raw(`HTTP/1.1 200 OK\r\n${TYPE}${LENGTH}\r\n${HTML}more`)),
  page('a body that comes byte by byte', socket => {
    socket.write(`HTTP/1.1 200 OK\r\n${TYPE}${LENGTH}\r\n`)
    socket.setNoDelay(true)
    const bytes = [...Buffer.from(HTML)]
    const send = () => {
      const byte = bytes.shift()
      if (byte !== undefined) socket.write(Buffer.from([byte]), () => setImmediate(send))
      else socket.end()
    }
    send()
  }),
  page('a cookie wall: a redirect to itself with Set-Cookie', (socket, { path, cookie }) => {
    if (cookie?.includes('seen=1')) ok('')(socket, { path, cookie })
    else
      raw(`HTTP/1.1 302 Found\r\nSet-Cookie: seen=1\r\nLocation: ${path}\r\nContent-Length: 0\r\n\r\n`)(socket, {
        path,
        cookie
      })
  }),
  page('a redirect with UTF-8 in its Location', (socket, request) => {
    if (request.path.includes('?')) ok('')(socket, request)
    else raw(`HTTP/1.1 302 Found\r\nLocation: ${request.path}?q=\xc3\xa9\r\nContent-Length: 0\r\n\r\n`)(socket, request)
  }),
  page('a redirect with spaces in its Location', (socket, request) => {
    if (request.path.includes('?')) ok('')(socket, request)
    else raw(`HTTP/1.1 302 Found\r\nLocation: ${request.path}?a b\r\nContent-Length: 0\r\n\r\n`)(socket, request)
  }),
  { name: 'not HTTP at all', answer: raw('220 mail.example ESMTP\r\n'), expect: /did not answer in HTTP/ },
  { name: 'nothing at all', answer: raw(''), expect: /closed the connection before its answer/ },
  page('five codings, and none of them used', coded('gzip, gzip, gzip, gzip, gzip', HTML)),
  page('a status line in lower case', raw(`http/1.1 200 ok\r\n${TYPE}${LENGTH}\r\n${HTML}`)),
  page('a length that is no number', raw(`HTTP/1.1 200 OK\r\n${TYPE}Content-Length: none\r\n\r\n${HTML}`)),
  page('a line in the head that is no header', ok('this is no header\r\n')),
  page('a header whose name has a space', ok('X Name: a\r\n')),
  {
    name: 'three layers of gzip',
    answer: coded('gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(HTML)))),
    expect: /^the body is compressed more than 2 times$/
  }
]
