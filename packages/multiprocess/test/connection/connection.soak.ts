/** Many hostile peers, one after the other and together, and messages whose length takes eight bytes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, Listener } from '../../src/index.ts'
import { crowd, fuzz } from '../fixtures/connection/fuzz.ts'
import { ECHO, legacyPython, modernPython, PythonProgram } from '../fixtures/connection/python.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(1_800_000)

test('a listener survives 20,000 hostile peers', { timeout }, async () => {
  await fuzz(20_000, 2)
})

test('a listener serves 20 crowds of 1,000 clients', { timeout }, async () => {
  for (let i = 0; i < 20; i++) await crowd(1000)
})

const maxMessageBytes = 2 ** 32
const LENGTH = 2 ** 31 + 5

function longMessage(): Uint8Array {
  const bytes = new Uint8Array(LENGTH)
  // Of no length that divides what the system reads or writes at once.
  for (let at = 0; at < LENGTH; at += 1_000_003) bytes[at] = at % 251
  bytes[LENGTH - 1] = 7
  return bytes
}

function assertSame(received: Uint8Array, sent: Uint8Array): void {
  assert.equal(received.length, sent.length)
  const part = 2 ** 28
  for (let at = 0; at < sent.length; at += part) {
    assert.equal(Buffer.compare(received.subarray(at, at + part), sent.subarray(at, at + part)), 0, `from ${at} on`)
  }
}

test('a message past 2 GiB', { timeout }, async () => {
  await using listener = new Listener(undefined, { maxMessageBytes })
  const [here, there] = await Promise.all([Client(listener.address, { maxMessageBytes }), listener.accept()])
  const bytes = longMessage()
  const sending = here.sendBytes(bytes)
  const received = await there.recvBytes()
  await sending
  assertSame(received, bytes)
  here.close()
  there.close()
})

const python = legacyPython ?? modernPython
const skip = python === undefined && 'there is no Python here'

for (const way of ['an event loop', 'a blocked thread'] as const) {
  test(`a message past 2 GiB goes to CPython and back, in ${way}`, { timeout, skip }, async () => {
    if (python === undefined) return
    const program = new PythonProgram(python, ECHO)
    const port = Number(await program.firstLine())
    const options = { authkey: 'the key', legacyMd5: python === legacyPython, maxMessageBytes }
    using connection = await Client({ host: '127.0.0.1', port }, options)
    const bytes = longMessage()
    if (way === 'an event loop') {
      await connection.sendBytes(bytes)
      assertSame(await connection.recvBytes(), bytes)
    } else {
      connection.sendBytesSync(bytes)
      assertSame(connection.recvBytesSync(), bytes)
    }
    assert.deepEqual(await program.end(), [String(port), String(LENGTH)])
  })
}
