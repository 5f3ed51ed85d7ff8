import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as format from '../../../src/codec/bytes/format.ts'
import { decode, modulesOf } from '../../../src/codec/decode.ts'
import { encode } from '../../../src/codec/encode.ts'
import { SerializationError } from '../../../src/errors.ts'
import { anything, graph, RUNS } from '../../fixtures/codec/arbitraries.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(60_000 + RUNS * 20) }

/** Decodes, and makes sure that damage is told by the error meant for it. */
function decodeDamaged(bytes: Uint8Array): void {
  try {
    decode(bytes)
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
    assert.match(error.message, /^cannot read the message: /)
  }
  try {
    modulesOf(bytes)
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
  }
}

/** Ways to damage a message, each by a few numbers. */
const damages: ((bytes: Uint8Array, a: number, b: number) => Uint8Array)[] = [
  (bytes, a, b) => bytes.with(a % bytes.length, b),
  (bytes, a, b) => bytes.with(a % bytes.length, bytes[a % bytes.length] ^ (1 << (b & 7))),
  (bytes, a) => bytes.subarray(0, a % bytes.length),
  (bytes, a) => bytes.subarray(a % bytes.length),
  (bytes, a, b) => Uint8Array.of(...bytes.subarray(0, a % bytes.length), b, ...bytes.subarray(a % bytes.length)),
  (bytes, a) => Uint8Array.of(...bytes.subarray(0, a % bytes.length), ...bytes.subarray((a % bytes.length) + 1)),
  (bytes, a, b) => bytes.slice().copyWithin(a % bytes.length, b % bytes.length),
  (bytes, a, b) => bytes.slice().fill(255, a % bytes.length, (a % bytes.length) + 1 + (b % 8))
]

describe('damaged messages', () => {
  test('a message that is damaged at random places is refused or decoded, and harms nothing', LIMIT, () => {
    const damage = fc.array(fc.tuple(fc.nat(damages.length - 1), fc.nat(2 ** 31 - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 4
    })
    let intact = 0
    fc.assert(
      fc.property(fc.oneof(anything, graph), damage, (value, steps) => {
        encode(value) // so that its shapes are known
        let bytes = encode(value)
        for (const [way, a, b] of steps) if (bytes.length > 0) bytes = damages[way](bytes, a, b)
        decodeDamaged(bytes)
        intact++
      }),
      { numRuns: RUNS, includeErrorInReport: true }
    )
    assert.ok(intact >= RUNS)
  })

  test('random bytes are refused or decoded, and harm nothing', LIMIT, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => decodeDamaged(Uint8Array.of(format.VERSION, ...bytes))),
      { numRuns: RUNS }
    )
  })

  test('a message that is cut off at any byte is refused', LIMIT, () => {
    const buffer = new ArrayBuffer(40)
    const value = [
      ...[{ a: 1, b: [2, 'three', 4.5] }, { a: 1, b: [] }, new Map([[1, new Set(['x'.repeat(40)])]])],
      ...[new Date(), /x/g, new Error('x', { cause: 5n }), 2n ** 90n, 'Ж'.repeat(20), 70_000, Object(1)],
      ...[
        new Uint8Array(buffer, 8),
        new DataView(buffer),
        Buffer.from('abc'),
        new URL('https://x.org'),
        new URLSearchParams('a=b')
      ],
      Object.assign([1, 2], { f: 3 })
    ]
    const bytes = encode(value)
    for (let end = 0; end < bytes.length; end++) {
      assert.throws(() => decode(bytes, 0, end), { name: 'SerializationError' }, `cut off at ${end}`)
    }
    assert.throws(() => decode(Uint8Array.of(...bytes, 0)), /1 bytes are left over/)
  })

  test('the bytes that follow the message in memory are not read', LIMIT, () => {
    const memory = new Uint8Array(100).fill(format.SMALL_INTEGER)
    const bytes = encode([1, 2, 3])
    memory.set(bytes, 10)
    assert.deepEqual(decode(memory, 10, 10 + bytes.length), [1, 2, 3])
    assert.throws(() => decode(memory, 10, 9 + bytes.length), /it ends too early/)
  })

  test('messages of another version, and empty ones, are refused', LIMIT, () => {
    assert.throws(() => decode(Uint8Array.of(0x20, 0xa0)), /another version of this package wrote it/)
    assert.throws(() => decode(new Uint8Array(0)), /it is empty/)
    assert.throws(() => decode(new Uint8Array(5), 3, 9), /it is empty/)
  })

  test('messages that claim to be huge take no memory', LIMIT, () => {
    // Largest first; the last would fit into a row of elements, and take 240 MB.
    const huge = [0xffffffff, 0x7fffffff, 30_000_000].map(count => [...new Uint8Array(Uint32Array.of(count).buffer)])
    const rests = huge.flatMap(count => [
      [255, ...count],
      count,
      [0, 255, ...count],
      [1, ...count, 255, ...count],
      [2, 1, ...count]
    ])
    const tags = Object.entries(format).filter(
      ([name, tag]) => typeof tag === 'number' && tag < 0x70 && !name.startsWith('M')
    )
    for (const [name, tag] of tags) {
      for (const bits of [0, 1, 2, 3]) {
        for (const rest of rests) {
          for (const more of [0, 64]) {
            const begin = memoryInUse()
            decodeDamaged(
              Uint8Array.of(
                format.VERSION,
                (tag as number) | bits,
                ...rest,
                ...new Uint8Array(more).fill(format.SMALL_INTEGER)
              )
            )
            const taken = memoryInUse() - begin
            assert.ok(taken < 20e6, `${name} ${bits} ${rest}: ${taken} bytes`)
          }
        }
      }
    }
  })

  function memoryInUse(): number {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }

  test('arrays of millions of holes are no larger than their messages', LIMIT, () => {
    for (const length of [2000, 30_000_000, 4_294_967_295]) {
      const bytes = encode(new Array(length))
      const before = memoryInUse()
      const arrays = Array.from({ length: 20 }, () => decode(bytes) as unknown[])
      assert.ok(memoryInUse() - before < 20e6)
      assert.ok(arrays.every(array => array.length === length && Object.keys(array).length === 0))
    }
  })

  test('an array with more holes than elements is decoded', LIMIT, () => {
    for (const holes of [0, 3, 200]) {
      const bytes = Uint8Array.of(
        format.VERSION,
        format.ARRAY | format.INCOMPLETE,
        2,
        format.ABSENT,
        holes,
        format.NULL,
        format.NULL
      )
      assert.throws(() => decode(bytes), /an array has more holes than elements/)
    }
  })

  test('a message that is nested a million times is refused', LIMIT, () => {
    const bytes = new Uint8Array(2_000_001)
    for (const [tag, count] of [
      [format.ARRAY, 1],
      [format.SET, 1],
      [format.BOXED, format.BOXED]
    ]) {
      for (let i = 1; i < bytes.length; i += 2) bytes.set([tag, count], i)
      bytes[0] = format.VERSION
      assert.throws(() => decode(bytes), {
        name: 'SerializationError',
        message: /nested too deep|something else stands/
      })
      assert.deepEqual(decode(encode([1])), [1])
    }
  })

  test('references to objects that do not exist, or not yet, are refused', LIMIT, () => {
    for (const position of [0, 1, 5, 6, 0xffffffff]) {
      const bytes = Uint8Array.of(format.VERSION, format.ARRAY, 1, format.REFERENCE, 0, 0, 0, 0)
      new DataView(bytes.buffer).setUint32(4, position, true)
      assert.throws(() => decode(bytes), /nothing to refer to stands at byte/)
    }
  })
})
