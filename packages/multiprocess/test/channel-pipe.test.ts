/** Pipe and Connection, between processes. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  BufferTooShort,
  Connection,
  EOFError,
  Event,
  Pipe,
  Process,
  SerializationError,
  TimeoutError,
  ValueError
} from '../src/index.ts'
import * as tasks from './fixtures/channel/tasks.ts'

const timeout = 60_000

function start(target: (...args: never[]) => unknown, ...args: unknown[]): Process {
  const child = new Process({ target: target as never, args: args as never })
  child.start()
  return child
}

const hasCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code

describe('a pipe', { timeout }, () => {
  test('carries values both ways, in order', async () => {
    const [here, there] = Pipe()
    const child = start(tasks.echo, there)
    there.close()
    const values = [1, 'two', { three: [4n] }, new Map([[5, 6]]), 'x'.repeat(300_000)]
    for (const value of values) await here.send(value)
    for (const value of values) assert.deepEqual(await here.recv(), value)
    here.sendSync('blocking')
    assert.equal(here.recvSync(), 'blocking')
    here.close()
    assert.equal(await child.join(), true)
    assert.equal(child.exitcode, 0)
  })

  test('goes one way when it is not duplex', async () => {
    const [receiver, sender] = Pipe<number>({ duplex: false })
    assert.deepEqual([receiver.readable, receiver.writable], [true, false])
    assert.deepEqual([sender.readable, sender.writable], [false, true])
    await sender.send(7)
    assert.equal(await receiver.recv(), 7)
    await assert.rejects(receiver.send(1), hasCode('ERR_DIRECTION'))
    assert.throws(() => receiver.sendSync(1), hasCode('ERR_DIRECTION'))
    await assert.rejects(sender.recv(), hasCode('ERR_DIRECTION'))
    await assert.rejects(sender.poll(), hasCode('ERR_DIRECTION'))
    assert.throws(() => Pipe({ duplex: 1 as never }), TypeError)
  })

  test('ends with EOFError once the other end is closed by its process, which goes on', async () => {
    const [receiver, sender] = Pipe<number>({ duplex: false })
    const event = new Event()
    const child = start(tasks.sendAndClose, sender, [1, 2], event)
    sender.close()
    assert.equal(await receiver.recv(), 1)
    assert.equal(receiver.recvSync(), 2)
    await assert.rejects(receiver.recv(), EOFError)
    assert.throws(() => receiver.recvSync(), EOFError)
    assert.equal(await receiver.poll(), true)
    assert.equal(child.isAlive(), true)
    event.set()
    await child.join()
  })

  test('ends when all who held the other end are gone, also by SIGKILL', async () => {
    const [here, there] = Pipe()
    const event = new Event()
    const isThere = [new Event(), new Event()]
    const children = isThere.map(event1 => start(tasks.hold, there, event1, event))
    there.close()
    for (const event1 of isThere) await event1.wait()
    const waiting = here.recv()
    children[0].kill()
    await children[0].join()
    assert.equal(await here.poll({ timeout: 50 }), false)
    children[1].kill()
    await assert.rejects(waiting, EOFError)
    await assert.rejects(here.send(1), hasCode('ERR_BROKEN_PIPE'))
    assert.throws(() => here.sendSync(1), hasCode('ERR_BROKEN_PIPE'))
  })

  test('gives what was sent before its sender died', async () => {
    const [receiver, sender] = Pipe({ duplex: false })
    const child = start(tasks.sendSync, sender, ['a', 'b'.repeat(100_000)])
    sender.close()
    await child.join()
    const received = []
    for await (const value of receiver) received.push(value)
    assert.deepEqual(received, ['a', 'b'.repeat(100_000)])
  })

  test('lets a sender wait while 4 MiB wait, and one that nobody hears any more fail', async () => {
    const [receiver, sender] = Pipe<Uint8Array>({ duplex: false })
    const block = new Uint8Array(2_500_000)
    await sender.send(block)
    await assert.rejects(sender.send(block, { timeout: 5 }), TimeoutError)
    const reason = new Error('enough')
    await assert.rejects(sender.send(block, { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' })
    await assert.rejects(sender.send(block, { signal: AbortSignal.abort(reason) }), reason)
    const waiting = sender.send(block)
    await receiver.recv()
    await waiting
    const other = sender.send(block)
    receiver.close()
    await assert.rejects(other, hasCode('ERR_BROKEN_PIPE'))
  })

  test('connects siblings and grandchildren, and ends can be sent through ends', async () => {
    const [first, second] = Pipe()
    const [a, b] = Pipe<Connection>()
    const children = [start(tasks.echoByGrandchild, second), start(tasks.useReceivedEnd, b)]
    second.close()
    await first.send('there and back')
    assert.equal(await first.recv(), 'there and back')
    const [left, right] = Pipe<string>()
    await a.send(right as Connection)
    right.close()
    assert.equal(await left.recv(), 'through the end that was sent')
    await assert.rejects(left.recv(), EOFError)
    first.close()
    for (const child of children) await child.join()
    assert.deepEqual(
      children.map(child => child.exitcode),
      [0, 0]
    )
  })
})

describe('a Connection', { timeout }, () => {
  test('polls', async () => {
    const [a, b] = Pipe()
    assert.equal(await a.poll(), false)
    assert.equal(a.pollSync({ timeout: 5 }), false)
    const waiting = a.poll({ timeout: 30_000 })
    await b.send(1)
    assert.equal(await waiting, true)
    assert.equal(a.pollSync(), true)
    assert.equal(await a.recv(), 1)
    await assert.rejects(a.recv({ timeout: 5 }), TimeoutError)
    assert.throws(() => a.recvSync({ timeout: 5 }), TimeoutError)
  })

  test('sends and receives bytes', async () => {
    const [a, b] = Pipe()
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)
    await a.sendBytes(bytes)
    await a.sendBytes(bytes, 90)
    a.sendBytesSync(bytes.buffer, 10, 3)
    await a.sendBytes(new Uint16Array([0x0201]))
    await a.sendBytes(new Uint8Array(1_000_000).fill(7))
    assert.deepEqual(await b.recvBytes(), bytes)
    assert.deepEqual(b.recvBytesSync(), bytes.subarray(90))
    assert.deepEqual(await b.recvBytes({ maxLength: 3 }), bytes.subarray(10, 13))
    await assert.rejects(b.recvBytes({ maxLength: 1 }), hasCode('ERR_TOO_LONG'))
    assert.deepEqual(await b.recvBytes(), Uint8Array.of(1, 2))
    const large = await b.recvBytes()
    assert.equal(large.length, 1_000_000)
    assert.ok(large.every(byte => byte === 7))
    await assert.rejects(a.sendBytes(bytes, 90, 11), ValueError)
    await assert.rejects(a.sendBytes(bytes, -1), ValueError)
    await assert.rejects(a.sendBytes('text' as never), TypeError)
  })

  test('receives bytes into a buffer, or keeps them in the error', async () => {
    const [a, b] = Pipe()
    const buffer = new Uint8Array(4)
    await a.sendBytes(Uint8Array.of(1, 2, 3))
    assert.equal(await b.recvBytesInto(buffer, 1), 3)
    assert.deepEqual(buffer, Uint8Array.of(0, 1, 2, 3))
    await a.sendBytes(Uint8Array.of(1, 2, 3))
    await assert.rejects(b.recvBytesInto(buffer, 2), error => {
      assert.ok(error instanceof BufferTooShort)
      assert.deepEqual(error.bytes, Uint8Array.of(1, 2, 3))
      return true
    })
    assert.deepEqual(buffer, Uint8Array.of(0, 1, 2, 3))
    await assert.rejects(b.recvBytesInto(buffer, 5), ValueError)
    assert.equal(await b.poll(), false)
  })

  test('leaves a message of the other kind where it is', async () => {
    const [a, b] = Pipe()
    await a.sendBytes(Uint8Array.of(1))
    await a.send('value')
    await assert.rejects(b.recv(), hasCode('ERR_BYTES'))
    assert.deepEqual(await b.recvBytes(), Uint8Array.of(1))
    await assert.rejects(b.recvBytes(), hasCode('ERR_VALUE_MESSAGE'))
    assert.equal(await b.recv(), 'value')
  })

  test('refuses everything once closed', async () => {
    const [a, b] = Pipe()
    const waiting = a.recv()
    a.close()
    a.close()
    assert.equal(a.closed, true)
    await assert.rejects(waiting, hasCode('ERR_CLOSED'))
    await assert.rejects(a.send(1), hasCode('ERR_CLOSED'))
    await assert.rejects(a.recv(), hasCode('ERR_CLOSED'))
    await assert.rejects(a.poll(), hasCode('ERR_CLOSED'))
    await assert.rejects(b.recv(), EOFError)
    const [c] = Pipe()
    await assert.rejects(c.send(a), ValueError)
    {
      using d = c
      assert.equal(d.closed, false)
    }
    assert.equal(c.closed, true)
  })

  test('refuses what cannot cross', async () => {
    const [a, b] = Pipe()
    await assert.rejects(a.send(new WeakMap()), SerializationError)
    assert.equal(await b.poll(), false)
    assert.throws(() => new Connection(), TypeError)
  })
})
