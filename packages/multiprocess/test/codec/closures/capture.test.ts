import assert from 'node:assert/strict'
import fs, { existsSync as exists } from 'node:fs'
import * as path from 'node:path'
import { describe, test } from 'node:test'
import { cross } from '../../fixtures/closures/crossing.ts'
import * as library from '../../fixtures/closures/library.ts'
import byDefault, { Exported, exported, hidden, settings } from '../../fixtures/closures/library.ts'
import { limit } from '../../fixtures/slowness.ts'

const three = 3
let total = 10
const pair = { left: { deep: [1, 2] }, right: 'r' }
function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1)
}
const isEven = (n: number): boolean => n === 0 || isOdd(n - 1)
const isOdd = (n: number): boolean => n !== 0 && isEven(n - 1)

function counter(start: number): { up: () => number; get: () => number } {
  let n = start
  return { up: () => ++n, get: () => n }
}

describe('functions by value', { timeout: limit(120_000), concurrency: 2 }, () => {
  test('a function captures variables of the main program', async () => {
    assert.equal(await cross(x => x * three, 5), 15)
    assert.deepEqual(await cross(() => [pair.left.deep[1], pair.right]), [2, 'r'])
  })

  test('a function captures variables of functions, blocks, loops, catch clauses and parameters', async () => {
    const make = (a: number, { b, c: [d] }: { b: number; c: number[] }, ...rest: number[]) => {
      const made: (() => unknown)[] = []
      for (let i = 0; i < 1; i++) {
        try {
          throw new Error('caught')
        } catch (error) {
          const inner = a + i
          made.push(() => [inner, b, d, rest, (error as Error).message])
        }
      }
      return made[0]
    }
    assert.deepEqual(await cross(make(1, { b: 2, c: [3] }, 4, 5)), [1, 2, 3, [4, 5], 'caught'])
  })

  test('captured variables have their values of the moment of sending', async () => {
    let n = 1
    const read = () => n
    const first = cross(read)
    n = 2
    assert.deepEqual([await first, await cross(read)], [1, 2])
  })

  test('the child has its own copies of captured variables', async () => {
    const add = () => (total += 5)
    assert.equal(await cross(add), 15)
    assert.equal(total, 10)
  })

  test('only the variables that the text uses are sent', async () => {
    const socket = process.stdout
    const used = 'used'
    const other = () => socket
    assert.equal(await cross(() => used), 'used')
    assert.equal(other(), socket)
  })

  test('keys, labels, properties and inner declarations are not captured as variables', async () => {
    const three = process.stdout
    assert.equal(typeof three, 'object')
    const fn = () => {
      for (;;) break
      const { three: inner = 1, ...rest } = { three: 2, other: 3 }
      const object = { three: 4, nested: { three: 5 } }
      function two(three: number): number {
        return three
      }
      return [inner, rest, object.three, object.nested.three, two(6), [7].map(three => three)]
    }
    assert.deepEqual(await cross(fn), [2, { other: 3 }, 4, 5, 6, [7]])
  })

  test('a recursive function captures itself', async () => {
    assert.equal(await cross(factorial, 5), 120)
    const fib = function self(n: number): number {
      return n < 2 ? n : self(n - 1) + self(n - 2)
    }
    assert.equal(await cross(fib, 10), 55)
  })

  test('functions capture each other', async () => {
    assert.deepEqual(await cross(() => [isEven(10), isOdd(7), isEven(3)]), [true, true, false])
  })

  test("a declaration's variable may have another value by now", async () => {
    let calls = 0
    // biome-ignore lint/suspicious/noFunctionAssign: that is the case
    function original(n: number): number {
      return n === 0 ? calls : original(n - 1)
    }
    const first = original
    // @ts-expect-error it is no variable for TypeScript
    original = (n: number) => 100 + first(n)
    calls = 7
    assert.equal(await cross(first, 1), first(1))
  })

  test('functions of one call share their variables', async () => {
    const { up, get } = counter(5)
    assert.deepEqual(await cross(() => [up(), up(), get()]), [6, 7, 7])
    const bump = () => ++total
    assert.deepEqual(
      await cross(
        (a, b) => [a(), b()],
        bump,
        () => total
      ),
      [11, 11]
    )
  })

  test('two closures of one factory do not share variables', async () => {
    const a = counter(1)
    const b = counter(10)
    assert.deepEqual(await cross(() => [a.up(), a.up(), b.up(), a.get(), b.get()]), [2, 3, 11, 3, 11])
  })

  test('an inner variable hides a shared one', async () => {
    let n = 1
    const outer = () => ++n
    const inner = (() => {
      const n = 50
      const m = () => n
      return { n: m, outer }
    })()
    assert.deepEqual(await cross(() => [inner.n(), inner.outer(), n]), [50, 2, 2])
  })

  test('an object that is met twice stays one object, even in cycles', async () => {
    const node: { self?: unknown; get?: () => unknown } = {}
    node.self = node
    node.get = () => node
    assert.deepEqual(await cross(n => [n === node, n.self === n, n.get!() === node], node), [true, true, true])
  })

  test('captured imports are imported again by the child', async () => {
    const fn = () => [
      path.basename('/a/b'),
      exists('/'),
      typeof fs.readFileSync,
      byDefault(),
      exported(1),
      new Exported(2).double()
    ]
    assert.deepEqual(await cross(fn), ['b', true, 'function', 'default', 'exported 1', 4])
    assert.deepEqual(await cross(() => [settings.level, Object.keys(library).length > 3]), [3, true])
  })

  test('functions that another module does not export are captured by value', async () => {
    const { add, base, next } = hidden()
    assert.deepEqual([await cross(add, 2), await cross(base, '/x/y'), await cross(next)], [42, 'y', 1])
  })

  test('modules, and objects that every process has, are captured by name', async () => {
    const objects = { fs, path, library, Math, console, process, globalThis, proto: Array.prototype, max: Math.max }
    const fn = () => [
      objects.fs.existsSync('/'),
      objects.path.sep,
      objects.library.exported(2),
      objects.Math === Math,
      objects.console === console,
      objects.process === process,
      objects.globalThis === globalThis,
      objects.proto === Array.prototype,
      objects.max === Math.max
    ]
    assert.deepEqual(await cross(fn), [true, '/', 'exported 2', true, true, true, true, true, true])
  })

  test('async functions, generators, default arguments, getters and methods cross', async () => {
    async function* numbers() {
      yield three
      await null
      yield* [1, 2]
    }
    const collect = async () => {
      const found: number[] = []
      for await (const n of numbers()) found.push(n)
      return found
    }
    assert.deepEqual(await cross(collect), [3, 1, 2])
    function* generate(to: number) {
      for (let i = 0; i < to; i++) yield i * three
    }
    assert.deepEqual(await cross(() => [...generate(3)]), [0, 3, 6])
    assert.deepEqual(
      await cross((a: number, b = three, { c = total }: { c?: number } = {}) => [a, b, c], 1),
      [1, 3, 10]
    )
    const key = 'computed'
    const object = {
      method(x: number) {
        return x + three
      },
      get value() {
        return three
      },
      async 'quoted name'() {
        return three
      },
      *[key]() {
        yield three
      },
      7: () => 'seven'
    }
    assert.equal(await cross(object.method, 1), 4)
    assert.equal(await cross(Object.getOwnPropertyDescriptor(object, 'value')!.get!), 3)
    assert.equal(await cross(object['quoted name']), 3)
    assert.deepEqual(await cross(f => [...f(), f.name], object[key]), [3, 'computed'])
    assert.equal(await cross(object[7]), 'seven')
  })

  test('bound functions cross with their arguments', async () => {
    const object = {
      n: 4,
      add(a: number, b: number) {
        return this.n + a + b + three
      }
    }
    assert.equal(await cross(object.add.bind(object, 1), 2), 10)
    const self: { n: number; get?: () => number } = { n: 8 }
    self.get = function (this: { n: number }) {
      return this.n
    }.bind(self)
    assert.deepEqual(await cross(s => [s.get!(), s.n], self), [8, 8])
    assert.equal(await cross(self.get), 8)
    assert.equal(await cross(Math.max.bind(null, 3), 2), 3)
  })

  test('functions keep their names, properties and properties of functions', async () => {
    const fn = Object.assign(() => fn.calls, { calls: 3, nested: { f: () => three } })
    Object.defineProperty(fn, 'hidden', { value: 1 })
    const seen = await cross(
      f => [f.name, f(), f.nested.f(), Object.keys(f), Object.getOwnPropertyDescriptor(f, 'hidden')],
      fn
    )
    assert.deepEqual(seen, [
      '',
      3,
      3,
      ['calls', 'nested'],
      { value: 1, writable: false, enumerable: false, configurable: false }
    ])
    const named = () => 1
    assert.deepEqual(
      await cross(
        (a, b) => [a.name, b.name],
        named,
        (
          () => () =>
            1
        )()
      ),
      ['named', '']
    )
    assert.equal(
      await cross(
        f => f.toString(),
        (a: number) => a + three
      ),
      ((a: number) => a + three).toString()
    )
  })

  test('import() is relative to the module, and import.meta is that of the module', async () => {
    assert.equal(
      await cross(async () => (await import('../../fixtures/closures/library.js')).exported(4)),
      'exported 4'
    )
    const meta = () => [import.meta.url, import.meta.resolve('./x.js'), import.meta.resolve('node:fs')]
    assert.deepEqual(await cross(meta), meta())
  })

  test('symbols are captured', async () => {
    const own = Symbol('own')
    const shared = Symbol.for('shared')
    const first = () => own
    const fn = () => [first() === own, own.description, shared === Symbol.for('shared'), Symbol.iterator === iterator]
    const iterator = Symbol.iterator
    assert.deepEqual(await cross(fn), [true, 'own', true, true])
  })

  test('globals of the program are captured', async () => {
    const global = globalThis as unknown as Record<string, unknown>
    global.ofProgram = { n: 1 }
    try {
      // @ts-expect-error TypeScript does not know it
      assert.equal(await cross(() => ofProgram.n + 1), 2)
    } finally {
      delete global.ofProgram
    }
  })

  test('functions inside values cross, and one function twice stays one', async () => {
    const double = (x: number) => x * 2
    const list = [double, { inner: double }, new Map([['f', double]])] as const
    const fn = (given: typeof list) => [given[0] === given[1].inner, given[2].get('f') === double, given[0](4)]
    assert.deepEqual(await cross(fn, list), [true, true, 8])
  })

  test('a received function can be sent back, and on to another process', async () => {
    const back = await cross((a: number) => (b: number) => a + b + three, 1)
    assert.equal(back(2), 6)
    const again = await cross(f => f, back)
    assert.equal(again(10), 14)
    const importing = await cross(() => () => path.basename('/p/q'))
    assert.equal(await cross(importing), 'q')
  })

  test('thousands of functions in a row cross', async () => {
    let chain: (n: number) => number = n => n
    for (let i = 0; i < 1200; i++) {
      const next = chain
      chain = n => next(n) + 1
    }
    assert.equal(await cross(chain, 0), 1200)
  })
})
