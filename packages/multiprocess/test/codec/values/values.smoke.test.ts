import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import vm from 'node:vm'
import { decode } from '../../../src/codec/decode.ts'
import { encode } from '../../../src/codec/encode.ts'
import { difference } from '../../fixtures/codec/difference.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(20_000) }

function roundTrip<T>(value: T): T {
  return decode(encode(value)) as T
}

function text(length: number, character: string): string {
  return character.repeat(length)
}

const HOLE = Symbol('hole')

function withHoles(...elements: unknown[]): unknown[] {
  for (let i = 0; i < elements.length; i++) if (elements[i] === HOLE) delete elements[i]
  return elements
}

class Point {
  x = 1
  #hidden = 2
  get hidden(): number {
    return this.#hidden
  }
}

class Scores extends Map<string, number> {
  owner = 'nobody'
}

const sparse: unknown[] = []
sparse[5000] = 'far'
sparse[4_294_967_294] = 'farthest'
const afterHoles: unknown[] = Array.from({ length: 200 }, (_, i) => i)
for (let i = 70; i < 190; i++) delete afterHoles[i]

/** By what each is; the results must be structured clone's. */
function record(keys: number, value: number, prefix: string): Record<string, number> {
  return Object.fromEntries(Array.from({ length: keys }, (_, i) => [`${prefix}${i}`, value]))
}

const values: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  true: true,
  false: false,
  'small integers': Array.from({ length: 300 }, (_, i) => i - 150),
  'integers at the edges of their sizes': [
    0x7fff, 0x8000, -0x8000, -0x8001, 0x7fffffff, 0x80000000, -0x80000000, -0x80000001
  ],
  'other numbers': [
    0,
    -0,
    0.1,
    -1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.MAX_VALUE,
    5e-324
  ],
  BigInts: [
    0n,
    -1n,
    2n ** 63n - 1n,
    2n ** 63n,
    -(2n ** 63n),
    -(2n ** 63n) - 1n,
    2n ** 64n,
    12345678901234567890123n,
    -(7n ** 4000n)
  ],
  'empty string': '',
  'strings of every length up to 70': Array.from({ length: 70 }, (_, i) => text(i, 'é')),
  'wide strings of every length up to 70': Array.from({ length: 70 }, (_, i) => text(i, 'Ж')),
  'strings wide at the end': Array.from({ length: 70 }, (_, i) => `${text(i, 'a')}€`),
  'strings at the edges of their sizes': [254, 255, 256, 257, 65535, 65536].flatMap(n => [text(n, 'x'), text(n, '€')]),
  'all one-byte characters': String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i)),
  'lone surrogates': ['\ud800', 'a\udc00b', `${text(40, 'x')}\udfff`, '\ud83d\ude00', '\ude00\ud83d'],
  'a string put together': `${text(30, 'ab')}${Math.PI}`.slice(3),
  'empty array': [],
  'arrays of every length up to 70': Array.from({ length: 70 }, (_, i) => Array.from({ length: i }, (_, j) => j * 100)),
  'array of everything': [1, 'two', 3.5, null, undefined, true, [4], { five: 5 }],
  'long array': Array.from({ length: 70_000 }, (_, i) => i * 1.5),
  'array with holes': withHoles(1, HOLE, 3, HOLE, HOLE),
  'array of holes only': new Array(100),
  'array with undefined': withHoles(undefined, HOLE, undefined),
  'long array with holes': afterHoles,
  'sparse array': sparse,
  'array with fields': Object.assign([1, 2, 3], {
    name: 'fields',
    '-1': 'negative',
    '01': 'no index',
    '4294967295': 'too far'
  }),
  'long array with fields': Object.assign(new Array(100).fill(7), { total: 700 }),
  'long array with a field that reads like inspection': Object.assign(new Array(100).fill(7), { '': ' more items ]' }),
  'result of a match': /(?<year>\d+)-(\d+)/.exec('in 2024-05'),
  'empty array with fields': Object.assign([], { a: 1 }),
  'array with holes and fields': Object.assign(withHoles(HOLE, 1), { a: 1 }),
  'array without prototype': Object.setPrototypeOf([1, 2], null),
  'array of a subclass': new (class extends Array<number> {})(3),
  'empty object': {},
  'object of everything': { a: 1, b: 'two', c: 3.5, d: null, e: undefined, f: true, g: [4], h: { five: 5 } },
  'objects of one shape': Array.from({ length: 20 }, (_, i) => ({
    id: i,
    name: `n${i}`,
    nested: { id: i },
    tags: ['x']
  })),
  'objects of many shapes': Array.from({ length: 900 }, (_, i) => ({ [`a${i % 300}`]: i, [`b${i % 300}`]: { c: i } })),
  'objects with equal beginnings': Array.from({ length: 60 }, (_, i) =>
    Object.fromEntries(
      'abcdefgh'
        .slice(0, i % 9)
        .split('')
        .map(k => [k, i])
    )
  ),
  'object with many keys': Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key ${i}`, i])),
  // As records up to 127 keys, and of so many words; each often enough for the decoder to compile it.
  'records with 6 keys, 7, 127 and 128': [6, 7, 127, 128].flatMap(n =>
    Array.from({ length: 12 }, (_, i) => record(n, i, 'k'))
  ),
  'records of keys that are 1,000 bytes, 1,100, and 5,000': [24, 26, 120].flatMap(n =>
    Array.from({ length: 12 }, (_, i) => record(n, i, 'k'.repeat(40)))
  ),
  'object with wide keys': [0, 1, 2].map(i => ({ ключ: i, clé: i, '\ud800': i, '': i })),
  'object with long keys': [0, 1, 2].map(i => ({ [text(127, 'k')]: i, [text(128, 'l')]: i, [text(300, 'm')]: i })),
  'object with index keys': [0, 1, 2].map(i => ({ 7: i, 0: i, b: i, 1: i, a: i, 4294967294: i, 4294967295: i })),
  'object with the key __proto__': [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(i =>
    JSON.parse(`{"a": 1, "__proto__": {"b": ${i}}, "constructor": 2}`)
  ),
  'object with the keys of Object.prototype': [0, 1, 2].map(i => ({
    hasOwnProperty: i,
    toString: i,
    valueOf: i,
    length: i
  })),
  'object with a symbol key': { a: 1, [Symbol('b')]: 2 },
  'object with a key that is not enumerable': Object.defineProperty({ a: 1 }, 'b', { value: 2 }),
  'object with a getter': {
    get a() {
      return 5
    },
    b: 6
  },
  'frozen object': Object.freeze({ a: 1 }),
  'object without prototype': Object.assign(Object.create(null), { a: 1, b: { c: 2 } }),
  'object that inherits': Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }),
  'object of another realm': vm.runInNewContext(
    '({ a: [1], m: new Map([[1, 2]]), d: new Date(5), e: new RangeError("x") })'
  ),
  'instance of a class': new Point(),
  'instance of a subclass of Map': new Scores([['a', 1]]),
  'boxed primitives': [
    Object(1),
    Object(-0),
    Object('x'),
    Object(''),
    Object(true),
    Object(false),
    Object(1n),
    Object(2n ** 70n)
  ],
  'boxed string with fields': Object.assign(Object('abc'), { a: 1 }),
  Dates: [new Date(0), new Date(-1), new Date(8.64e15), new Date(Number.NaN)],
  RegExps: [/a/, /(?<n>x)\/[/]/dgimsuy, /\u{1f600}/u, /(?:)/, /\n/],
  Maps: [
    new Map(),
    new Map<unknown, unknown>([
      [1, 'a'],
      ['b', { c: 1 }],
      [{ d: 1 }, [2]],
      [Number.NaN, -0],
      [undefined, null]
    ])
  ],
  Sets: [new Set(), new Set([1, 'a', { b: 1 }, Number.NaN, undefined])],
  'objects that look like built-in ones': [Map, Set, Date, RegExp, Uint8Array, ArrayBuffer, Promise].map(type =>
    type === Promise ? {} : Object.create(type.prototype)
  ),
  'built-in objects under a plain prototype': [
    new Map([[1, 2]]),
    new Set([1]),
    new Uint8Array(2),
    new ArrayBuffer(3),
    new Date(4),
    Object(5)
  ].map(object => Object.setPrototypeOf(object, Object.prototype)),
  Math: Math
}

describe('values arrive as structured clone makes them', () => {
  for (const [name, value] of Object.entries(values)) {
    test(name, LIMIT, () => {
      const expected = structuredClone(value)
      // More than once: the encoder and the decoder treat what they have met before in other ways.
      for (let i = 0; i < 12; i++) {
        const actual = roundTrip(value)
        assert.equal(difference(actual, expected), null)
        assert.equal(difference(roundTrip([value, { value }]), structuredClone([value, { value }])), null)
      }
      if (!(name in UNLIKE_THEMSELVES)) assert.deepStrictEqual(roundTrip(value), expected)
    })
  }
})

/** `deepStrictEqual` walks a sparse array index by index, and finds that an invalid date differs from any. */
const UNLIKE_THEMSELVES = { 'sparse array': true, Dates: true }

describe('beyond structured clone', () => {
  test('a URL arrives as a URL', LIMIT, () => {
    const url = new URL('https://user:pass@example.org:8080/a%20b?x=1&y=ü#z')
    const arrived = roundTrip({ url, again: url })
    assert.ok(arrived.url instanceof URL)
    assert.equal(arrived.url.href, url.href)
    assert.equal(arrived.url.searchParams.get('y'), 'ü')
    assert.equal(arrived.again, arrived.url)
  })

  test('URLSearchParams arrive as URLSearchParams', LIMIT, () => {
    const params = new URLSearchParams([
      ['a', '1'],
      ['a', '2 & 3'],
      ['', 'ü']
    ])
    const arrived = roundTrip(params)
    assert.ok(arrived instanceof URLSearchParams)
    assert.deepEqual([...arrived], [...params])
  })

  test('an object that only inherits from URL arrives as a plain object', LIMIT, () => {
    assert.deepStrictEqual(roundTrip(Object.assign(Object.create(URL.prototype), { a: 1 })), { a: 1 })
  })
})

describe('user code that runs while its object is read', () => {
  const cases: Record<string, () => unknown> = {
    'a getter deletes a later field': () => ({
      get a() {
        delete (this as { b?: number }).b
        return 1
      },
      b: 2,
      c: 3
    }),
    'a getter deletes all other fields': () => ({
      get a() {
        for (const key of ['b', 'c']) delete (this as never)[key]
        return 1
      },
      b: 2,
      c: 3
    }),
    'a getter hides later fields': () => ({
      get a() {
        Object.defineProperty(this, 'b', { enumerable: false })
        Object.defineProperty(this, 'd', { enumerable: false })
        return 1
      },
      b: 2,
      c: 3,
      d: 4
    }),
    'a getter adds a field': () => ({
      get a() {
        ;(this as { z?: number }).z = 9
        return 1
      },
      b: 2
    }),
    'a getter replaces a field': () => ({
      get a() {
        delete (this as { b?: number }).b
        ;(this as { b?: number }).b = 7
        return 1
      },
      b: 2,
      c: 3
    }),
    'a getter makes an array shorter': () => {
      const array: unknown[] = [1, 2, 3]
      Object.defineProperty(array, 0, {
        get: () => {
          array.length = 1
          return 9
        },
        enumerable: true
      })
      return array
    },
    'a getter adds to a Map that is being read': () => {
      const map = new Map<string, unknown>()
      map.set('a', {
        get x() {
          map.set('b', 1)
          map.delete('c')
          return 1
        }
      })
      return map.set('c', 2)
    },
    'a getter adds to a Set that is being read': () => {
      const set = new Set<unknown>()
      return set
        .add({
          get x() {
            set.add('more')
            return 1
          }
        })
        .add(2)
    },
    'a getter answers its own object': () => ({
      get self() {
        return this
      }
    })
  }
  for (const [name, make] of Object.entries(cases)) {
    test(name, LIMIT, () => {
      for (let i = 0; i < 5; i++) assert.equal(difference(roundTrip(make()), structuredClone(make())), null)
    })
  }

  test('an error of a getter is thrown on', LIMIT, () => {
    const error = new TypeError('not now')
    const value = {
      get a() {
        throw error
      }
    }
    assert.throws(
      () => encode([value]),
      thrown => thrown === error
    )
    assert.deepStrictEqual(roundTrip([1]), [1])
  })
})

test('fields that a program added to Object.prototype do not cross', LIMIT, () => {
  const prototype = Object.prototype as { added?: number }
  prototype.added = 1
  try {
    const arrived = [0, 1, 2].map(i => roundTrip({ a: i, b: {} }))
    for (const object of arrived) {
      assert.deepEqual(Object.keys(object), ['a', 'b'])
      assert.deepEqual(Object.keys(object.b), [])
    }
  } finally {
    delete prototype.added
  }
})

test('values cross where a program forbids code from strings', LIMIT, () => {
  const program = `
    import { encode } from '${new URL('../../../src/codec/encode.js', import.meta.url)}'
    import { decode } from '${new URL('../../../src/codec/decode.js', import.meta.url)}'
    let arrived
    for (let i = 0; i < 50; i++) arrived = decode(encode([{ id: i, name: 'x', more: { a: [i] } }]))
    console.log(JSON.stringify(arrived))
  `
  const args = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', program]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(stderr, '')
  assert.equal(status, 0)
  assert.deepEqual(JSON.parse(stdout), [{ id: 49, name: 'x', more: { a: [49] } }])
})
