import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { decode, modulesOf } from '../../../src/codec/decode.ts'
import { encode } from '../../../src/codec/encode.ts'
import { importModule } from '../../../src/codec/references/imports.ts'
import { cross } from '../../fixtures/closures/crossing.ts'
import { Exported, makeInner } from '../../fixtures/closures/library.ts'
import { limit } from '../../fixtures/slowness.ts'

const scale = 3
const tag = Symbol('tag')
const names = { computed: 'computedName' }

class Point {
  static readonly origin = new Point(0, 0)
  static made = 1
  static #count = 5
  static {
    Point.#count += 1
  }
  static arrow = () => Point.made * scale
  x: number
  y: number
  constructor(x: number, y: number) {
    this.x = x
    this.y = y
  }
  static of(x: number): Point {
    return new Point(x, x)
  }
  static next(): number {
    return ++Point.#count
  }
  get norm(): number {
    return Math.hypot(this.x, this.y) * scale
  }
  set norm(value: number) {
    this.x = value
  }
  [tag](): string {
    return 'tagged'
  }
  [names.computed](): string {
    return 'computed'
  }
  *[Symbol.iterator](): Iterator<number> {
    yield this.x
    yield this.y
  }
}

class Point3 extends Point {
  z = scale
  override get norm(): number {
    return super.norm + this.z
  }
  static override of(x: number): Point3 {
    // biome-ignore lint/complexity/noThisInStatic: that is the case
    return Object.assign(new Point3(x, x), { z: super.of(x).x })
  }
}

class Failure extends RangeError {
  override name = 'Failure'
  detail: unknown
  constructor(message: string, detail: unknown, options?: ErrorOptions) {
    super(message, options)
    this.detail = detail
  }
  explain(): string {
    return `${this.message}: ${this.detail}`
  }
}

class Account {
  #balance: number
  constructor(balance: number) {
    this.#balance = balance
  }
  get balance(): number {
    return this.#balance
  }
  [Symbol.for('multiprocess.reduce')](): unknown[] {
    return [Account, [this.#balance]]
  }
}

describe('classes and instances', { timeout: limit(120_000), concurrency: 2 }, () => {
  test('an instance arrives with its class and its fields', async () => {
    const seen = await cross(
      p => [
        p instanceof Point,
        p.norm,
        [...p],
        p[tag](),
        p[names.computed](),
        p.constructor === Point,
        p.constructor.name
      ],
      new Point(3, 4)
    )
    assert.deepEqual(seen, [true, 15, [3, 4], 'tagged', 'computed', true, 'Point'])
  })

  test('classes cross with their superclass, super calls and static members', async () => {
    const fn = (p: Point3) => [
      p instanceof Point3,
      p instanceof Point,
      p.norm,
      Object.getPrototypeOf(Point3) === Point,
      Point3.of(2).z,
      Point3.made,
      Point.origin instanceof Point,
      Point.arrow()
    ]
    assert.deepEqual(await cross(fn, new Point3(3, 4)), [true, true, 18, true, 2, 1, true, 3])
  })

  test('static fields cross with their values of the moment of sending, private ones too', async () => {
    Point.made = 2
    Point.next()
    assert.deepEqual(await cross(() => [Point.made, Point.next()]), [2, 8])
    Point.made = 1
  })

  test('static blocks and initialisers do not run again in the child', async () => {
    const runs: number[] = []
    class Registered {
      static value = runs.push(1)
      static {
        runs.push(2)
      }
    }
    assert.deepEqual(await cross(() => [Registered.value, runs]), [1, [1, 2]])
  })

  test('classes of modules cross by reference', async () => {
    const fn = (e: Exported, i: { value: number }) => [e instanceof Exported, e.double(), i.value, i.constructor.name]
    assert.deepEqual(await cross(fn, new Exported(4), makeInner()), [true, 8, 40, 'Inner'])
  })

  test('instances in results are instances of the classes of this process', async () => {
    const [p, e] = await cross(() => [Point.of(2), new Exported(1)] as const)
    assert.ok(p instanceof Point && e instanceof Exported)
    assert.deepEqual([p.norm, p.constructor], [Math.hypot(2, 2) * 3, Point])
    const made = Point.made
    await cross(() => {
      Point.made = 99
      return new Point(1, 1)
    })
    assert.equal(Point.made, made)
  })

  test('a class keeps its identity from one message to the next', async () => {
    const receive = async (bytes: Uint8Array) => {
      for (const module of modulesOf(bytes)) await importModule(module)
      return decode(bytes)
    }
    assert.equal(await receive(encode(Point)), Point)
    const twice = (first: Point, second: Point) => first.constructor === second.constructor
    assert.equal(await cross(twice, new Point(1, 2), new Point(3, 4)), true)
  })

  test('classes that functions create cross', async () => {
    // biome-ignore lint/suspicious/noExplicitAny: TypeScript wants it of a class that is mixed in
    const make = <T extends new (...args: any[]) => object>(Base: T, extra: number) =>
      class extends Base {
        extra() {
          return extra
        }
      }
    const Mixed = make(Point, 7) as unknown as typeof Point & (new (x: number, y: number) => { extra(): number })
    const mixed = new Mixed(1, 2) as Point & { extra(): number }
    assert.deepEqual(await cross(m => [m.extra(), m instanceof Mixed, m instanceof Point, m.x], mixed), [
      7,
      true,
      true,
      1
    ])
  })

  test('a class and an instance of it that refer to each other cross', async () => {
    class Single {
      static instance: Single | undefined
      self = this
      static get(): unknown {
        return single
      }
    }
    const single = new Single()
    Single.instance = single
    const fn = (s: Single) => [Single.get() === s, Single.instance === s, s.self === s, s instanceof Single]
    assert.deepEqual(await cross(fn, single), [true, true, true, true])
  })

  test('a class that creates the class that extends it crosses', async () => {
    class Base {
      static make(): Base {
        return new Derived()
      }
    }
    class Derived extends Base {}
    assert.deepEqual(await cross(d => [Base.make() instanceof Derived, d instanceof Base], new Derived()), [true, true])
  })

  test('members that were added or replaced cross', async () => {
    class Patched {
      value = 1
      get(): number {
        return this.value
      }
    }
    const original = Patched.prototype.get
    Patched.prototype.get = function () {
      return original.call(this) + scale
    }
    Object.defineProperty(Patched.prototype, 'added', { get: () => 'added', configurable: true })
    const fn = (p: Patched & { added?: string }) => [p.get(), p.added]
    assert.deepEqual(await cross(fn, new Patched()), [4, 'added'])
  })

  test('functions that are used as classes cross', async () => {
    function Old(this: { x: number }, x: number) {
      this.x = x
    }
    Old.prototype.get = function (this: { x: number }) {
      return this.x + scale
    }
    function Older(this: { x: number }, x: number) {
      Old.call(this, x)
    }
    Object.setPrototypeOf(Older.prototype, Old.prototype)
    Object.setPrototypeOf(Older, Old)
    // @ts-expect-error an old-style constructor
    const older = new Older(2)
    const fn = (o: { get(): number }) => [o.get(), o instanceof Older, o instanceof Old]
    assert.deepEqual(await cross(fn, older), [5, true, true])
  })

  test('objects that inherit from objects cross', async () => {
    const defaults = { level: 1, log: () => `level ${scale}` }
    const object = Object.assign(Object.create(defaults), { own: 2 })
    const seen = await cross(o => [o.level, o.own, o.log(), Object.keys(o)], object)
    assert.deepEqual(seen, [1, 2, 'level 3', ['own']])
  })

  test('classes that extend built-in classes keep both', async () => {
    class Totals extends Map<string, number> {
      label = 'totals'
      total(): number {
        return [...this.values()].reduce((a, b) => a + b, 0)
      }
    }
    class Unique extends Set<number> {}
    class List extends Array<number> {
      sum(): number {
        return this.reduce((a, b) => a + b, 0)
      }
    }
    class Id extends String {
      kind = 'id'
    }
    class Moment extends Date {}
    class Pattern extends RegExp {}
    class Bytes extends Uint8Array {
      first(): number {
        return this[0]
      }
    }
    const list = new List()
    list.push(1, 2, 3)
    const totals = new Totals([
      ['a', 1],
      ['b', 2]
    ])
    totals.set('self', totals as never)
    totals.delete('self')
    const values = [
      totals,
      new Unique([1]),
      list,
      new Id('x'),
      new Moment(5),
      new Pattern('a+', 'g'),
      new Bytes([9])
    ] as const
    const fn = (given: typeof values) => {
      const [t, u, l, i, m, p, b] = given
      return [
        [t.total(), t.label, t.size, t instanceof Totals, t instanceof Map],
        [u.has(1), u instanceof Unique],
        [l.sum(), l.length, Array.isArray(l), l instanceof List, l.map(x => x) instanceof List],
        [i.length, String(i), i.kind, i instanceof Id],
        [m.getTime(), m instanceof Moment],
        [p.test('caat'), p.flags, p instanceof Pattern],
        [b.first(), b.length, b instanceof Bytes]
      ]
    }
    assert.deepEqual(await cross(fn, values), [
      [3, 'totals', 2, true, true],
      [true, true],
      [6, 3, true, true, true],
      [1, 'x', 'id', true],
      [5, true],
      [true, 'g', true],
      [9, 1, true]
    ])
  })

  test('a built-in collection of a class that contains itself crosses', async () => {
    class Tree extends Map<string, unknown> {}
    const tree = new Tree()
    tree.set('self', tree)
    assert.equal(await cross(t => t.get('self') === t && t instanceof Tree, tree), true)
  })

  test('errors arrive with their class, fields, cause and stack', async () => {
    const failure = new Failure('lost', { at: 1 }, { cause: new TypeError('why') })
    const fn = (e: Failure) => [
      e instanceof Failure,
      e instanceof RangeError,
      e.explain(),
      e.name,
      (e.cause as Error).message,
      e.stack
    ]
    const [isFailure, isRange, text, name, cause, stack] = await cross(fn, failure)
    assert.deepEqual([isFailure, isRange, text, name, cause], [true, true, 'lost: [object Object]', 'Failure', 'why'])
    assert.equal(stack, failure.stack)
  })

  test('a thrown value arrives as it was thrown', async () => {
    const thrown = await cross(() => {
      throw new Failure('there', 1)
    }).catch(error => error)
    assert.ok(thrown instanceof Failure)
    assert.deepEqual([thrown.message, thrown.detail, thrown.explain()], ['there', 1, 'there: 1'])
    for (const value of ['text', 0, undefined, null, { code: 1 }, [1]]) {
      const got = await cross(v => {
        throw v
      }, value).catch(error => error)
      assert.deepEqual(got, value)
    }
  })

  test('Symbol.for("multiprocess.reduce") defines how an object is created again', async () => {
    const account = new Account(12)
    const [back, balance, same] = await cross((a, b) => [a, a.balance, a === b] as const, account, account)
    assert.ok(back instanceof Account)
    assert.deepEqual([back.balance, balance, same], [12, 12, true])
    const byFunction = {
      __proto__: {
        [Symbol.for('multiprocess.reduce')]: () => [(a: number) => ({ made: a * scale }), [2]]
      }
    }
    assert.deepEqual(await cross(o => o as unknown, byFunction), { made: 6 })
  })

  test("instances of Node's classes cross", async () => {
    class Bus extends EventEmitter {
      level = 1
    }
    assert.deepEqual(await cross(b => [b instanceof Bus, b instanceof EventEmitter, b.level], new Bus()), [
      true,
      true,
      1
    ])
  })

  test('URLs, which have private members, cross, and so do classes that extend them', async () => {
    const url = new URL('https://user@example.org:81/a?b=c#d')
    const params = new URLSearchParams('b=c&b=d')
    const [sameUrl, sameParams, seen] = await cross((u, p) => [u, p, [u.hash, p.getAll('b')]] as const, url, params)
    assert.ok(sameUrl instanceof URL && sameParams instanceof URLSearchParams)
    assert.deepEqual([sameUrl.href, `${sameParams}`, seen], [url.href, `${params}`, ['#d', ['c', 'd']]])
    class Page extends URL {
      level = 2
      get name(): string {
        return `${this.pathname} ${this.level}`
      }
    }
    const page = await cross(
      p => (p.name === '/x 3' ? p : null),
      Object.assign(new Page('https://example.org/x'), { level: 3 })
    )
    assert.ok(page instanceof Page)
    assert.deepEqual([page.href, page.name], ['https://example.org/x', '/x 3'])
  })

  test('plain objects and arrays stay plain', async () => {
    const plain = { a: [1, { b: 2 }], m: new Map([[1, 2]]) }
    assert.deepEqual(decode(encode(plain)), plain)
    assert.deepEqual(modulesOf(encode(plain)), [])
  })
})
