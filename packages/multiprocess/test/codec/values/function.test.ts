import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decode, modulesOf } from '../../../src/codec/decode.ts'
import { Encoder, encode } from '../../../src/codec/encode.ts'
import type { AnyFunction, FunctionReferenceData } from '../../../src/codec/references/data.ts'
import { registerKind, setFunctionCodec } from '../../../src/codec/values/registry.ts'
import { SerializationError, ValueError } from '../../../src/errors.ts'
import { brand } from '../../../src/ground/brand.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(20_000) }

function square(n: number): number {
  return n * n
}
class Job {}
const far = (): string => 'far'

const known = new Map<AnyFunction, FunctionReferenceData>([
  [square, { module: 'file:///lib/math.js', export: 'square' }],
  [Job, { module: 'file:///lib/math.js', export: 'Job' }],
  [far, { module: 'file:///lib/ünïcode/Ж.js', export: 'default' }]
])

const askedPaths: string[] = []
const codec = {
  referenceOf(fn: AnyFunction, path: string): FunctionReferenceData {
    askedPaths.push(path)
    const reference = known.get(fn)
    if (reference === undefined) throw new SerializationError(`cannot send ${path}: it is not exported`, path)
    return reference
  },
  resolveReference(reference: FunctionReferenceData): unknown {
    for (const [fn, { module, export: name }] of known)
      if (module === reference.module && name === reference.export) return fn
    throw new Error(`${reference.module} does not export ${reference.export}`)
  }
}

describe('functions', () => {
  before(() => setFunctionCodec(codec))
  after(() => setFunctionCodec(null))

  test('functions arrive as themselves, and the modules to import are known before', LIMIT, () => {
    const value = { run: square, args: [1, Job], also: [far, square], [Symbol.iterator]: 1 }
    const message = encode(value)
    assert.deepEqual(modulesOf(message), ['file:///lib/math.js', 'file:///lib/ünïcode/Ж.js'])
    assert.deepEqual(decode(message), { run: square, args: [1, Job], also: [far, square] })
    assert.equal(decode(encode(square)), square)
  })

  test('a message without functions requires no modules', LIMIT, () => {
    assert.deepEqual(modulesOf(encode({ a: 1 })), [])
    assert.deepEqual(modulesOf(new Uint8Array(0)), [])
  })

  test('functions are decoded from the middle of a target, and from the scratch', LIMIT, () => {
    const encoder = new Encoder()
    const target = new Uint8Array(1000)
    for (const limit of [1000, 120]) {
      encoder.encode(['text', far, { square }], target, 77, limit)
      const { bytes, start, end } = encoder
      assert.deepEqual(modulesOf(bytes, start, end), ['file:///lib/ünïcode/Ж.js', 'file:///lib/math.js'])
      assert.deepEqual(decode(bytes, start, end), ['text', far, { square }])
    }
  })

  test('each function is looked up once for a message, with the path of its first place', LIMIT, () => {
    askedPaths.length = 0
    encode([1, { fn: square }, square, new Map([['key', far]])], 'args')
    assert.deepEqual(askedPaths, ['args[1].fn', 'args[3].get("key")'])
  })

  test('an error of the lookup is thrown on, and leaves the encoder clean', LIMIT, () => {
    const encoder = new Encoder()
    assert.throws(() => encoder.encode({ list: [square, () => {}] }), {
      name: 'SerializationError',
      path: 'value.list[1]',
      message: 'cannot send value.list[1]: it is not exported'
    })
    encoder.encode([1])
    assert.deepEqual(modulesOf(encoder.bytes, encoder.start, encoder.end), [])
    assert.deepEqual(decode(encoder.bytes, encoder.start, encoder.end), [1])
  })

  test("an error of the receiver's lookup is thrown on", LIMIT, () => {
    const message = encode([square])
    const reference = known.get(square)!
    known.delete(square)
    try {
      assert.throws(() => decode(message), { message: 'file:///lib/math.js does not export square' })
      assert.deepEqual(decode(encode([2])), [2])
    } finally {
      known.set(square, reference)
    }
  })

  test('a lookup may itself encode and decode', LIMIT, () => {
    setFunctionCodec({
      referenceOf: (fn, path) => decode(encode(codec.referenceOf(fn, path))) as FunctionReferenceData,
      resolveReference: reference => codec.resolveReference(decode(encode(reference)) as FunctionReferenceData)
    })
    const value = [{ a: 1, square }, [{ far }], { a: 2, square }]
    assert.deepEqual(decode(encode(value)), value)
    setFunctionCodec(codec)
  })

  test('a receiver without a codec for functions refuses them', LIMIT, () => {
    const message = encode([square])
    setFunctionCodec(null)
    assert.throws(() => decode(message), {
      name: 'SerializationError',
      message: /function square of file:\/\/\/lib\/math\.js/
    })
    setFunctionCodec(codec)
  })
})

describe('registered kinds', () => {
  class Handle {
    readonly id: number
    partner: Handle | null = null
    constructor(id: number) {
      this.id = id
      brand(this, 'test handle')
    }
  }
  const opened = new Map<number, Handle>()
  const isSharedArray = (value: object) => value instanceof Int32Array && 'shared' in value
  const sharedArray = (...items: number[]) => {
    const array = Object.assign(Int32Array.from(items), { shared: true })
    brand(array, 'test array')
    return array
  }

  before(() => {
    registerKind<Handle, { id: number; more: unknown[] }>({
      name: 'test handle',
      encode: handle => ({ id: handle.id, more: [handle.id, { text: 'ж' }] }),
      decode: data => {
        assert.deepEqual(data.more, [data.id, { text: 'ж' }])
        if (!opened.has(data.id)) opened.set(data.id, new Handle(data.id))
        return opened.get(data.id)!
      }
    })
    registerKind<Int32Array, number>({
      name: 'test array',
      encode: array => array[0],
      decode: first => sharedArray(first)
    })
    registerKind<object, string>({
      name: 'test proxy',
      encode: () => 'proxied',
      decode: data => new Proxy({ data }, {})
    })
  })

  test('objects of a registered kind arrive as themselves, once each', LIMIT, () => {
    const [a, b] = [new Handle(1), new Handle(2)]
    const arrived = decode(encode({ a, list: [b, a], map: new Map([[a, b]]) })) as {
      a: Handle
      list: Handle[]
      map: Map<Handle, Handle>
    }
    assert.ok(arrived.a instanceof Handle)
    assert.equal(arrived.a.id, 1)
    assert.equal(arrived.list[1], arrived.a)
    assert.equal(arrived.map.get(arrived.a), arrived.list[0])
  })

  test('a registered kind is recognised before the built-in types', LIMIT, () => {
    const shared = sharedArray(5, 6)
    const arrived = decode(encode([shared, Int32Array.of(7)])) as Int32Array[]
    assert.ok(isSharedArray(arrived[0]))
    assert.equal(arrived[0].length, 1)
    assert.equal(isSharedArray(arrived[1]), false)
  })

  test('a proxy may be of a registered kind', LIMIT, () => {
    const handler = new Proxy({}, { get: (_, trap) => assert.fail(`the trap ${String(trap)} was looked up`) })
    const proxy = new Proxy({}, handler)
    assert.throws(() => encode([proxy]), { path: 'value[0]' })
    brand(proxy, 'test proxy')
    assert.equal((decode(encode([proxy])) as { data: string }[])[0].data, 'proxied')
  })

  test('the receiver refuses data that refers to its own object', LIMIT, () => {
    class Knot {
      constructor() {
        brand(this, 'test knot')
      }
    }
    registerKind({
      name: 'test knot',
      encode: knot => [knot],
      decode: data => data
    })
    const message = encode(new Knot())
    assert.throws(() => decode(message), {
      name: 'SerializationError',
      message: /nothing to refer to stands at byte 1/
    })
  })

  test('a name can be registered once', LIMIT, () => {
    assert.throws(
      () =>
        registerKind({
          name: 'test handle',
          encode: value => value,
          decode: data => data as object
        }),
      (error: Error) =>
        error instanceof ValueError &&
        error.message === 'cannot register the kind "test handle": it is already registered; use another name'
    )
  })
})
