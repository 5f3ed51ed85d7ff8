/** Objects of one's own, and what Python's documentation of managers shows, line by line. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MultiprocessError, type Remote, SerializationError, ValueError } from '../../src/index.ts'
import { GROUNDS } from '../fixtures/managers/grounds.ts'
import { freed } from '../fixtures/managers/holding.ts'
import * as objects from '../fixtures/managers/objects.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

for (const [ground, library] of GROUNDS) {
  describe(`own objects over ${ground}`, { timeout }, () => {
    test('a class of managers has typed factories', { timeout }, async () => {
      const Managers = library.defineManager({
        Maths: objects.Maths,
        make: objects.makeMaths,
        later: async (base: number) => objects.makeMaths(base),
        countTo: objects.countTo,
        operators: objects.getOperators,
        adder: objects.makeAdder,
        Text: Map<string, number>
      })
      await using manager = new Managers()
      await manager.start()
      const maths = await manager.Maths()
      const sum: number = await maths.add(1, 2)
      assert.deepEqual([sum, maths.addSync(3, 4), await maths.mulLater(2, 3), maths.mulLaterSync(4, 5)], [3, 7, 6, 20])
      assert.deepEqual([await (await manager.make(10)).add(1, 1), await (await manager.later(20)).add(1, 1)], [12, 22])
      // Private methods, those whose names begin with _, and fields are not there.
      assert.deepEqual(
        ['_private', 'secret', 'constructor'].map(name => Object.hasOwn(Object.getPrototypeOf(maths), name)),
        [false, false, true]
      )
      // @ts-expect-error: a private method
      void maths._private
      // @ts-expect-error: a field
      void maths.secret
      await assert.rejects(maths.fail(), (error: Error & { digits?: number }) => {
        assert.deepEqual([error.name, error.message, error.digits], ['MathsError', 'no such number', 3])
        assert.ok(error instanceof objects.MathsError)
        assert.match(error.stack as string, /Maths\.fail[\s\S]*called from[\s\S]*own\.test/)
        return true
      })
      assert.throws(
        () => maths.failAsKnownSync(),
        error => error instanceof MultiprocessError && error.code === 'ERR_KNOWN'
      )

      const squares: number[] = []
      for await (const square of await maths.squares(4)) squares.push(square)
      assert.deepEqual(squares, [0, 1, 4, 9])
      const cubes: number[] = []
      for await (const cube of await maths.cubes(4)) cubes.push(cube)
      assert.deepEqual(cubes, [0, 1, 8, 27])
      const stepped = maths.squaresSync(2)
      assert.deepEqual(
        [stepped.nextSync(), await stepped.next(), stepped.nextSync()],
        [
          { value: 0, done: false },
          { value: 1, done: false },
          { value: 'done', done: true }
        ]
      )
      const counted: number[] = []
      for await (const n of await manager.countTo(3)) counted.push(n)
      assert.deepEqual(counted, [1, 2, 3])
      const operators = await manager.operators()
      assert.deepEqual([await operators.add(1, 2), operators.powSync(2, 8)], [3, 256])
      const adder = await manager.adder(5)
      assert.deepEqual([await adder.call(1), adder.callSync(2)], [6, 7])
      const map = await manager.Text([['a', 1]])
      assert.deepEqual([await map.get('a'), await map.has('b')], [1, false])
      // What every manager has is there too.
      assert.equal(await (await manager.list([1])).length(), 1)
    })

    test('a class registers its types as in Python, and classes that extend it have them', { timeout }, async () => {
      class MyManager extends library.BaseManager {
        declare Maths: (base?: number) => Promise<Remote<objects.Maths>>
        declare Foo: () => Promise<{ f(): Promise<string>; g?: unknown; _hSync(): string }>
      }
      MyManager.register('Maths', objects.Maths)
      class Foo {
        f() {
          return 'you called Foo.f()'
        }
        g() {
          return 'you called Foo.g()'
        }
        _h() {
          return 'you called Foo._h()'
        }
      }
      class Further extends MyManager {}
      Further.register('Foo', Foo, { exposed: ['f', '_h'] })
      Further.register('hidden', Foo, { createMethod: false })
      assert.equal('Foo' in MyManager.prototype, false)
      assert.equal('hidden' in Further.prototype, false)
      await using manager = new Further()
      await manager.start()
      assert.equal(await (await manager.Maths(1)).add(1, 1), 3)
      const foo = await manager.Foo()
      assert.deepEqual([await foo.f(), foo._hSync(), foo.g], ['you called Foo.f()', 'you called Foo._h()', undefined])
    })

    test('the blocking twin of a method replaces a method of its name', { timeout }, async () => {
      const Managers = library.defineManager({
        Reader: class {
          readSync() {
            return 'another'
          }
          read() {
            return 'read'
          }
        }
      })
      await using manager = new Managers()
      await manager.start()
      const reader = await manager.Reader()
      assert.deepEqual([reader.readSync(), await reader.read()], ['read', 'read'])
    })

    test('invalid registrations are refused with the reason', { timeout }, async () => {
      const { BaseManager, defineManager } = library
      assert.throws(() => defineManager({ nothing: 5 }), TypeError)
      for (const taken of ['start', 'connect', 'address', 'constructor', 'then']) {
        assert.throws(() => defineManager({ [taken]: Map }), ValueError, taken)
      }
      assert.throws(() => class extends BaseManager {}.register('x', Map, { exposed: [5 as never] }), TypeError)
      assert.throws(() => class extends BaseManager {}.register('x', Map, { exposed: ['then'] }), ValueError)
      const Managers = defineManager({
        none: () => undefined,
        wrong: () => 5,
        throws: () => {
          throw new RangeError('not made')
        }
      })
      await using manager = new Managers()
      await assert.rejects(manager.list(), ValueError)
      await assert.rejects(manager.join(), ValueError)
      await manager.start()
      await assert.rejects(manager.start(), ValueError)
      await assert.rejects(manager.none(), TypeError)
      await assert.rejects(manager.wrong(), TypeError)
      await assert.rejects(manager.throws(), RangeError)
      assert.equal(await manager.numberOfObjects(), 0)
      const secret = new (class extends BaseManager {})()
      ;(secret.constructor as typeof BaseManager).register('open', () => process.stdin && new WeakMap())
      await secret.start()
      await assert.rejects(
        (secret as never as { open(): Promise<unknown> })
          .open()
          .then(proxy => (proxy as { get(x: object): unknown }).get({}))
          .then(value => {
            if (value === undefined) throw new RangeError('nothing')
          }),
        RangeError
      )
      await secret.shutdown()
      assert.equal(await secret.join(), true)
      const unsendable = new WeakSet()
      const Captures = defineManager({ captures: () => unsendable })
      await assert.rejects(new Captures().start(), SerializationError)
    })

    test('an initializer runs before the server answers, and its error makes the start fail', { timeout }, async () => {
      const Managers = library.defineManager({ initialized: objects.getInitialized })
      const manager = new Managers()
      await manager.start({ initializer: objects.initialize, initargs: ['ready'] })
      assert.equal(await (await manager.initialized()).text(), 'ready')
      await manager.shutdown()
      await manager.shutdown()
      await assert.rejects(new Managers().start({ initializer: objects.failToInitialize }), RangeError)
      await assert.rejects(new Managers().start({ initializer: { module: 'file:///nowhere.js' } }), MultiprocessError)
    })

    test('iterators and objects of an abandoned call are freed', { timeout }, async () => {
      const Managers = library.defineManager({ Maths: objects.Maths })
      await using manager = new Managers()
      await manager.start()
      const maths = await manager.Maths()
      for await (const square of await maths.squares(1_000_000)) if (square > 10) break
      const squares = await maths.squares(3)
      assert.equal((await manager.numberOfObjects()) >= 2, true)
      squares[Symbol.dispose]()
      maths[Symbol.dispose]()
      await freed(manager, 1)
    })
  })
}
