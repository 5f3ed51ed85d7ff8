import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decode } from '../../../src/codec/decode.ts'
import { Encoder, encode } from '../../../src/codec/encode.ts'
import { anything, graph, RUNS } from '../../fixtures/codec/arbitraries.ts'
import { difference } from '../../fixtures/codec/difference.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(60_000 + RUNS * 20) }

/** What must arrive. V8 cannot read some cycles through the cause of an error that it has written itself. */
function clone(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch (error) {
    fc.pre((error as Error).message !== 'Unable to deserialize cloned data.')
    throw error
  }
}

describe('what random values arrive as', () => {
  const encoder = new Encoder()
  const memory = new Uint8Array(1 << 16)

  for (const [name, arbitrary] of [
    ['anything', anything],
    ['graphs', graph]
  ] as const) {
    test(`${name}: a random value arrives as by structured clone`, LIMIT, () => {
      fc.assert(
        fc.property(arbitrary, value => {
          assert.equal(difference(decode(encode(value)), clone(value)), null)
        }),
        { numRuns: RUNS, includeErrorInReport: true }
      )
    })

    test(`${name}: a random value is the same from any target, in any state of the encoder`, LIMIT, () => {
      fc.assert(
        fc.property(arbitrary, fc.nat(400), fc.nat(2000), (value, start, room) => {
          const isInTarget = encoder.encode(value, memory, start, start + room)
          assert.equal(isInTarget, encoder.end - encoder.start <= room)
          assert.equal(isInTarget, encoder.bytes === memory)
          const arrived = decode(encoder.bytes, encoder.start, encoder.end)
          memory.fill(0xff)
          assert.equal(difference(arrived, clone(value)), null)
        }),
        { numRuns: Math.ceil(RUNS / 5), includeErrorInReport: true }
      )
    })
  }
})
