/** Hostile peers, crowds, and the frames that messages come in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameReader, frameHeader } from '../../src/socket/frames.ts'
import { crowd, fuzz } from '../fixtures/connection/fuzz.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)

test('hostile peers neither end, nor hang, nor grow a listener, and others are served meanwhile', {
  timeout
}, async () => {
  await fuzz(450, 1)
})

test('1,000 clients connect at once, and each is answered', { timeout }, async () => {
  await crowd(1000)
})

test('messages come out of a stream as they went in, however the stream is cut', { timeout }, () => {
  const lengths = fc.array(fc.oneof(fc.nat(20), fc.nat(3000), fc.integer({ min: 2 ** 20 - 5, max: 2 ** 20 + 5 })), {
    maxLength: 6
  })
  fc.assert(
    fc.property(lengths, fc.infiniteStream(fc.integer({ min: 1, max: 2 ** 19 })), (sizes, cuts) => {
      const messages = sizes.map((size, i) => Buffer.alloc(size, i + 1))
      const stream = Buffer.concat(messages.flatMap(message => [frameHeader(message.length), message]))
      const reader = new FrameReader(2 ** 21)
      const taken: Uint8Array[] = []
      for (let at = 0; at < stream.length; ) {
        const count = Math.min(cuts.next().value as number, stream.length - at)
        const spare = reader.spare()
        if (spare !== undefined && count % 2 === 0) {
          const part = stream.subarray(at, at + Math.min(count, spare.length))
          spare.set(part)
          reader.advance(part.length)
          at += part.length
        } else {
          reader.push(stream.subarray(at, at + count))
          at += count
        }
        for (let message = reader.take(); message !== undefined; message = reader.take()) taken.push(message)
      }
      assert.equal(reader.hasBegun, false)
      assert.equal(taken.length, messages.length)
      for (const [i, message] of taken.entries()) assert.ok(messages[i].equals(message))
    }),
    { numRuns: 50 }
  )
})

test('a length past 2 GiB is sent as -1 and eight bytes', () => {
  assert.deepEqual([...frameHeader(0x7fffffff)], [0x7f, 255, 255, 255])
  assert.deepEqual([...frameHeader(2 ** 31)], [255, 255, 255, 255, 0, 0, 0, 0, 128, 0, 0, 0])
  const reader = new FrameReader(2 ** 32)
  reader.push(frameHeader(2 ** 31).subarray(0, 7))
  assert.equal(reader.length, undefined)
  reader.push(frameHeader(2 ** 31).subarray(7))
  assert.equal(reader.length, 2 ** 31)
  assert.equal(reader.isWhole, false)
})
