import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { decode } from '../../../src/codec/decode.ts'
import { Encoder, encode } from '../../../src/codec/encode.ts'
import type { SerializationError } from '../../../src/errors.ts'
import { collectGarbage } from '../../fixtures/garbage.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(20_000) }
const GUARD = 0xa5

const rows = Array.from({ length: 30 }, (_, i) => ({ id: i * 1000, name: `row ${i}`, tags: ['a', 'b'], score: i / 7 }))
const cyclic: unknown[] = [rows, 'ж', 2n ** 100n]
cyclic.push(cyclic, rows[3])

function arrived(encoder: Encoder): unknown {
  return decode(encoder.bytes, encoder.start, encoder.end)
}

describe('where a message goes', () => {
  test('a message is written to the target if it fits, to the last byte, and otherwise to the scratch', LIMIT, () => {
    const encoder = new Encoder()
    for (const value of [
      5,
      [5],
      'hello',
      'x'.repeat(300),
      1.5,
      70_000,
      rows,
      cyclic,
      new Uint8Array(100),
      new Error('x')
    ]) {
      encode(value) // so that its shapes are known
      const { length } = encode(value)
      for (let room = 0; room <= length + 1; room += room < length - 40 ? 37 : 1) {
        const target = new Uint8Array(length + 100).fill(GUARD)
        const isInTarget = encoder.encode(value, target, 50, 50 + room)
        assert.equal(isInTarget, room >= length, `${room} of ${length}`)
        assert.equal(encoder.end - encoder.start, length)
        if (isInTarget) {
          assert.equal(encoder.bytes, target)
          assert.equal(encoder.start, 50)
        } else {
          assert.notEqual(encoder.bytes, target)
        }
        assert.ok(target.subarray(0, 50).every(byte => byte === GUARD))
        assert.ok(target.subarray(50 + room).every(byte => byte === GUARD))
        assert.deepStrictEqual(arrived(encoder), value)
      }
    }
  })

  test('a limit past the end of the target has no effect', LIMIT, () => {
    const encoder = new Encoder()
    const target = new Uint8Array(10)
    assert.equal(encoder.encode('a longer text', target, 0, 1000), false)
    assert.equal(arrived(encoder), 'a longer text')
    assert.equal(encoder.encode('short', target), true)
    assert.equal(arrived(encoder), 'short')
  })

  test('alternating targets work, including Buffers and windows', LIMIT, () => {
    const encoder = new Encoder()
    const memory = new ArrayBuffer(1000)
    const targets = [new Uint8Array(memory, 500), Buffer.alloc(600), new Uint8Array(memory, 0, 400), undefined]
    for (let i = 0; i < 40; i++) {
      const target = targets[i % targets.length]
      assert.equal(encoder.encode([i, 'text', i / 3], target, 8), target !== undefined)
      assert.deepEqual(arrived(encoder), [i, 'text', i / 3])
    }
  })

  test('a target may be in memory that threads share', LIMIT, () => {
    const encoder = new Encoder()
    const target = new Uint8Array(new SharedArrayBuffer(200_000), 1000)
    const buffers = [new Uint8Array(5).fill(1), new Float64Array(9), Buffer.from('pooled'), new Uint8Array(50_000)]
    const value = [...buffers, ...[resizable(9), rows, cyclic, 'x'.repeat(100), 'ж'.repeat(100), 3 ** 90, 5n ** 70n]]
    assert.equal(encoder.encode(value, target, 8), true)
    const message = decode(target, encoder.start, encoder.end) as unknown[]
    assert.deepStrictEqual(message, value)
    for (const arrived of message.slice(0, 4)) assert.ok((arrived as Uint8Array).buffer instanceof ArrayBuffer)
    target.fill(GUARD)
    assert.deepStrictEqual(message, value)
  })

  function resizable(length: number): ArrayBuffer {
    return new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(length, {
      maxByteLength: 2 * length
    })
  }

  test('encode returns bytes of its own', LIMIT, () => {
    const first = encode([1, 'one'])
    const second = encode([2, 'two'])
    assert.equal(Object.getPrototypeOf(first), Uint8Array.prototype)
    assert.equal(first.byteLength, first.buffer.byteLength)
    assert.deepEqual(
      [decode(first), decode(second)],
      [
        [1, 'one'],
        [2, 'two']
      ]
    )
  })

  test('a small message is small', LIMIT, () => {
    assert.equal(encode(5).length, 2)
    assert.equal(encode([5]).length, 4)
    assert.equal(encode('hello').length, 7)
    assert.equal(encode(null).length, 2)
  })
})

describe('the scratch', () => {
  test('the scratch grows, and shrinks again when it is no longer needed', LIMIT, () => {
    const encoder = new Encoder()
    const large = new Uint8Array(8 << 20)
    for (let i = 0; i < 3; i++) {
      encoder.encode(large)
      assert.ok(encoder.bytes.length > large.length)
    }
    const { bytes } = encoder
    for (let i = 0; i < 3; i++) encoder.encode(i)
    encoder.encode(large)
    assert.equal(encoder.bytes, bytes, 'it is kept while large messages keep coming')
    for (let i = 0; i < 20; i++) {
      encoder.encode(['small', i])
      assert.deepEqual(arrived(encoder), ['small', i])
    }
    assert.ok(encoder.bytes.length < 1 << 20, `${encoder.bytes.length} bytes`)
  })

  test('the scratch is dropped, too, when all messages go to a target', LIMIT, () => {
    const encoder = new Encoder()
    encoder.encode(new Uint8Array(8 << 20))
    const target = new Uint8Array(100)
    for (let i = 0; i < 20; i++) assert.equal(encoder.encode(i, target), true)
    encoder.encode(1)
    assert.ok(encoder.bytes.length < 1 << 20)
  })
})

describe('an encoder that is used while it encodes', () => {
  test('a getter may encode while its object is being encoded', LIMIT, () => {
    const encoder = new Encoder()
    const target = new Uint8Array(4096)
    const inner: unknown[] = []
    const nested = {
      before: rows,
      get now() {
        encoder.encode({ inner: rows, text: 'inside' }, target, 2048)
        inner.push(arrived(encoder))
        encoder.encode(cyclic)
        inner.push(arrived(encoder))
        return 'got'
      },
      after: [rows, cyclic]
    }
    for (const to of [target, undefined, new Uint8Array(100)]) {
      for (let i = 0; i < 3; i++) {
        encoder.encode([nested, nested], to, 0, Math.min(2048, to?.length ?? 0))
        assert.deepStrictEqual(arrived(encoder), [
          { before: rows, now: 'got', after: [rows, cyclic] },
          { before: rows, now: 'got', after: [rows, cyclic] }
        ])
      }
    }
    assert.equal(inner.length, 18)
    for (let i = 0; i < inner.length; i += 2) {
      assert.deepStrictEqual(inner[i], { inner: rows, text: 'inside' })
      assert.deepStrictEqual(inner[i + 1], cyclic)
    }
  })

  test("a getter's encoding may fail inside another", LIMIT, () => {
    const encoder = new Encoder()
    const value = {
      get a() {
        assert.throws(() => encoder.encode([{ b: Symbol() }], undefined, 0, 0, 'inner'), { path: 'inner[0].b' })
        return 1
      },
      b: { c: rows[0] }
    }
    encoder.encode(value)
    assert.deepStrictEqual(arrived(encoder), { a: 1, b: { c: rows[0] } })
  })
})

describe('after a throw', () => {
  test('the encoder works after an error as before', LIMIT, () => {
    const encoder = new Encoder()
    const target = new Uint8Array(100_000)
    const failures: unknown[] = [
      [rows, { a: { b: Symbol() } }],
      {
        deep: {
          get x() {
            throw new Error('no')
          }
        },
        rows
      },
      [cyclic, () => {}],
      new Map([[rows, new Set([cyclic, Promise.resolve()])]]),
      { error: Object.assign(new Error('x'), { rows, symbol: Symbol() }) }
    ]
    for (let i = 0; i < 3; i++) {
      for (const failure of failures) {
        assert.throws(() => encoder.encode(failure, i % 2 ? target : undefined))
        encoder.encode([cyclic, rows], target)
        assert.deepStrictEqual(arrived(encoder), [cyclic, rows])
        assert.throws(
          () => encoder.encode({ again: Symbol() }),
          (error: SerializationError) => error.path === 'value.again'
        )
      }
    }
  })

  test('an error leaves nothing of the value alive', LIMIT, async () => {
    const encoder = new Encoder()
    const encodeSome = (last: unknown): WeakRef<object> => {
      const object = { rows: Array.from({ length: 30 }, (_, i) => ({ i })), last }
      try {
        encoder.encode(new Map([[object, object]]))
      } catch {}
      return new WeakRef(object)
    }
    for (const last of [1, Symbol()]) {
      const ref = encodeSome(last)
      await new Promise(resolve => setImmediate(resolve))
      collectGarbage()
      assert.equal(ref.deref(), undefined)
    }
  })
})

test('util.inspect shows of a long array without fields that it has none', LIMIT, () => {
  // What the encoder goes by; should Node come to write it otherwise, arrays are still right, but slow.
  const options = { maxArrayLength: 0, depth: 0, breakLength: Number.POSITIVE_INFINITY }
  assert.equal(inspect(new Array(100).fill({}), options), '[ ... 100 more items ]')
  assert.notEqual(inspect(Object.assign(new Array(100).fill({}), { a: 1 }), options), '[ ... 100 more items ]')
})
