import assert from 'node:assert/strict'
import dns from 'node:dns'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Client } from '../../src/http/client.ts'
import { refuseSocket } from '../../src/http/guard.ts'
import { defaultSettings } from '../../src/http/settings.ts'
import { isPrivateAddress, isPrivateHost } from '../../src/url/private-network.ts'
import { collect, page, serve } from '../support.ts'

const limits = { timeout: 30_000 }
const guarded = { ...defaultSettings, isGuarded: true, proxy: '', timeoutMs: 2000 }

test('addresses of this computer and of private networks are recognised in every form', limits, () => {
  for (const address of [
    ...[
      '127.0.0.1',
      '127.255.1.2',
      '0.0.0.0',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254'
    ],
    ...['100.64.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '240.0.0.1', '192.0.0.1'],
    ...[
      '::1',
      '::',
      '::ffff:127.0.0.1',
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '::127.0.0.1',
      'fc00::1',
      'fd12::1',
      'fe80::1',
      'fe80::1%eth0'
    ],
    ...['ff02::1', '64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '2002:7f00:1::', '2002:a00:1::1', 'fec0::1', '2001:db8::1']
  ]) {
    assert.ok(isPrivateAddress(address), address)
  }
  for (const address of [
    ...[
      '8.8.8.8',
      '1.1.1.1',
      '172.15.0.1',
      '172.32.0.1',
      '100.63.0.1',
      '100.128.0.1',
      '192.169.0.1',
      '11.0.0.1',
      '169.253.1.1'
    ],
    ...[
      '2606:4700::1111',
      '2001:4860:4860::8888',
      '::ffff:8.8.8.8',
      '64:ff9b::808:808',
      '2002:808:808::1',
      'example.com'
    ]
  ]) {
    assert.ok(!isPrivateAddress(address), address)
  }
})

test('a start host is private if it is such an address, or leads only to such addresses', limits, async () => {
  for (const host of ['localhost', 'a.localhost', '127.0.0.1', '[::1]', '[::ffff:7f00:1]', '10.0.0.1']) {
    assert.ok(await isPrivateHost(host), host)
  }
  for (const host of ['8.8.8.8', '[2606:4700::1111]', 'no-such-host.invalid'])
    assert.ok(!(await isPrivateHost(host)), host)
})

/** Makes names lead to addresses, as a resolver of the attacker's would. */
async function resolving(answers: (name: string) => string[], body: () => Promise<void>): Promise<void> {
  const { lookup } = dns
  dns.lookup = ((name: string, options: { all?: boolean }, callback: (...args: unknown[]) => void) => {
    const addresses = answers(name).map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (options.all) callback(null, addresses)
    else callback(null, addresses[0].address, addresses[0].family)
  }) as typeof lookup
  syncBuiltinESMExports()
  try {
    await body()
  } finally {
    dns.lookup = lookup
    syncBuiltinESMExports()
  }
}

test(
  'a crawl of a public host connects to no private address, whether literal, by name or by rebinding',
  limits,
  async () => {
    await using site = await serve({ '/': page('secret') })
    const { port } = site
    const client = new Client(guarded)
    try {
      for (const host of [
        '127.0.0.1',
        '127.1',
        '2130706433',
        '0x7f.1',
        '[::1]',
        '[::ffff:127.0.0.1]',
        '0.0.0.0',
        '[::]'
      ]) {
        const { error, failure } = await client.get({ url: new URL(`http://${host}:${port}/`).href }, () => true)
        assert.equal(failure, 'private', host)
        assert.match(
          error!,
          /^refused to connect to .*: it is an address of a private network; --allow-private allows it$/
        )
      }
      await resolving(
        () => ['127.0.0.1', '::1'],
        async () => {
          const { error, failure } = await client.get({ url: `http://evil.example:${port}/` }, () => true)
          assert.deepEqual([failure, error?.includes('evil.example (127.0.0.1)')], ['private', true])
        }
      )
      // At first the name leads elsewhere, and later here: the address that counts is the one that is connected to.
      let lookups = 0
      await resolving(
        () => (lookups++ === 0 ? ['192.0.43.8'] : ['127.0.0.1']),
        async () => {
          assert.equal(await isPrivateHost('rebinding.example'), lookups > 1)
          for (let attempt = 0; attempt < 2; attempt++) {
            const { failure } = await client.get({ url: `http://rebinding.example:${port}/` }, () => true)
            if (attempt === 1) assert.equal(failure, 'private')
          }
        }
      )
    } finally {
      await client.close()
    }
    assert.equal(site.requests.length, 0)
  }
)

test('a connection that nevertheless leads to a private address is refused', limits, async () => {
  await using site = await serve({})
  const socket = connect(site.port, '127.0.0.1')
  await once(socket, 'connect')
  assert.equal(refuseSocket(socket, 'evil.example')?.code, 'ERR_PRIVATE_ADDRESS')
  socket.destroy()
})

test("the lenient parser's connection is guarded, too", limits, async () => {
  await using site = await serve({ '/': page('secret') })
  const { requestLeniently } = await import('../../src/http/lenient.ts')
  await resolving(
    () => ['127.0.0.1'],
    async () => {
      const asked = { url: `http://evil.example:${site.port}/`, headers: {} }
      await assert.rejects(requestLeniently(asked, guarded, AbortSignal.timeout(10_000), ''), {
        code: 'ERR_PRIVATE_ADDRESS'
      })
    }
  )
  assert.equal(site.requests.length, 0)
})

test('a redirect and a link of a public page lead to no private address', limits, async () => {
  await using site = await serve({ '/secret': page('secret') })
  const secret = `http://internal.public.example:${site.port}/secret`
  // This computer has no public address: a proxy stands for the public host, and the host inside is asked without it.
  await using proxy = await serve((request, response) => {
    const path = new URL(request.url!, 'http://public.example').pathname
    if (path === '/once') response.writeHead(302, { location: secret }).end()
    else if (path === '/twice') response.writeHead(301, { location: '/once?again' }).end()
    else if (path !== '/') response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'text/html' }).end(page('home', '/once', '/twice', `${secret}?link`))
  })
  const before = { ...process.env }
  Object.assign(process.env, { http_proxy: proxy.origin, no_proxy: 'internal.public.example' })
  try {
    await resolving(
      name => [name === 'public.example' ? '192.0.43.8' : '127.0.0.1'],
      async () => {
        const results = await collect(`http://public.example:${site.port}/`, {
          scope: 'subdomains',
          limit: 10,
          retries: 0
        })
        const refused = results.filter(({ error }) =>
          error?.startsWith('refused to connect to internal.public.example (127.0.0.1)')
        )
        assert.deepEqual(
          refused.map(({ redirects }) => redirects.length).sort(),
          [0, 1],
          JSON.stringify(results.map(({ url, error }) => [url, error]))
        )
      }
    )
  } finally {
    process.env = before
  }
  assert.deepEqual(site.requests, [])
  assert.ok(proxy.requests.some(({ path }) => path.includes('/twice')))
})

test('a crawl that begins on this computer may continue here', limits, async () => {
  await using site = await serve({ '/': page('home', '/a'), '/a': page('a') })
  assert.equal((await collect(site.origin.replace('127.0.0.1', 'localhost'))).length, 2)
})
