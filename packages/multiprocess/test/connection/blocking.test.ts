/** The blocking twins over sockets, and waiting for several things at once. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Address,
  Client,
  type Connection,
  EOFError,
  Event,
  Listener,
  Pipe,
  Process,
  Queue,
  TimeoutError,
  type Waitable,
  wait,
  waitSync
} from '../../src/index.ts'
import * as tasks from '../fixtures/connection/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

function start(target: (...args: never[]) => unknown, ...args: unknown[]): Process {
  const child = new Process({ target: target as never, args: args as never, daemon: true })
  child.start()
  return child
}

async function served(place?: Address, authkey?: string): Promise<Address> {
  const [told, tell] = Pipe<Address>()
  start(tasks.serve, tell, place, authkey, maxMessageBytes)
  return await told.recv()
}

/** Without a key, longer messages than by default. */
const maxMessageBytes = 2 ** 24

async function pair(): Promise<[Connection, Connection]> {
  await using listener = new Listener(undefined, { maxMessageBytes })
  return await Promise.all([Client(listener.address, { maxMessageBytes }), listener.accept()])
}

describe('a thread that blocks', { timeout }, () => {
  for (const [name, place] of [
    ['a unix socket', undefined],
    ['TCP', { host: 'localhost', port: 0 }]
  ] as const) {
    test(`a blocked thread sends, receives and polls over ${name}`, async () => {
      using connection = await Client(await served(place, 'k'), { authkey: 'k' })
      assert.equal(connection.pollSync(), false)
      assert.throws(() => connection.recvSync({ timeout: 5 }), TimeoutError)
      for (let i = 0; i < 500; i++) {
        connection.sendSync({ i })
        assert.deepEqual(connection.recvSync(), { i })
      }
      const text = 'x'.repeat(4_000_000)
      connection.sendSync(text)
      assert.equal(connection.pollSync({ timeout: limit(30_000) }), true)
      assert.equal(connection.recvSync(), text)
      for (let i = 0; i < 50; i++) {
        await connection.send(i)
        assert.equal(i % 2 ? connection.recvSync() : await connection.recv(), i)
        connection.sendSync(i)
        assert.equal(i % 3 ? connection.recvSync() : await connection.recv(), i)
      }
    })
  }

  test('a blocked thread accepts clients that are blocked themselves', async () => {
    await using listener = new Listener(undefined, { authkey: 'k' })
    const children = [0, 1, 2].map(() => start(tasks.askSync, listener.address, 'k', 100))
    for (const _ of children) {
      using connection = listener.acceptSync()
      for (let i = 0; i < 100; i++) connection.sendSync(connection.recvSync())
      assert.throws(() => connection.recvSync(), EOFError)
    }
    for (const child of children) await child.join()
    assert.deepEqual(
      children.map(child => child.exitcode),
      [0, 0, 0]
    )
  })

  test('a blocked thread sends after what the event loop has queued, which continues later', async () => {
    const [told, tell] = Pipe<unknown>()
    const event = new Event()
    start(tasks.receiveLate, tell, event)
    using connection = await Client((await told.recv()) as Address)
    const lengths = [8_000_000, 1, 3_000_000, 20_000, 2]
    const sent = [connection.sendBytes(new Uint8Array(lengths[0])), connection.sendBytes(new Uint8Array(lengths[1]))]
    // The event loop has begun with the first by now.
    await new Promise(resolve => setImmediate(resolve))
    event.set()
    connection.sendBytesSync(new Uint8Array(lengths[2]))
    sent.push(connection.sendBytes(new Uint8Array(lengths[3])))
    connection.sendBytesSync(new Uint8Array(lengths[4]))
    sent.push(connection.sendBytes(new Uint8Array(0)))
    await Promise.all(sent)
    assert.deepEqual(await told.recv(), [...lengths, 0])
  })

  test('a blocked thread sends its queued message while it waits for the answer', async () => {
    using connection = await Client(await served(), { maxMessageBytes })
    const text = 'y'.repeat(6_000_000)
    const sent = connection.send(text)
    assert.equal(connection.recvSync(), text)
    await sent
    connection.sendSync('more')
    assert.equal(await connection.recv(), 'more')
  })

  test('a blocked thread times out if the other side does not receive, before a message or within it', async () => {
    const [here, there] = await pair()
    assert.throws(
      () => here.sendSync('x'.repeat(8_000_000), { timeout: 20 }),
      /only a part of the message.*the rest follows/
    )
    assert.throws(() => here.sendSync('not sent', { timeout: 20 }), TimeoutError)
    assert.equal(((await there.recv()) as string).length, 8_000_000)
    await here.send('next')
    assert.equal(await there.recv(), 'next')
    here.close()
    there.close()
  })
})

describe('wait and waitSync', { timeout }, () => {
  test('wait and waitSync accept listeners and connections together with everything else', async () => {
    await using listener = new Listener()
    const [a, b] = await pair()
    const queue = new Queue<number>()
    const event = new Event()
    const [end, other] = Pipe()
    const all: Waitable[] = [listener, a, queue, event, end]
    assert.deepEqual(await wait(all, { timeout: 5 }), [])
    assert.deepEqual(waitSync(all, { timeout: 5 }), [])
    const changes: [Waitable, () => unknown, () => unknown][] = [
      [a, () => b.send(1), () => a.recv()],
      [queue, () => queue.put(1), () => queue.get()],
      [event, () => event.set(), () => event.clear()],
      [end, () => other.send(1), () => end.recv()],
      [listener, () => Client(listener.address), async () => (await listener.accept()).close()]
    ]
    for (const [object, cause, undo] of changes) {
      const waiting = wait(all)
      const caused = cause()
      assert.deepEqual(await waiting, [object])
      assert.deepEqual(waitSync(all), [object])
      await caused
      await undo()
    }
    b.close()
    assert.deepEqual(await wait(all), [a])
    assert.deepEqual(waitSync([a]), [a])
    a.close()
    assert.throws(() => waitSync([a]), { code: 'ERR_CLOSED' })
  })

  test('a blocked thread is woken by other processes: at a socket, in a queue, and by their end', async () => {
    await using listener = new Listener()
    const queue = new Queue<string>()
    const first = start(tasks.sendTo, listener.address, 'one')
    assert.deepEqual(waitSync([listener, queue]), [listener])
    using one = listener.acceptSync()
    assert.deepEqual(waitSync([one, queue]), [one])
    assert.equal(one.recvSync(), 'one')
    const second = new Process({ target: (q: Queue<string>) => q.put('two'), args: [queue] })
    second.start()
    assert.deepEqual(waitSync([listener, queue]), [queue])
    assert.equal(queue.getSync(), 'two')
    assert.deepEqual(waitSync([listener, second.sentinel, queue]), [second.sentinel])
    await first.join()
  })
})
