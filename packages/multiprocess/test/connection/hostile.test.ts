/** What a program that has not shown a key can make a listener do, and what the file of a socket stands for. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Client } from '../../src/connection/client.ts'
import { Listener } from '../../src/connection/listener.ts'
import { wait } from '../../src/index.ts'
import { frame } from '../fixtures/connection/raw.ts'
import { limit } from '../fixtures/slowness.ts'

const LIMIT = { timeout: limit(120_000) }
const directory = mkdtempSync(join(tmpdir(), 'hostile-'))
const home = process.cwd()
before(() => process.chdir(directory))
after(() => {
  process.chdir(home)
  rmSync(directory, { recursive: true })
})

/** Sends as much as the other side takes, until the system takes no more. */
async function flood(path: string, bytes: Buffer): Promise<{ socket: Socket; sent: () => number }> {
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.on('error', () => {})
  socket.write(bytes)
  return { socket, sent: () => bytes.length - socket.writableLength }
}

/** Resolves once a number stays the same over 20 turns of waiting for sockets. */
async function settled(of: () => number): Promise<number> {
  let last = -1
  for (let same = 0; same < 20; ) {
    const now = of()
    same = now === last ? same + 1 : 0
    last = now
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return last
}

test('a frame of a connection that was not accepted stays with its sender', LIMIT, async () => {
  await using listener = new Listener('unread')
  const bytes = frame(Buffer.alloc(3 * 2 ** 20))
  const peers = await Promise.all(Array.from({ length: 8 }, () => flood(join(directory, 'unread'), bytes)))
  for (const { socket, sent } of peers) {
    await settled(() => socket.bytesWritten - socket.writableLength)
    assert.equal(sent(), 0, 'the system has not taken all of it')
  }
  for (const _ of peers) {
    using connection = await listener.accept()
    assert.equal((await connection.recvBytes({ timeout: limit(20_000) })).length, 3 * 2 ** 20)
  }
  for (const { socket } of peers) socket.destroy()
})

test('a long message is read once it is asked for, even if the call does not wait', LIMIT, async () => {
  await using listener = new Listener('asked')
  const [here, there] = await Promise.all([Client('asked'), listener.accept()])
  const bytes = new Uint8Array(3 * 2 ** 20)
  const sending = here.sendBytes(bytes)
  while (!(await there.poll({ timeout: 0 }))) await new Promise(resolve => setTimeout(resolve, 5))
  assert.equal((await there.recvBytes()).length, bytes.length)
  await sending
  const again = here.sendBytes(bytes)
  assert.deepEqual(await wait([there], { timeout: limit(20_000) }), [there])
  assert.equal((await there.recvBytes()).length, bytes.length)
  await again
  here.close()
  there.close()
})

test(
  'without a key, a message of more than 4 MiB ends the connection, unless maxMessageBytes allows it',
  LIMIT,
  async () => {
    for (const maxMessageBytes of [undefined, 5 * 2 ** 20]) {
      await using listener = new Listener('limit', { maxMessageBytes })
      const [here, there] = await Promise.all([Client('limit'), listener.accept()])
      const sending = here.sendBytes(new Uint8Array(2 ** 22 + 1)).catch(() => {})
      if (maxMessageBytes === undefined) {
        await assert.rejects(there.recvBytes({ timeout: limit(20_000) }), {
          code: 'ERR_BAD_FRAME',
          message: /it has 4194305 bytes, and maxMessageBytes is 4194304/
        })
      } else {
        assert.equal((await there.recvBytes({ timeout: limit(20_000) })).length, 2 ** 22 + 1)
      }
      await sending
      here.close()
      there.close()
    }
  }
)

test('with a key, a message may be longer', LIMIT, async () => {
  const authkey = 'the key'
  await using listener = new Listener('keyed', { authkey })
  const [here, there] = await Promise.all([Client('keyed', { authkey }), listener.accept()])
  const sending = here.sendBytes(new Uint8Array(2 ** 23))
  assert.equal((await there.recvBytes({ timeout: limit(20_000) })).length, 2 ** 23)
  await sending
  here.close()
  there.close()
})

test('at most 1,024 connections without a key wait to be accepted, and further ones are closed', LIMIT, async () => {
  await using listener = new Listener('crowd')
  const sockets: Socket[] = []
  let closed = 0
  for (let i = 0; i < 1100; i++) {
    const socket = connect('crowd')
    socket.on('error', () => {})
    socket.on('close', () => closed++)
    socket.resume()
    await new Promise(resolve => socket.once('connect', resolve).once('close', resolve))
    sockets.push(socket)
  }
  while (closed < 1100 - 1024) await new Promise(resolve => setTimeout(resolve, 5))
  assert.equal(await settled(() => closed), 1100 - 1024)
  for (let i = 0; i < 1024; i++) (await listener.accept()).close()
  for (const socket of sockets) socket.destroy()
})

test('a listener removes its own file, even if the program has changed its directory', LIMIT, async () => {
  const listener = new Listener('moved')
  process.chdir('/')
  try {
    assert.equal(existsSync(join(directory, 'moved')), true)
    await listener.close()
    assert.equal(existsSync(join(directory, 'moved')), false)
  } finally {
    process.chdir(directory)
  }
})

test('a listener leaves the file of its successor', LIMIT, async () => {
  const former = new Listener('restarted')
  rmSync('restarted')
  await using successor = new Listener('restarted')
  await former.close()
  assert.equal(existsSync('restarted'), true)
  const [here, there] = await Promise.all([Client('restarted'), successor.accept()])
  here.close()
  there.close()
})
