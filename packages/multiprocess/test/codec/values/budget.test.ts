/** What decoding may cost when a program wrote the message that has not shown a key. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import * as format from '../../../src/codec/bytes/format.ts'
import { decode } from '../../../src/codec/decode.ts'
import { Encoder, encode } from '../../../src/codec/encode.ts'
import { SerializationError } from '../../../src/errors.ts'
import { anything, RUNS } from '../../fixtures/codec/arbitraries.ts'
import { difference } from '../../fixtures/codec/difference.ts'
import { collidingBigInts, collidingIntegers, greedyMessages } from '../../fixtures/codec/hostile.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(120_000) }

function decodeUntrusted(bytes: Uint8Array): unknown {
  return decode(bytes, 0, bytes.length, null, true)
}

function encodeFor(audience: 'stranger', value: unknown): Uint8Array {
  const encoder = new Encoder()
  encoder.audience = audience
  encoder.encode(value)
  return encoder.bytes.slice(encoder.start, encoder.end)
}

/** Processor time, which a busy machine does not stretch. */
function millisecondsOf(work: () => void): number {
  const begin = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1000
}

describe('a message of a program that has not shown a key', () => {
  // Lists and Sets differ in the tag: making the Set itself would take the time that is to be refused.
  const setOf = (members: unknown[]): Uint8Array => encode(members).with(1, format.SET)
  const colliding: Record<string, () => Uint8Array> = {
    'a Set of integers': () => setOf(collidingIntegers(16_000)),
    'a Set of BigInts': () => setOf(collidingBigInts(16_000)),
    'a Map of integers': () => encode(new Map(collidingIntegers(5000).map(key => [key, 0]))),
    '50 Maps of 1,000 integers': () =>
      encode(Array.from({ length: 50 }, () => new Map(collidingIntegers(1000).map(key => [key, 0]))))
  }
  for (const [name, make] of Object.entries(colliding)) {
    test(`decoding stops when the keys collide: ${name}`, LIMIT, () => {
      const bytes = make()
      let refusal: unknown
      const spent = millisecondsOf(() => {
        try {
          decodeUntrusted(bytes)
        } catch (error) {
          refusal = error
        }
      })
      // A V8 that hashes them otherwise has nothing to refuse.
      if (refusal !== undefined) {
        assert.ok(refusal instanceof SerializationError)
        assert.match(refusal.message, /keys collide; a program that has not shown its key/)
      }
      assert.ok(spent < 1000, `${spent} ms`)
    })
  }

  test('the integers of these tests collide in this V8', {
    ...LIMIT,
    skip: !process.version.startsWith('v20.')
  }, () => {
    const bytes = setOf(collidingIntegers(16_000))
    assert.throws(() => decodeUntrusted(bytes), /keys collide/)
  })

  for (const [name, bytes] of Object.entries(greedyMessages(4_000_000))) {
    test(`decoding stops when the value would take too much memory: ${name}`, LIMIT, () => {
      const before = process.memoryUsage()
      let spent = 0
      assert.throws(
        () => {
          spent = millisecondsOf(() => void decodeUntrusted(bytes))
        },
        (error: Error) =>
          error instanceof SerializationError &&
          /would take more than \d+ bytes of memory|is damaged|no room for an ArrayBuffer/.test(error.message)
      )
      const after = process.memoryUsage()
      const taken = after.rss - before.rss
      assert.ok(taken < 320 * 2 ** 20, `${taken} bytes`)
      assert.ok(spent < 5000, `${spent} ms`)
    })
  }

  test('a message that is nested deeper than any encoder nests is refused', LIMIT, () => {
    const nested = (depth: number): Uint8Array =>
      Uint8Array.of(format.VERSION, ...new Array(depth).fill([format.ARRAY, 1]).flat(), format.NULL)
    assert.throws(() => decodeUntrusted(nested(1100)), /nested too deep \(more than 1000 containers/)
    let deep: unknown = null
    for (let i = 0; i < 1000; i++) deep = [deep]
    assert.equal(difference(decodeUntrusted(encode(deep)), deep), null)
  })

  test('a message with code or a shared object is refused', LIMIT, () => {
    const FUNCTION = Uint8Array.of(format.VERSION, format.FUNCTION, 0, format.SHORT_STRING)
    assert.throws(() => decodeUntrusted(FUNCTION), /are taken only from a program that has shown its key/)
  })

  test('any honest message of plain data is decoded', LIMIT, () => {
    fc.assert(
      fc.property(anything, value => {
        const bytes = encodeFor('stranger', value)
        const found = difference(decodeUntrusted(bytes), decode(bytes))
        assert.equal(found, null)
      }),
      { numRuns: Math.min(RUNS, 2000) }
    )
  })

  const large: Record<string, () => unknown> = {
    'rows of a table': () =>
      Array.from({ length: 20_000 }, (_, i) => ({ id: i, name: `name ${i}`, tags: ['a', 'b'], at: { x: i, y: null } })),
    'a Map of 100,000 integers': () => new Map(Array.from({ length: 100_000 }, (_, i) => [i * 7, i])),
    'a Set of 100,000 doubles': () => new Set(Array.from({ length: 100_000 }, (_, i) => i + 0.5)),
    'an object of 100,000 keys': () => Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key${i}`, i])),
    'an object of 10,000 indexes': () => Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [i, i])),
    '200,000 empty objects': () => Array.from({ length: 200_000 }, () => ({})),
    '50,000 dates': () => Array.from({ length: 50_000 }, (_, i) => new Date(i)),
    '20,000 URLs': () => Array.from({ length: 20_000 }, (_, i) => new URL(`https://example.org/${i}`)),
    'a text of 2,000,000 characters': () => 'ж'.repeat(2_000_000),
    bytes: () => new Uint8Array(4_000_000),
    'an array of a million holes': () => new Array(1_000_000)
  }
  for (const [name, make] of Object.entries(large)) {
    test(`an honest large message is decoded: ${name}`, LIMIT, () => {
      const value = make()
      const arrived = decodeUntrusted(encodeFor('stranger', value))
      const found = difference(arrived, value)
      assert.equal(found, null)
    })
  }
})

describe('the texts of a received error', () => {
  function errorWith(key: string, value: unknown): Uint8Array {
    const error = new Error('e')
    Reflect.deleteProperty(error, 'stack')
    Object.defineProperty(error, 'zzzzz', { value, enumerable: true })
    const bytes = encode(error)
    const at = Buffer.from(bytes).indexOf('zzzzz')
    const named = [format.SHORT_STRING + key.length, ...Buffer.from(key)]
    return Uint8Array.of(...bytes.subarray(0, at - 1), ...named, ...bytes.subarray(at + 5))
  }

  test('a received error with a text that is no string is damaged', LIMIT, () => {
    for (const value of [{}, null, 5, [/x/], Object.create(null)]) {
      assert.throws(() => decode(errorWith('stack', value)), /the stack of an error is no string/)
      for (const key of ['stack', 'message', 'name']) {
        assert.throws(() => decodeUntrusted(errorWith(key, value)), {
          name: 'SerializationError',
          message: /of an error is no string/
        })
      }
    }
    for (const key of ['stack', 'message', 'name'])
      assert.ok(inspect(decodeUntrusted(errorWith(key, 'text'))).length > 0)
  })

  test('the texts of an error are sent as strings to a program that has not authenticated', LIMIT, () => {
    const error = new Error('e')
    assert.match(error.stack ?? '', /Error: e/)
    Object.assign(error, {
      name: Object.create(null),
      message: { toString: () => 'from an object' }
    })
    const arrived = decodeUntrusted(encodeFor('stranger', error)) as Error
    assert.equal(arrived.message, 'from an object')
    assert.equal(arrived.name, '')
    assert.match(inspect(arrived), /from an object|Error/)
  })
})
