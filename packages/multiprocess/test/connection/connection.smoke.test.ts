/** Listener and Client: addresses, errors, ends. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  type Address,
  BufferTooShort,
  Client,
  Connection,
  EOFError,
  Listener,
  Pipe,
  Process,
  SerializationError,
  TimeoutError,
  ValueError
} from '../../src/index.ts'
import * as tasks from '../fixtures/connection/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)
const directory = mkdtempSync(join(tmpdir(), 'connection-test-'))
after(() => rmSync(directory, { recursive: true }))

const hasCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code

/** Without a key, longer messages than by default. */
const maxMessageBytes = 2 ** 24

async function pair(place?: Address): Promise<[Connection, Connection]> {
  await using listener = new Listener(place, { maxMessageBytes })
  return await Promise.all([Client(listener.address, { maxMessageBytes }), listener.accept()])
}

function start(target: (...args: never[]) => unknown, ...args: unknown[]): Process {
  const child = new Process({ target: target as never, args: args as never, daemon: true })
  child.start()
  return child
}

describe('a connection between programs', { timeout }, () => {
  const places: [string, Address | undefined][] = [
    ['an address of its own', undefined],
    ['a unix socket', join(directory, 'a')],
    ['an abstract name', `\0connection-test-${process.pid}`],
    ['a port', { host: 'localhost', port: 0 }],
    ['a port of IPv6', { host: '::1', port: 0 }]
  ]
  for (const [name, place] of places) {
    test(`a connection carries values both ways at ${name}`, async () => {
      const [here, there] = await pair(place)
      assert.ok(here instanceof Connection && there instanceof Connection)
      assert.deepEqual([here.readable, here.writable, here.closed], [true, true, false])
      const values = [1, 'two', { three: [4n] }, new Map([[5, 6]]), 'x'.repeat(300_000), undefined]
      for (const value of values) {
        await here.send(value)
        assert.deepEqual(await there.recv(), value)
        const sent = there.send(value)
        assert.deepEqual(await here.recv(), value)
        await sent
      }
      here.close()
      await assert.rejects(there.recv(), EOFError)
      await assert.rejects(there.send(1), hasCode('ERR_BROKEN_PIPE'))
      there.close()
    })
  }

  test('a connection to another process ends with that process, even by SIGKILL', async () => {
    const [told, tell] = Pipe<Address>()
    const child = start(tasks.serve, tell, undefined)
    const address = await told.recv()
    using connection = await Client(address)
    await connection.send({ a: 1 })
    assert.deepEqual(await connection.recv(), { a: 1 })
    const received: unknown[] = []
    const reading = (async () => {
      for await (const value of connection) received.push(value)
    })()
    child.kill()
    await reading
    assert.deepEqual(received, [])
    await child.join()
    await assert.rejects(Client(address), hasCode('ECONNREFUSED'))
  })

  test('a connection delivers everything that was sent before its end, in order', async () => {
    const [here, there] = await pair()
    const sending = (async () => {
      for (let i = 0; i < 2000; i++) await here.send({ i, text: 'x'.repeat((i * 37) % 5000) })
      await here.sendBytes(new Uint8Array(5_000_000).fill(3))
      here.close()
    })()
    for (let i = 0; i < 2000; i++) {
      assert.deepEqual(await there.recv(), { i, text: 'x'.repeat((i * 37) % 5000) })
    }
    const bytes = await there.recvBytes()
    assert.ok(bytes.length === 5_000_000 && bytes.every(byte => byte === 3))
    await assert.rejects(there.recv(), EOFError)
    await sending
    there.close()
  })

  test('a sender waits for a receiver, or gives up', async () => {
    const [here, there] = await pair()
    const block = new Uint8Array(8_000_000)
    await assert.rejects(here.sendBytes(block, 0, 8_000_001), ValueError)
    const first = here.sendBytes(block)
    await assert.rejects(here.send(1, { timeout: 5 }), TimeoutError)
    await assert.rejects(here.send(2, { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' })
    const last = here.send('last')
    assert.equal((await there.recvBytes()).length, 8_000_000)
    assert.equal(await there.recv(), 'last')
    await Promise.all([first, last])
    here.close()
    there.close()
  })

  test('a connection polls, times out, and returns bytes as a pipe does', async () => {
    const [here, there] = await pair()
    assert.equal(await here.poll(), false)
    await assert.rejects(here.recv({ timeout: 5 }), TimeoutError)
    const waiting = here.poll({ timeout: limit(30_000) })
    await there.sendBytes(Uint8Array.of(1, 2, 3, 4), 1, 3)
    assert.equal(await waiting, true)
    await assert.rejects(here.recvBytes({ maxLength: 2 }), hasCode('ERR_TOO_LONG'))
    await assert.rejects(here.recv(), hasCode('ERR_BYTES'))
    const buffer = new Uint8Array(4)
    assert.equal(await here.recvBytesInto(buffer, 1), 3)
    assert.deepEqual(buffer, Uint8Array.of(0, 2, 3, 4))
    await there.sendBytes(Uint8Array.of(1, 2, 3))
    await assert.rejects(here.recvBytesInto(buffer, 2), error => {
      assert.ok(error instanceof BufferTooShort)
      assert.deepEqual(error.bytes, Uint8Array.of(1, 2, 3))
      return true
    })
    const closed = here.recv()
    here.close()
    await assert.rejects(closed, hasCode('ERR_CLOSED'))
    await assert.rejects(here.send(1), hasCode('ERR_CLOSED'))
    assert.equal(here.closed, true)
    there.close()
  })

  test('a connection and a listener cannot be sent to another process', async () => {
    const [here, there] = await pair()
    const [a] = Pipe()
    await assert.rejects(a.send({ way: here }), error => {
      assert.ok(error instanceof SerializationError)
      assert.equal(error.path, 'value.way')
      return /a connection to another program; it belongs to this process/.test(error.message)
    })
    await using listener = new Listener()
    await assert.rejects(a.send([listener]), /value\[0\]: it is a Listener/)
    here.close()
    there.close()
  })
})

describe('a Listener', { timeout }, () => {
  test('a Listener reports the port that was free, and the address of the last connection', async () => {
    await using listener = new Listener({ host: '', port: 0 }, { authkey: 'k' })
    const { host, port } = listener.address as { host: string; port: number }
    assert.equal(host, '0.0.0.0')
    assert.ok(port > 0)
    assert.equal(listener.lastAccepted, null)
    using client = await Client({ host: '127.0.0.1', port }, { authkey: 'k' })
    using server = await listener.accept()
    assert.equal((listener.lastAccepted as unknown as { host: string }).host, '127.0.0.1')
    await server.send(1)
    assert.equal(await client.recv(), 1)
  })

  test('a Listener gives up waiting, and refuses everything once it is closed', async () => {
    const listener = new Listener()
    await assert.rejects(listener.accept({ timeout: 5 }), TimeoutError)
    assert.throws(() => listener.acceptSync({ timeout: 5 }), TimeoutError)
    const reason = new Error('enough')
    await assert.rejects(listener.accept({ signal: AbortSignal.abort(reason) }), reason)
    const waiting = listener.accept()
    await listener.close()
    await listener.close()
    await assert.rejects(waiting, hasCode('ERR_CLOSED'))
    await assert.rejects(listener.accept(), hasCode('ERR_CLOSED'))
    await assert.rejects(Client(listener.address), hasCode('ECONNREFUSED'))
  })

  test('a closed Listener leaves accepted connections open, and closes the others', async () => {
    const listener = new Listener()
    const [client, server] = await Promise.all([Client(listener.address), listener.accept()])
    const other = await Client(listener.address)
    await listener.close()
    await assert.rejects(other.recv(), EOFError)
    await server.send(1)
    assert.equal(await client.recv(), 1)
    for (const connection of [client, server, other]) connection.close()
  })

  test('a Listener leaves no file when it is closed, nor when its process ends or is killed', async () => {
    const place = join(directory, 'file')
    const listener = new Listener(place)
    assert.ok(existsSync(place))
    await listener.close()
    assert.ok(!existsSync(place))
    const [told, tell] = Pipe<Address>()
    const child = start(tasks.listenAt, tell, undefined)
    const name = (await told.recv()) as string
    assert.match(name, /^\0multiprocess-[0-9a-f]{32}$/)
    assert.match(readFileSync('/proc/net/unix', 'latin1'), new RegExp(`@${name.slice(1)}\n`))
    child.kill()
    await child.join()
    assert.doesNotMatch(readFileSync('/proc/net/unix', 'latin1'), new RegExp(name.slice(1)))
    const ending = start(tasks.listenAt, tell, place)
    await told.recv()
    assert.ok(existsSync(place))
    ;(await Client(place)).close()
    await ending.join()
    assert.ok(!existsSync(place))
  })

  test('a Listener refuses invalid addresses with the reason', async () => {
    await using first = new Listener({ host: 'localhost', port: 0 })
    assert.throws(() => new Listener(first.address), /cannot listen at 127.0.0.1:\d+: the address is in use/)
    const place = join(directory, 'left')
    writeFileSync(place, '')
    assert.throws(() => new Listener(place), /in use \(EADDRINUSE\); if no program listens there, .* remove it/)
    assert.throws(() => new Listener(join(directory, 'none', 'a')), hasCode('ENOENT'))
    assert.throws(() => new Listener({ host: '192.0.2.1', port: 0 }, { authkey: 'k' }), hasCode('EADDRNOTAVAIL'))
    assert.throws(() => new Listener({ host: 'example.org', port: 0 }), /give an IP address/)
    assert.throws(() => new Listener({ host: 'localhost', port: 70_000 }), ValueError)
    assert.throws(() => new Listener({ port: 1 } as never), TypeError)
    assert.throws(() => new Listener(''), ValueError)
    assert.throws(() => new Listener(`/${'x'.repeat(200)}`), /the limit is 107; use a shorter path/)
    assert.throws(() => new Listener(undefined, { backlog: 0 }), ValueError)
    assert.throws(() => new Listener(undefined, { authkey: '' }), /authkey must not be empty/)
    assert.throws(() => new Listener(undefined, { authkey: 5 as never }), TypeError)
    assert.throws(() => new Listener(undefined, { maxMessageBytes: 0 }), ValueError)
    for (const host of ['', '0.0.0.0', '::', '192.0.2.1']) {
      assert.throws(
        () => new Listener({ host, port: 0 }),
        /without an authkey: anyone who reaches this machine could connect/
      )
    }
  })
})

test('a Client reports the reason of each failure', { timeout }, async () => {
  await assert.rejects(Client(join(directory, 'none')), /the socket does not exist \(ENOENT\)/)
  await assert.rejects(Client({ host: 'localhost', port: 1 }), /no program listens there \(ECONNREFUSED\)/)
  await assert.rejects(Client({ host: 'localhost', port: -1 }), ValueError)
  await assert.rejects(Client(7 as never), TypeError)
  // Node cuts off what is too long: whoever listens at the rest would be connected to.
  const path = join(directory, 'x'.repeat(108 - directory.length - 1))
  const server = createServer().listen(path)
  await once(server, 'listening')
  await assert.rejects(Client(`${path}yz`), /has \d+ bytes, and the limit is 107; use a shorter path/)
  server.close()
  await assert.rejects(Client('/tmp/x', { timeout: 0 }), ValueError)
  await assert.rejects(Client('/tmp/x', { signal: {} as never }), /signal must be an AbortSignal/)
  await assert.rejects(Client('/tmp/x', { signal: AbortSignal.abort(new Error('enough')) }), /enough/)
})
