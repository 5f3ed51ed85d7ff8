/** Many hostile peers, one after the other and together, and a large message. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, Listener } from '../src/index.ts'
import { crowd, fuzz } from './fixtures/connection/fuzz.ts'

const timeout = 1_800_000

test('20,000 hostile peers', { timeout }, async () => {
  await fuzz(20_000, 2)
})

test('20 crowds of 1,000 clients', { timeout }, async () => {
  for (let i = 0; i < 20; i++) await crowd(1000)
})

test('a message past 2 GiB', { timeout }, async () => {
  const maxMessageBytes = 2 ** 32
  await using listener = new Listener(undefined, { maxMessageBytes })
  const [here, there] = await Promise.all([Client(listener.address, { maxMessageBytes }), listener.accept()])
  const bytes = new Uint8Array(2 ** 31 + 5)
  bytes[2 ** 31 + 4] = 7
  const sending = here.sendBytes(bytes)
  const received = await there.recvBytes()
  await sending
  assert.equal(received.length, 2 ** 31 + 5)
  assert.equal(received[2 ** 31 + 4], 7)
  here.close()
  there.close()
})
