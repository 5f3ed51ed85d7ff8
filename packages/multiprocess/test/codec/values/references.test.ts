import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from '../../../src/codec/decode.ts'
import { encode } from '../../../src/codec/encode.ts'
import { difference } from '../../fixtures/codec/difference.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(20_000) }

function roundTrip<T>(value: T): T {
  return decode(encode(value)) as T
}

interface Linked {
  next?: Linked
  [key: string]: unknown
}

describe('one object met twice stays one object', () => {
  const makers: Record<string, () => object> = {
    'plain object': () => ({ a: 1 }),
    'object with many keys': () => Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i])),
    array: () => [1],
    'array with fields': () => Object.assign([1], { a: 1 }),
    Map: () => new Map([[1, 2]]),
    Set: () => new Set([1]),
    Date: () => new Date(5),
    RegExp: () => /x/,
    'boxed primitive': () => Object(5),
    ArrayBuffer: () => new ArrayBuffer(4),
    'typed array': () => new Int16Array(4),
    DataView: () => new DataView(new ArrayBuffer(4)),
    Buffer: () => Buffer.from('abc'),
    'large Buffer': () => Buffer.alloc(20_000),
    Error: () => new Error('x'),
    URL: () => new URL('https://example.org'),
    URLSearchParams: () => new URLSearchParams('a=1')
  }
  for (const [name, make] of Object.entries(makers)) {
    test(name, LIMIT, () => {
      for (let round = 0; round < 12; round++) {
        const [one, other] = [make(), make()]
        const arrived = roundTrip({ list: [one, other, one], map: new Map([[one, other]]), again: other })
        assert.equal(arrived.list[0], arrived.list[2])
        assert.notEqual(arrived.list[0], arrived.list[1])
        assert.equal(arrived.map.get(arrived.list[0]), arrived.list[1])
        assert.equal(arrived.again, arrived.list[1])
      }
    })
  }

  test('one object that is met twice among thousands stays one object', LIMIT, () => {
    const objects = Array.from({ length: 5000 }, (_, i) => ({ i }))
    const value = [...objects, ...objects.toReversed(), objects]
    assert.equal(difference(roundTrip(value), structuredClone(value)), null)
  })

  for (const count of [1, 7, 15, 16, 17, 18, 40]) {
    test(`one object that is met twice among ${count} objects stays one object`, LIMIT, () => {
      const objects = Array.from({ length: count }, (_, i) => (i % 2 ? [i] : { i }))
      const value = [objects, [...objects].reverse(), objects]
      assert.equal(difference(roundTrip(value), structuredClone(value)), null)
    })
  }
})

describe('cycles', () => {
  test('cycles through objects arrive', LIMIT, () => {
    for (let round = 0; round < 12; round++) {
      const a: Linked = { name: 'a' }
      const b: Linked = { name: 'b', next: a }
      a.next = b
      a['self'] = a
      const arrived = roundTrip(a)
      assert.equal(arrived.next?.next, arrived)
      assert.equal(arrived['self'], arrived)
      assert.equal(arrived.next?.['name'], 'b')
    }
  })

  test('cycles through arrays, Maps and Sets arrive', LIMIT, () => {
    const array: unknown[] = []
    const map = new Map<unknown, unknown>()
    const set = new Set<unknown>()
    array.push(array, map)
    map.set(map, array).set('set', set)
    set.add(set).add(array)
    assert.equal(difference(roundTrip(array), structuredClone(array)), null)
    assert.equal(difference(roundTrip(map), structuredClone(map)), null)
    assert.equal(difference(roundTrip(set), structuredClone(set)), null)
  })

  test('cycles through the cause, the errors and the fields of errors arrive', LIMIT, () => {
    const inner = new TypeError('inner')
    const outer = Object.assign(new AggregateError([inner], 'outer', { cause: inner }), { inner })
    inner.cause = outer
    const arrived = roundTrip(outer)
    assert.equal(arrived.cause, arrived.inner)
    assert.equal(arrived.errors[0], arrived.inner)
    assert.equal(arrived.inner.cause, arrived)
  })
})
