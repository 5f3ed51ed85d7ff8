/** `multiprocessing.Pipe`, `multiprocessing.connection.Connection`. */
import assert from 'node:assert/strict'
import { WINDOW_BYTES } from '../../src/ground/arena/layout.ts'
import type { Connection } from '../../src/index.ts'
import * as channel from '../fixtures/channel/tasks.ts'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/conformance/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const hasCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code

const timeoutMs = limit(30_000)

conform('Pipe', ({ face, behaviour, start }) => {
  const { Connection, EOFError, Event, Pipe, TimeoutError, waitSync } = face

  behaviour('Pipe() returns the two ends of a pipe', () => {
    const ends = Pipe()
    assert.equal(ends.length, 2)
    for (const end of ends) assert.ok(end instanceof Connection)
  })

  behaviour('a pipe is bidirectional by default', async () => {
    const [a, b] = Pipe<string>()
    assert.deepEqual([a.readable, a.writable, b.readable, b.writable], [true, true, true, true])
    await a.send('to b')
    await b.send('to a')
    assert.deepEqual([await a.recv(), await b.recv()], ['to a', 'to b'])
  })

  behaviour('with duplex: false the first end only receives, and the second end only sends', async () => {
    const [receiver, sender] = Pipe<number>({ duplex: false })
    assert.deepEqual([receiver.readable, receiver.writable], [true, false])
    assert.deepEqual([sender.readable, sender.writable], [false, true])
    await sender.send(7)
    assert.equal(await receiver.recv(), 7)
  })

  behaviour('using an end of a one-way pipe in the wrong direction raises', async () => {
    const [receiver, sender] = Pipe<number>({ duplex: false })
    await assert.rejects(receiver.send(1), hasCode('ERR_DIRECTION'))
    assert.throws(() => receiver.sendSync(1), hasCode('ERR_DIRECTION'))
    await assert.rejects(sender.recv(), hasCode('ERR_DIRECTION'))
    await assert.rejects(sender.poll(), hasCode('ERR_DIRECTION'))
  })

  behaviour('a duplex that is neither true nor false is refused', () => {
    assert.throws(() => Pipe({ duplex: 1 as never }), TypeError)
  })

  behaviour('a pipe connects two processes, and messages arrive in order', async () => {
    const [here, there] = Pipe()
    const child = start(channel.echo, there)
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

  behaviour(
    'receiving ends with EOFError once the process of the other end closes it, and that process goes on',
    async () => {
      const [receiver, sender] = Pipe<number>({ duplex: false })
      const event = new Event()
      const child = start(channel.sendAndClose, sender, [1, 2], event)
      sender.close()
      assert.equal(await receiver.recv(), 1)
      assert.equal(receiver.recvSync(), 2)
      await assert.rejects(receiver.recv(), EOFError)
      assert.throws(() => receiver.recvSync(), EOFError)
      assert.equal(await receiver.poll(), true)
      assert.equal(child.isAlive(), true)
      event.set()
      await child.join()
    }
  )

  behaviour(
    'receiving ends when all processes that held the other end are gone, even if they were killed',
    async () => {
      const [here, there] = Pipe()
      const event = new Event()
      const isThere = [new Event(), new Event()]
      const children = isThere.map(isThere => start(channel.hold, there, isThere, event))
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
    }
  )

  behaviour(
    'a blocked thread learns that the other end is gone with a process that it started',
    async () => {
      for (const wait of [
        (end: Connection) => assert.throws(() => end.recvSync(), EOFError),
        (end: Connection) => assert.equal(end.pollSync({ timeout: timeoutMs }), true),
        (end: Connection) => assert.deepEqual(waitSync([end], { timeout: timeoutMs }), [end]),
        (end: Connection) =>
          assert.throws(() => {
            for (;;) end.sendBytesSync(new Uint8Array(1_000_000))
          }, hasCode('ERR_BROKEN_PIPE'))
      ]) {
        const [here, there] = Pipe()
        const event = new Event()
        const child = start(channel.holdAndDie, there, event)
        there.close()
        event.set()
        wait(here)
        await child.join()
      }
    },
    { only: 'processes', because: 'nobody kills a thread but who started it' }
  )

  behaviour('a message that was sent before its sender ended is received', async () => {
    const [receiver, sender] = Pipe({ duplex: false })
    const child = start(channel.sendSync, sender, ['a', 'b'.repeat(100_000)])
    sender.close()
    await child.join()
    const received = []
    for await (const value of receiver) received.push(value)
    assert.deepEqual(received, ['a', 'b'.repeat(100_000)])
  })

  behaviour('a sender waits while 4 MiB wait to be received', async () => {
    const [receiver, sender] = Pipe<Uint8Array>({ duplex: false })
    const block = new Uint8Array(2_500_000)
    await sender.send(block)
    await assert.rejects(sender.send(block, { timeout: 5 }), TimeoutError)
    assert.throws(() => sender.sendSync(block, { timeout: 5 }), TimeoutError)
    const waiting = sender.send(block)
    await receiver.recv()
    await waiting
  })

  behaviour('a waiting sender learns that no process will receive any more', async () => {
    const [receiver, sender] = Pipe<Uint8Array>({ duplex: false })
    const block = new Uint8Array(2_500_000)
    await sender.send(block)
    const waiting = sender.send(block)
    receiver.close()
    await assert.rejects(waiting, hasCode('ERR_BROKEN_PIPE'))
  })

  behaviour('a connection object can be sent through a connection object', async () => {
    const [a, b] = Pipe<Connection>()
    const child = start(channel.useReceivedEnd, b)
    const [left, right] = Pipe<string>()
    await a.send(right as Connection)
    right.close()
    assert.equal(await left.recv(), 'through the end that was sent')
    await assert.rejects(left.recv(), EOFError)
    await child.join()
    assert.equal(child.exitcode, 0)
  })

  behaviour('a pipe connects a process and its grandchild', async () => {
    const [first, second] = Pipe()
    const child = start(tasks.runInChild, face.Process, channel.echo, second)
    second.close()
    await first.send('there and back')
    assert.equal(await first.recv(), 'there and back')
    first.close()
    await child.join()
    assert.equal(child.exitcode, 0)
  })
})

conform('Connection', ({ face, behaviour, pool }) => {
  const { BufferTooShort, Connection, EOFError, Pipe, SerializationError, TimeoutError, ValueError } = face

  behaviour('a Connection is made by Pipe(), and its constructor throws', () => {
    assert.throws(() => new Connection(), TypeError)
  })

  behaviour('send() sends an object to the other end, where recv() returns it', async () => {
    const [a, b] = Pipe()
    await a.send({ hello: [1, new Date(2)] })
    assert.deepEqual(await b.recv(), { hello: [1, new Date(2)] })
  })

  behaviour('send() of an object that cannot be sent raises, and sends nothing', async () => {
    const [a, b] = Pipe()
    await assert.rejects(a.send(new WeakMap()), SerializationError)
    assert.throws(() => a.sendSync(Symbol('only here')), SerializationError)
    assert.equal(await b.poll(), false)
  })

  behaviour('send() whose signal is aborted rejects with the reason', async () => {
    const [a, b] = Pipe()
    const reason = new Error('enough')
    await assert.rejects(a.send(1, { signal: AbortSignal.abort(reason) }), reason)
    await a.send(new Uint8Array(4_500_000))
    await assert.rejects(a.send(1, { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' })
    // Until here: an end that nobody has any more is closed.
    b.close()
  })

  behaviour('recv() blocks until a message arrives', async () => {
    const [a, b] = Pipe<string>()
    const waiting = a.recv()
    await pool().apply(tasks.call, [b, 'sendSync', 'at last'])
    assert.equal(await waiting, 'at last')
    const elsewhere = pool().apply(tasks.call, [b, 'recvSync'])
    await a.send('there')
    assert.equal(await elsewhere, 'there')
  })

  behaviour('recv() raises EOFError if no message is left and the other end was closed', async () => {
    const [a, b] = Pipe<string>()
    await b.send('last')
    b.close()
    assert.equal(await a.recv(), 'last')
    await assert.rejects(a.recv(), EOFError)
    assert.throws(() => a.recvSync(), EOFError)
  })

  behaviour('recv() raises TimeoutError if its timeout expires', async () => {
    const [a, b] = Pipe()
    await assert.rejects(a.recv({ timeout: 5 }), TimeoutError)
    assert.throws(() => a.recvSync({ timeout: 5 }), TimeoutError)
    b.close()
  })

  behaviour('a connection cannot be used after close()', async () => {
    const [a] = Pipe()
    assert.equal(a.closed, false)
    a.close()
    a.close()
    assert.equal(a.closed, true)
    await assert.rejects(a.send(1), hasCode('ERR_CLOSED'))
    await assert.rejects(a.recv(), hasCode('ERR_CLOSED'))
    await assert.rejects(a.poll(), hasCode('ERR_CLOSED'))
    assert.throws(() => a.pollSync(), hasCode('ERR_CLOSED'))
  })

  behaviour('close() ends receives of this process that wait', async () => {
    const [a] = Pipe()
    const waiting = a.recv()
    a.close()
    await assert.rejects(waiting, hasCode('ERR_CLOSED'))
  })

  behaviour('a closed connection cannot be sent', async () => {
    const [a] = Pipe()
    const [b] = Pipe()
    a.close()
    await assert.rejects(b.send(a), ValueError)
  })

  behaviour('leaving a using block closes the connection', () => {
    const [a] = Pipe()
    {
      using end = a
      assert.equal(end.closed, false)
    }
    assert.equal(a.closed, true)
  })

  behaviour('poll() returns at once whether data can be read', async () => {
    const [a, b] = Pipe()
    assert.equal(await a.poll(), false)
    assert.equal(a.pollSync(), false)
    await b.send(1)
    assert.equal(await a.poll(), true)
    assert.equal(a.pollSync(), true)
    assert.equal(await a.recv(), 1)
    assert.equal(await a.poll(), false)
  })

  behaviour('the timeout of poll() is the longest time that it blocks', async () => {
    const [a, b] = Pipe()
    assert.equal(await a.poll({ timeout: 5 }), false)
    assert.equal(a.pollSync({ timeout: 5 }), false)
    const waiting = a.poll({ timeout: limit(30_000) })
    await b.send(1)
    assert.equal(await waiting, true)
  })

  behaviour('poll() returns true if the other end was closed', async () => {
    const [a, b] = Pipe()
    b.close()
    assert.equal(await a.poll(), true)
    assert.equal(a.pollSync(), true)
  })

  behaviour('sendBytes() sends the bytes of a bytes-like object as one message', async () => {
    const [a, b] = Pipe()
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)
    await a.sendBytes(bytes)
    a.sendBytesSync(bytes.buffer)
    await a.sendBytes(new Uint16Array([0x0201]))
    assert.deepEqual(await b.recvBytes(), bytes)
    assert.deepEqual(b.recvBytesSync(), bytes)
    assert.deepEqual(await b.recvBytes(), Uint8Array.of(1, 2))
  })

  behaviour('sendBytes() sends from offset on, and size bytes if size is given', async () => {
    const [a, b] = Pipe()
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)
    await a.sendBytes(bytes, 90)
    a.sendBytesSync(bytes.buffer, 10, 3)
    assert.deepEqual(await b.recvBytes(), bytes.subarray(90))
    assert.deepEqual(await b.recvBytes(), bytes.subarray(10, 13))
  })

  behaviour('sendBytes() of bytes that do not exist raises ValueError', async () => {
    const [a, b] = Pipe()
    await assert.rejects(a.sendBytes(new Uint8Array(100), 90, 11), ValueError)
    await assert.rejects(a.sendBytes(new Uint8Array(100), -1), ValueError)
    await assert.rejects(a.sendBytes('text' as never), TypeError)
    assert.equal(await b.poll(), false)
  })

  behaviour('a message can have many megabytes', async () => {
    const [a, b] = Pipe()
    await a.sendBytes(new Uint8Array(1_000_000).fill(7))
    const large = await b.recvBytes()
    assert.equal(large.length, 1_000_000)
    assert.ok(large.every(byte => byte === 7))
    const longer = Buffer.alloc(WINDOW_BYTES + 1, 'some bytes')
    a.sendBytesSync(longer)
    assert.ok(longer.equals(b.recvBytesSync()))
  })

  behaviour('recvBytes() blocks until a message arrives', async () => {
    const [a, b] = Pipe()
    const waiting = a.recvBytes()
    await b.sendBytes(Uint8Array.of(5))
    assert.deepEqual(await waiting, Uint8Array.of(5))
    await assert.rejects(a.recvBytes({ timeout: 5 }), TimeoutError)
  })

  behaviour('recvBytes() raises EOFError if no message is left', async () => {
    const [a, b] = Pipe()
    b.close()
    await assert.rejects(a.recvBytes(), EOFError)
    assert.throws(() => a.recvBytesSync(), EOFError)
  })

  behaviour('recvBytes() with a maxLength refuses a longer message, which stays', async () => {
    const [a, b] = Pipe()
    await a.sendBytes(new Uint8Array(3))
    await assert.rejects(b.recvBytes({ maxLength: 2 }), hasCode('ERR_TOO_LONG'))
    assert.equal((await b.recvBytes({ maxLength: 3 })).length, 3)
    await assert.rejects(b.recvBytes({ maxLength: -1 }), ValueError)
  })

  behaviour('recvBytesInto() reads a whole message into the buffer, and returns the number of bytes', async () => {
    const [a, b] = Pipe()
    const buffer = new Uint8Array(4)
    await a.sendBytes(Uint8Array.of(1, 2, 3))
    assert.equal(await b.recvBytesInto(buffer, 1), 3)
    assert.deepEqual(buffer, Uint8Array.of(0, 1, 2, 3))
    await a.sendBytes(Uint8Array.of(9))
    assert.equal(b.recvBytesIntoSync(buffer), 1)
    assert.deepEqual(buffer, Uint8Array.of(9, 1, 2, 3))
  })

  behaviour('a buffer that is too short raises BufferTooShort, and the whole message is in the error', async () => {
    const [a, b] = Pipe()
    const buffer = new Uint8Array(4)
    await a.sendBytes(Uint8Array.of(1, 2, 3))
    await assert.rejects(b.recvBytesInto(buffer, 2), error => {
      assert.ok(error instanceof BufferTooShort)
      assert.deepEqual(error.bytes, Uint8Array.of(1, 2, 3))
      return true
    })
    assert.deepEqual(buffer, new Uint8Array(4))
    assert.equal(await b.poll(), false)
  })

  behaviour('offset must be less than the length of the buffer', async () => {
    const [, b] = Pipe()
    await assert.rejects(b.recvBytesInto(new Uint8Array(4), 5), ValueError)
    assert.throws(() => b.recvBytesIntoSync(new Uint8Array(4), -1), ValueError)
    await assert.rejects(b.recvBytesInto([] as never), TypeError)
  })

  behaviour('a message of the other kind stays where it is', async () => {
    const [a, b] = Pipe()
    await a.sendBytes(Uint8Array.of(1))
    await a.send('value')
    await assert.rejects(b.recv(), hasCode('ERR_BYTES'))
    assert.deepEqual(await b.recvBytes(), Uint8Array.of(1))
    await assert.rejects(b.recvBytes(), hasCode('ERR_VALUE_MESSAGE'))
    assert.equal(await b.recv(), 'value')
  })

  behaviour('a loop over a connection receives until the other end is closed', async () => {
    const [a, b] = Pipe<number>()
    for (let i = 0; i < 3; i++) await b.send(i)
    b.close()
    const received = []
    for await (const value of a) received.push(value)
    assert.deepEqual(received, [0, 1, 2])
  })
})
