import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { Client } from '../../src/http/client.ts'
import { defaultSettings } from '../../src/http/settings.ts'
import { collect, page, serve } from '../support.ts'

const limits = { timeout: 30_000 }

/** A proxy that leads every host to `port` of this computer. */
async function serveProxy(port: number): Promise<AsyncDisposable & { url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    const { pathname, search } = new URL(request.url!)
    const onward = httpRequest(
      { port, path: pathname + search, headers: request.headers, insecureHTTPParser: true },
      answer => {
        response.writeHead(answer.statusCode!, answer.rawHeaders.length > 0 ? answer.headers : {})
        answer.pipe(response)
      }
    )
    onward.on('error', () => response.destroy())
    onward.end()
  })
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    }
  }
}

test('a crawl uses the proxy of its options, in this process and in workers', limits, async () => {
  await using site = await serve({ '/': page('home', '/a'), '/a': page('a') })
  for (const processes of [0, 1]) {
    await using proxy = await serveProxy(site.port)
    const results = await collect('http://site.example/', {
      proxy: proxy.url.replace('//', '//me:secret@'),
      processes,
      autothrottle: false
    })
    assert.deepEqual(
      results.map(({ title }) => title),
      ['home', 'a']
    )
    const credentials = `Basic ${Buffer.from('me:secret').toString('base64')}`
    assert.deepEqual(
      proxy.asked,
      ['robots.txt', '', 'a'].map(path => `GET http://site.example/${path} ${credentials}`)
    )
  }
})

test(
  'the environment names proxies and exceptions, and requests to this computer use none of them',
  limits,
  async () => {
    await using site = await serve({ '/': page('home') })
    await using proxy = await serveProxy(site.port)
    const names = ['http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY'] as const
    const before = names.map(name => [name, process.env[name]] as const)
    try {
      for (const name of names) delete process.env[name]
      process.env.HTTP_PROXY = proxy.url
      process.env.NO_PROXY = 'direct.invalid'
      const [result] = await collect('http://site.example/')
      assert.equal(result.title, 'home')
      assert.equal(proxy.asked.length, 2)
      const [direct] = await collect('http://direct.invalid/', { retries: 0 })
      assert.match(direct.error!, /no such host|could not be looked up/)
      assert.equal((await collect(site.origin))[0].title, 'home')
      const [unproxied] = await collect('http://site.invalid/', { proxy: '', retries: 0 })
      assert.match(unproxied.error!, /no such host|could not be looked up/)
      assert.equal(proxy.asked.length, 2)
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
    for (const bad of ['proxy:3128x', 'ftp://proxy.example']) {
      await assert.rejects(collect(site.origin, { proxy: bad }), { name: 'TypeError', message: /^proxy must be a URL/ })
    }
  }
)

test('https uses a tunnel through the proxy', limits, async () => {
  await using site = await serve({})
  await using proxy = await serveProxy(site.port)
  const client = new Client({ ...defaultSettings, proxy: proxy.url, insecure: true })
  // The site speaks no TLS: that the tunnel is asked for is what can be seen.
  const { error } = await client.get({ url: 'https://site.example/' }, () => true)
  await client.close()
  assert.notEqual(error, null)
  assert.ok(
    proxy.asked.length > 0 && proxy.asked.every(line => line === 'CONNECT site.example:443'),
    proxy.asked.join()
  )
})
