import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { CrawlOptions, PageResult } from '../../src/index.ts'
import { at, collect, type Pages, page, serve } from '../support.ts'

const limits = { timeout: 20_000 }

/** Crawls a site whose first page links to `/bad` and then to `/good`, which must be found whatever becomes of the former. */
async function visit(bad: Pages[string], options: CrawlOptions = {}): Promise<PageResult> {
  await using site = await serve({ '/': page('home', '/bad', '/good'), '/bad': bad, '/good': page('good') })
  const results = await collect(site.origin, options)
  assert.equal(results.length, 3)
  assert.equal(at(results, '/good').title, 'good')
  return at(results, '/bad')
}

function answer(status: number, headers: Record<string, string>, body: string | Buffer = ''): RequestListener {
  return (_, response) => response.writeHead(status, headers).end(body)
}

/** A server that speaks no more HTTP than `onRequest` does. */
async function serveRaw(
  onRequest: (socket: Socket, path: string) => void
): Promise<AsyncDisposable & { origin: string }> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', data => onRequest(socket, String(data).split(' ')[1]))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}

test('404 and 500 give one line each', limits, async () => {
  const missing = await visit(answer(404, { 'content-type': 'text/html' }, page('none', '/never')))
  assert.deepEqual([missing.status, missing.title, missing.error], [404, null, 'HTTP 404 Not Found'])
  const broken = await visit(answer(500, {}, 'oh'))
  assert.deepEqual([broken.status, broken.error], [500, 'HTTP 500 Internal Server Error'])
  const odd = await visit(answer(599, {}))
  assert.deepEqual([odd.status, odd.error], [599, 'HTTP 599'])
  assert.equal((await visit(answer(204, {}))).error, 'HTTP 204 No Content')
})

test('a refused connection gives one line', limits, async () => {
  const site = await serve({})
  await site[Symbol.asyncDispose]()
  const results = await collect(`${site.origin}/`)
  assert.equal(results.length, 1)
  assert.equal(results[0].status, null)
  assert.match(results[0].error!, new RegExp(`^connection refused by 127.0.0.1:${site.port} \\(asked for robots.txt`))
})

test('a server that goes down during a crawl gives one line for each page', limits, async () => {
  await using site = await serveRaw((socket, path) => {
    if (path === '/bad') return socket.destroy()
    const body = path === '/' ? page('home', '/bad', '/good') : page('good')
    socket.write(
      `HTTP/1.1 ${path === '/robots.txt' ? 404 : 200} OK\r\ncontent-type: text/html\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    )
  })
  const results = await collect(site.origin)
  assert.match(at(results, '/bad').error!, /^127\.0\.0\.1:\d+ closed the connection before its answer was complete$/)
  assert.equal(at(results, '/good').title, 'good')
})

test('a host that does not exist gives one line', limits, async () => {
  const results = await collect('http://no-such-host.invalid/')
  assert.equal(results.length, 1)
  assert.match(results[0].error!, /^(no such host: no-such-host\.invalid|the name of no-such-host\.invalid could not)/)
})

test('a link that is not a URL gives one line with its place', limits, async () => {
  await using site = await serve({ '/': page('home', 'http://[', '/good'), '/good': page('good', 'http://[') })
  const results = await collect(site.origin)
  assert.equal(results.length, 3)
  const bad = results.find(({ url }) => url === 'http://[')
  assert.deepEqual([bad?.status, bad?.depth, bad?.error], [null, 1, `not a URL (linked from ${site.origin}/)`])
})

test('no more of a body of 1 GB than the limit is taken', limits, async () => {
  const chunk = Buffer.alloc(1 << 20, '<p>more</p>')
  let sent = 0
  const endless: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    const more = () => {
      while (sent < 1 << 30 && !response.destroyed) {
        sent += chunk.length
        if (!response.write(chunk)) return response.once('drain', more)
      }
      return response.end()
    }
    more()
  }
  const result = await visit(endless)
  assert.deepEqual([result.status, result.bytes, result.truncated, result.error], [200, 16 << 20, true, null])
  assert.ok(sent < 64 << 20, `${sent} bytes were sent`)
})

test('a compressed body counts as what it becomes', limits, async () => {
  const bomb = gzipSync(Buffer.alloc(100 << 20))
  const result = await visit(answer(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }, bomb))
  assert.deepEqual([result.bytes, result.truncated, result.error], [16 << 20, true, null])
})

test('a body of the maximum length is complete, and a longer one is cut and marked as truncated', limits, async () => {
  const body = page('exact').padEnd(1000)
  const whole = await visit(body, { maxBytes: 1000 })
  assert.deepEqual([whole.title, whole.truncated], ['exact', false])
  const over = await visit(`${body} `, { maxBytes: 1000 })
  assert.deepEqual([over.title, over.bytes, over.truncated, over.error], ['exact', 1000, true, null])
})

test('binary data as HTML gives one line', limits, async () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
  const result = await visit(answer(200, { 'content-type': 'text/html' }, png))
  assert.deepEqual([result.status, result.title, result.error], [200, null, 'binary data sent as HTML: a PNG image'])
})

test('a body that is not HTML is not downloaded', limits, async () => {
  let sent = 0
  const film: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-type': 'video/mp4; codecs=x' })
    const timer = setInterval(() => response.write(Buffer.alloc(1000 + sent++)), 5)
    response.on('close', () => clearInterval(timer))
  }
  const result = await visit(film)
  assert.deepEqual([result.status, result.bytes, result.error], [200, 0, 'not HTML: video/mp4'])
})

test('a body without a type is a page if it looks like one', limits, async () => {
  assert.equal((await visit(answer(200, {}, `\n${page('untyped')}`))).title, 'untyped')
  assert.equal((await visit(answer(200, {}, 'plain words'))).error, 'not HTML: data of no type')
  assert.equal((await visit(answer(200, {}, Buffer.from([1, 2])))).error, 'not HTML: binary data of no type')
})

test('compressed pages are read, and damaged ones give one line', limits, async () => {
  const html = page('packed')
  const type = { 'content-type': 'application/xhtml+xml' }
  for (const [encoding, body] of [
    ['gzip', gzipSync(html)],
    ['deflate', deflateSync(html)],
    ['BR', brotliCompressSync(html)],
    ['gzip, br', brotliCompressSync(gzipSync(html))],
    ['identity', Buffer.from(html)]
  ] as const) {
    const result = await visit(answer(200, { ...type, 'content-encoding': encoding }, body))
    assert.deepEqual([result.title, result.bytes, result.error], ['packed', html.length, null], encoding)
  }
  const long = gzipSync(`${html}${Array.from({ length: 5000 }, (_, index) => ` word${index}`).join('')}`)
  const cut = await visit(answer(200, { ...type, 'content-encoding': 'gzip' }, long.subarray(0, -100)))
  assert.deepEqual([cut.title, cut.truncated, cut.error], ['packed', true, null])
  const wrong = await visit(answer(200, { ...type, 'content-encoding': 'br' }, Buffer.from(html)))
  assert.match(wrong.error!, /^the compressed body is damaged/)
  const unknown = await visit(answer(200, { ...type, 'content-encoding': 'lzma' }, html))
  assert.deepEqual([unknown.title, unknown.error], ['packed', null])
})

test('a server that does not answer, stops in the middle, or drips for ever gives one line', limits, async () => {
  const silent = await visit(() => {}, { timeoutMs: 300 })
  assert.match(silent.error!, /^no answer from 127\.0\.0\.1:\d+ within 300 ms$/)
  const stuck = await visit((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).write('<h1>'), {
    timeoutMs: 300
  })
  assert.deepEqual([stuck.bytes, stuck.truncated, stuck.error], [4, true, null])
  const dripping: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    const timer = setInterval(() => response.write('.'), 20)
    response.on('close', () => clearInterval(timer))
  }
  const dripped = await visit(dripping, { totalTimeoutMs: 500 })
  assert.deepEqual([dripped.bytes > 0, dripped.truncated, dripped.error], [true, true, null])
  const late = await visit(() => {}, { totalTimeoutMs: 500 })
  assert.equal(late.error, 'no whole answer within 500 ms')
})

test('a body that ends too early, and an answer that is not HTTP, give one line each', limits, async () => {
  await using site = await serveRaw((socket, path) => {
    if (path === '/robots.txt') socket.end('HTTP/1.1 404 None\r\ncontent-length: 0\r\n\r\n')
    else if (path === '/short')
      socket.end('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 100\r\n\r\n<h1>')
    else if (path === '/noise') socket.end('220 mail.example ESMTP\r\n')
    else socket.end(`HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n${page('home', '/short', '/noise')}`)
  })
  const results = await collect(site.origin)
  assert.equal(results.length, 3)
  const short = at(results, '/short')
  assert.deepEqual([short.bytes, short.truncated, short.attempts, short.error], [4, true, 3, null])
  assert.match(at(results, '/noise').error!, /^127\.0\.0\.1:\d+ did not answer in HTTP/)
})

test('a kept connection that the server has closed is not a failure', limits, async () => {
  let isFirst = true
  await using site = await serveRaw((socket, path) => {
    const body = path === '/' ? page('home', '/next') : page('next')
    const respond = () =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    if (path === '/robots.txt') socket.write('HTTP/1.1 404 None\r\ncontent-length: 0\r\n\r\n')
    else if (path === '/next' && isFirst) {
      isFirst = false
      socket.destroy()
    } else respond()
  })
  const results = await collect(site.origin)
  assert.deepEqual(
    results.map(({ title, error }) => [title, error]),
    [
      ['home', null],
      ['next', null]
    ]
  )
})
