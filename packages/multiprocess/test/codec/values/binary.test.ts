import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from '../../../src/codec/decode.ts'
import { Encoder, encode } from '../../../src/codec/encode.ts'
import type { SerializationError } from '../../../src/errors.ts'
import { difference } from '../../fixtures/codec/difference.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(20_000) }

interface ResizableBuffer extends ArrayBuffer {
  readonly resizable: boolean
  readonly maxByteLength: number
  resize(length: number): void
}

type ViewConstructor = {
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): ArrayBufferView & { length?: number }
  readonly BYTES_PER_ELEMENT?: number
}

const constructors = [
  ...['DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array'],
  ...['Uint32Array', 'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array']
]
  .map(name => (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name])
  .filter(constructor => constructor !== undefined)

function roundTrip<T>(value: T): T {
  return decode(encode(value)) as T
}

function counting(length: number): ArrayBuffer {
  return Uint8Array.from({ length }, (_, i) => i * 7).buffer
}

function resizable(length: number, maxByteLength: number): ResizableBuffer {
  const buffer = new (ArrayBuffer as unknown as new (length: number, options: object) => ResizableBuffer)(length, {
    maxByteLength
  })
  new Uint8Array(buffer).set(new Uint8Array(counting(length)))
  return buffer
}

describe('ArrayBuffers', () => {
  for (const length of [0, 1, 63, 64, 65, 1000, 32767, 32768, 1_000_000]) {
    test(`ArrayBuffers of ${length} bytes arrive`, LIMIT, () => {
      const buffer = counting(length)
      assert.equal(difference(roundTrip(buffer), structuredClone(buffer)), null)
      assert.equal(roundTrip(new Uint8Array(buffer)).buffer.byteLength, length)
    })
  }

  test('ArrayBuffers arrive as copies, which neither the sender nor the message changes', LIMIT, () => {
    for (const length of [16, 100_000]) {
      const sent = new Uint8Array(counting(length))
      const message = encode([sent, sent.buffer, Buffer.from(sent.buffer, 0, 9)])
      sent.fill(1)
      const [arrived] = decode(message) as [Uint8Array]
      message.fill(2)
      assert.deepEqual(arrived, new Uint8Array(counting(length)))
    }
  })

  test('resizable ArrayBuffers arrive as resizable ones', LIMIT, () => {
    for (const [length, most] of [
      [0, 0],
      [0, 16],
      [8, 8],
      [8, 4096]
    ]) {
      const arrived = roundTrip(resizable(length, most))
      assert.equal(arrived.resizable, true)
      assert.equal(arrived.maxByteLength, most)
      assert.deepEqual(new Uint8Array(arrived), new Uint8Array(counting(length)))
    }
  })
})

describe('views', () => {
  for (const constructor of constructors) {
    const size = constructor.BYTES_PER_ELEMENT ?? 1
    test(constructor.name, LIMIT, () => {
      const buffer = counting(64)
      const views = [
        new constructor(buffer),
        new constructor(buffer, 16),
        new constructor(buffer, 16, 2),
        new constructor(buffer, 64),
        new constructor(buffer, 0, 0),
        new constructor(counting(0)),
        new constructor(counting(16))
      ]
      for (const view of views) {
        assert.equal(difference(roundTrip(view), structuredClone(view)), null)
        assert.deepStrictEqual(roundTrip(view), view)
      }
      const arrived = roundTrip({ views, buffer })
      assert.equal(difference(arrived, structuredClone({ views, buffer })), null)
      assert.equal(arrived.views[1].buffer, arrived.buffer)
      assert.equal(arrived.views[2].buffer, arrived.views[0].buffer)
    })

    test(`${constructor.name}: a view arrives that follows its resizable buffer, and one that does not`, LIMIT, () => {
      for (const [length, most, offset, elements] of [
        [32, 64, 0, undefined],
        [32, 64, 16, undefined],
        [32, 64, 0, 16 / size],
        [32, 64, 16, 16 / size],
        [32, 32, 0, undefined],
        [32, 32, 16, undefined],
        [32, 32, 16, 16 / size],
        [32, 64, 32, undefined],
        [32, 64, 32, 0],
        [size, size, 0, undefined],
        [size, size, 0, 1],
        [0, 64, 0, undefined],
        [0, 64, 0, 0]
      ] as const) {
        const view = new constructor(resizable(length, most), offset, elements)
        const arrived = roundTrip(view)
        const expected = structuredClone(view)
        for (const to of [length, most, offset, most >> 1, most]) {
          ;(arrived.buffer as ResizableBuffer).resize(to)
          ;(expected.buffer as ResizableBuffer).resize(to)
          const state = `${length} of ${most}, view at ${offset} of ${elements} elements, resized to ${to}`
          assert.equal(lengthOf(arrived), lengthOf(expected), state)
          assert.deepEqual(new Uint8Array(arrived.buffer), new Uint8Array(expected.buffer), state)
        }
      }
    })
  }

  test('a view arrives that follows its buffer to an end within an element', LIMIT, () => {
    for (const constructor of constructors) {
      const buffer = resizable(32, 64)
      const view = new constructor(buffer, 8)
      buffer.resize(29)
      const arrived = roundTrip({ buffer, view })
      assert.equal(difference(arrived, structuredClone({ buffer, view })), null)
      ;(arrived.buffer as ResizableBuffer).resize(64)
      assert.equal(arrived.view.byteLength, 56)
    }
  })

  /** A DataView past the end of its buffer throws. */
  function lengthOf(view: ArrayBufferView): number | string {
    try {
      return view.byteLength
    } catch {
      return 'past the end'
    }
  }

  test('a view that is sent does not change', LIMIT, () => {
    const buffer = resizable(32, 32)
    const view = new Uint8Array(buffer)
    encode([view, new DataView(buffer, 8)])
    assert.equal(buffer.byteLength, 32)
    assert.deepEqual(view, new Uint8Array(counting(32)))
  })

  test('views of a subclass, or with fields, are sent as their built-in type', LIMIT, () => {
    class Samples extends Float32Array {
      rate = 44_100
    }
    const samples = Object.assign(new Samples([1, 2]), { extra: 1 })
    assert.equal(difference(roundTrip(samples), structuredClone(samples)), null)
  })

  test('views of shared memory are refused', LIMIT, () => {
    const shared = new SharedArrayBuffer(8)
    for (const value of [shared, new Uint8Array(shared), new DataView(shared), Buffer.from(shared)]) {
      assert.throws(
        () => encode({ value }),
        (error: SerializationError) =>
          error.path === 'value.value' &&
          /^cannot send value\.value: it is a SharedArrayBuffer; it cannot be shared between processes; use Array or SharedMemory$/.test(
            error.message
          )
      )
    }
  })

  test('views of a detached buffer, and the buffer, are refused', LIMIT, () => {
    for (const make of [
      (b: ArrayBuffer) => b,
      (b: ArrayBuffer) => new Uint8Array(b),
      (b: ArrayBuffer) => new DataView(b)
    ]) {
      const buffer = counting(8)
      const value = make(buffer)
      structuredClone(buffer, { transfer: [buffer] })
      assert.throws(() => encode([value]), {
        name: 'SerializationError',
        path: 'value[0]',
        message: /detached ArrayBuffer; it was transferred/
      })
    }
  })

  test('views past the end of a buffer that has become shorter are refused', LIMIT, () => {
    const buffer = resizable(16, 16)
    const views = [new Uint8Array(buffer, 8), new Uint8Array(buffer, 8, 4), new DataView(buffer, 8, 4)]
    buffer.resize(4)
    for (const value of views) {
      assert.throws(() => structuredClone(value))
      assert.throws(() => encode({ value }), {
        name: 'SerializationError',
        path: 'value.value',
        message: /past the end of its ArrayBuffer/
      })
    }
  })
})

describe('Buffers arrive as Buffers', () => {
  test('a small Buffer sends its own bytes, and not the pool that it belongs to', LIMIT, () => {
    for (const buffer of [Buffer.from('hello'), Buffer.allocUnsafe(100).fill(7), Buffer.from('').subarray(0)]) {
      const message = encode(buffer)
      assert.ok(message.length < buffer.length + 32, `${message.length} bytes`)
      const arrived = decode(message)
      assert.ok(Buffer.isBuffer(arrived))
      assert.deepStrictEqual(arrived, buffer)
    }
  })

  test('a small Buffer sends its own bytes, even if the size of the pool was changed', LIMIT, () => {
    const size = Buffer.poolSize
    try {
      Buffer.poolSize = 100_000
      for (let length = 0; length < 100_000; length += 1000) Buffer.allocUnsafe(1000)
      const buffer = Buffer.from('hello')
      assert.ok(buffer.buffer.byteLength >= 100_000)
      assert.ok(encode(buffer).length < 40)
    } finally {
      Buffer.poolSize = size
    }
  })

  test('large Buffers arrive as Buffers', LIMIT, () => {
    for (const buffer of [Buffer.alloc(100_000, 'x'), Buffer.from(counting(5000)), Buffer.alloc(Buffer.poolSize)]) {
      const arrived = roundTrip(buffer)
      assert.ok(Buffer.isBuffer(arrived))
      assert.deepStrictEqual(arrived, buffer)
    }
  })

  test('Buffers and other views of one buffer still share it', LIMIT, () => {
    const memory = counting(100)
    const arrived = roundTrip({ memory, buffer: Buffer.from(memory, 10, 20), bytes: new Uint8Array(memory) })
    assert.ok(Buffer.isBuffer(arrived.buffer))
    assert.equal(arrived.buffer.buffer, arrived.memory)
    assert.equal(arrived.buffer.byteOffset, 10)
    assert.equal(arrived.buffer.length, 20)
    arrived.bytes[12] = 99
    assert.equal(arrived.buffer[2], 99)
  })

  test('a Buffer over a resizable buffer arrives as a Buffer', LIMIT, () => {
    const buffer = Object.setPrototypeOf(new Uint8Array(resizable(8, 32)), Buffer.prototype) as Buffer
    const arrived = roundTrip(buffer)
    assert.ok(Buffer.isBuffer(arrived))
    ;(arrived.buffer as ResizableBuffer).resize(20)
    assert.equal(arrived.length, 20)
  })
})

test('data that is longer than the longest message is refused before it is copied', LIMIT, () => {
  const buffer = new ArrayBuffer(2 ** 31)
  for (const value of [buffer, new Float64Array(buffer), new DataView(buffer)]) {
    assert.throws(() => encode({ value }), {
      name: 'SerializationError',
      path: 'value.value',
      message:
        /an ArrayBuffer of 2147483648 bytes; a message holds less than 2 GiB; send it in parts, or share it as SharedMemory/
    })
  }
})

test('8 MB of numbers are copied straight into the target', LIMIT, () => {
  const numbers = Float64Array.from({ length: 1 << 20 }, (_, i) => i / 3)
  const target = new Uint8Array(9 << 20)
  const encoder = new Encoder()
  assert.equal(encoder.encode(numbers, target, 100), true)
  assert.ok(encoder.end - encoder.start < numbers.byteLength + 64)
  assert.deepStrictEqual(decode(target, encoder.start, encoder.end), numbers)
})
