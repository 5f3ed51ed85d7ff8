/** Who gets in: the key, and those who do not show it. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { describe, test } from 'node:test'
import { AuthenticationError, Client, Listener } from '../../src/index.ts'
import { RawPeer } from '../fixtures/connection/raw.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)
const authkey = 'a key'
const place = { host: 'localhost', port: 0 }

/** A listener of another kind, that has one peer. */
async function rawListener(): Promise<{
  address: { host: string; port: number }
  peer: Promise<RawPeer>
  server: Server
}> {
  const server = createServer()
  const peer = new Promise<RawPeer>(resolve => server.once('connection', socket => resolve(new RawPeer(socket))))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { address: { host: '127.0.0.1', port: (server.address() as { port: number }).port }, peer, server }
}

describe('a key', { timeout }, () => {
  test('a key lets in every client that has it, as text or as bytes', async () => {
    await using listener = new Listener(place, { authkey: Buffer.from(authkey) })
    const [client, server] = await Promise.all([Client(listener.address, { authkey }), listener.accept()])
    await client.send('in')
    assert.equal(await server.recv(), 'in')
    client.close()
    server.close()
  })

  test('a wrong key causes an AuthenticationError on both sides, and other clients are let in meanwhile', async () => {
    await using listener = new Listener(undefined, { authkey })
    const wrong = Client(listener.address, { authkey: 'another' })
    await assert.rejects(wrong, AuthenticationError)
    await assert.rejects(listener.accept(), AuthenticationError)
    const [client, server] = await Promise.all([Client(listener.address, { authkey }), listener.accept()])
    client.close()
    server.close()
  })

  test('a client without a key, and a listener without one, cause an AuthenticationError', async () => {
    await using listener = new Listener(undefined, { authkey })
    using keyless = await Client(listener.address)
    await assert.rejects(keyless.recv(), /asks for a key; give the authkey/)
    await using open = new Listener()
    await assert.rejects(Client(open.address, { authkey, timeout: 100 }), AuthenticationError)
  })

  test('a client does not prove its key to a listener that does not prove the key, too', async () => {
    const { address, peer, server } = await rawListener()
    const connecting = Client(address, { authkey })
    const listener = await peer
    listener.send(Buffer.concat([Buffer.from('#CHALLENGE#{sha256}'), Buffer.alloc(40, 1)]))
    assert.match(String(await listener.receive()), /^\{sha256\}/)
    listener.send('#WELCOME#')
    const challenge = (await listener.receive()) as Buffer
    assert.equal(challenge.length, '#CHALLENGE#{sha256}'.length + 40)
    listener.send(Buffer.concat([Buffer.from('{sha256}'), Buffer.alloc(32)]))
    await assert.rejects(connecting, AuthenticationError)
    assert.equal(String(await listener.receive()), '#FAILURE#')
    server.close()
  })

  test('a message that is not an answer to the challenge ends the connection before anything else is read', async () => {
    await using listener = new Listener(place, { authkey })
    const answers: [string, Uint8Array | string][] = [
      ['nothing', ''],
      ['text', 'GET / HTTP/1.1'],
      ['a short HMAC', '{sha256}short'],
      ['an unknown digest', `{sha1}${'x'.repeat(20)}`],
      ['HMAC-MD5', Buffer.alloc(16)],
      ['HMAC-MD5 by its name', `{md5}${'x'.repeat(16)}`],
      ['256 bytes', 'x'.repeat(256)]
    ]
    for (const [name, answer] of answers) {
      const peer = await RawPeer.connect(listener.address)
      await peer.receive()
      peer.send(answer)
      assert.equal(String(await peer.receive()), '#FAILURE#', name)
      assert.equal(await peer.receive(), undefined)
      await assert.rejects(listener.accept(), AuthenticationError)
    }
    const peer = await RawPeer.connect(listener.address)
    peer.send('x'.repeat(257))
    await peer.ended()
    await assert.rejects(listener.accept(), error => {
      assert.ok(error instanceof AuthenticationError)
      assert.match((error.cause as Error).message, /it has 257 bytes, and maxMessageBytes is 256/)
      return true
    })
  })

  test('a listener does not wait for a proof longer than its timeout, nor after the other side has hung up', async () => {
    await using listener = new Listener(place, { authkey, handshakeTimeout: 50 })
    const silent = await RawPeer.connect(listener.address)
    await silent.ended()
    await assert.rejects(listener.accept(), /has not shown its key within 50 ms/)
    const halfOpen = await RawPeer.connect(listener.address)
    await halfOpen.receive()
    halfOpen.socket.end()
    await assert.rejects(listener.accept(), /closed the connection before it had shown its key/)
    const blocked = await RawPeer.connect(listener.address)
    assert.throws(() => listener.acceptSync(), /has not shown its key within 50 ms/)
    blocked.socket.destroy()

    const { address, server } = await rawListener()
    await assert.rejects(Client(address, { authkey, timeout: 50 }), AuthenticationError)
    server.close()
  })

  test('a crowd of silent clients does not delay other clients', async () => {
    await using listener = new Listener(place, { authkey })
    const silent = await Promise.all(Array.from({ length: 50 }, () => RawPeer.connect(listener.address)))
    const [client, server] = await Promise.all([Client(listener.address, { authkey }), listener.accept()])
    client.close()
    server.close()
    for (const peer of silent) peer.socket.destroy()
  })

  test('HMAC-MD5 is used only if both sides allow it', async () => {
    await using listener = new Listener(place, { authkey, legacyMd5: true })
    const [client, server] = await Promise.all([Client(listener.address, { authkey }), listener.accept()])
    client.close()
    server.close()
    assert.throws(() => new Listener(place, { authkey, legacyMd5: 1 as never }), TypeError)
  })
})

describe('messages', { timeout }, () => {
  test('a message past the limit ends the connection, without taking the memory that it claims', async () => {
    await using listener = new Listener(place, { authkey, maxMessageBytes: 1000 })
    for (const header of [
      [0, 0, 3, 233],
      [0x7f, 255, 255, 255],
      [255, 255, 255, 254],
      [255, 255, 255, 255, 0, 0, 0, 1, 0, 0, 0, 0]
    ]) {
      const peer = await RawPeer.connect(listener.address)
      await peer.authenticate(authkey)
      using connection = await listener.accept()
      peer.send('fits')
      assert.equal(Buffer.from(await connection.recvBytes()).toString(), 'fits')
      peer.socket.write(Buffer.from(header))
      await assert.rejects(connection.recvBytes(), { code: 'ERR_BAD_FRAME' })
      await peer.ended()
    }
  })

  test('a connection that breaks off within a message does not look like a regular end', async () => {
    await using listener = new Listener(place)
    const peer = await RawPeer.connect(listener.address)
    using connection = await listener.accept()
    peer.send('whole')
    peer.socket.end(Buffer.from([0, 0, 0, 9, 1, 2, 3]))
    assert.equal(Buffer.from(await connection.recvBytes()).toString(), 'whole')
    await assert.rejects(connection.recvBytes(), /broke off: it ended in the middle of a message/)
  })
})
