import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import vm from 'node:vm'
import { encode } from '../../../src/codec/encode.ts'
import { SerializationError } from '../../../src/errors.ts'
import '../../../src/process/sending.ts'
import { limit } from '../../fixtures/slowness.ts'

const BELONGS = 'it belongs to this process; send what it takes to open another one where it is needed'

/** Asserts the whole message, and the path. */
function assertRefused(value: unknown, message: string, path = 'args[0]'): void {
  assert.throws(
    () => encode(value, 'args[0]'),
    (error: unknown) => {
      assert.ok(error instanceof SerializationError)
      assert.deepEqual([error.message, error.path, error.code], [`cannot send ${message}`, path, 'ERR_SERIALIZATION'])
      return true
    }
  )
}

const socket = new Socket()
const conn = () => socket.end()
const query = () => conn()
const nested = { pool: [{ socket }] }

class Counter {
  #n = 0
  #up(): number {
    return ++this.#n
  }
  up(): number {
    return this.#up()
  }
}
const lexical = {
  arrows(): (() => unknown)[] {
    return [
      () => this,
      // biome-ignore lint/complexity/noArguments: that is the case
      () => arguments,
      () => super.toString()
    ]
  },
  method(): string {
    return super.toString()
  }
}

describe('refusals of functions and classes', { timeout: limit(60_000) }, () => {
  test('values of captured variables are refused, with the path that leads to them', () => {
    assertRefused(
      function handler() {
        return query()
      },
      `\`handler\` (args[0]): captured variable \`socket\` (via \`handler\` → \`query\` → \`conn\`) is a Socket; ${BELONGS}`,
      'args[0] → query → conn → socket'
    )
    assertRefused(
      {
        list: [
          function handler() {
            return nested
          }
        ]
      },
      `\`handler\` (args[0].list[0]): captured variable \`nested.pool[0].socket\` (via \`handler\`) is a Socket; ${BELONGS}`,
      'args[0].list[0] → nested.pool[0].socket'
    )
    assertRefused(
      () => socket,
      `an anonymous function (args[0]): captured variable \`socket\` (via \`anonymous\`) is a Socket; ${BELONGS}`,
      'args[0] → socket'
    )
    const object = { handler: () => conn() }
    const outer = () => object
    assertRefused(
      outer,
      `\`outer\` (args[0]): captured variable \`socket\` (via \`outer\` → \`object.handler\` → \`conn\`) is a Socket; ${BELONGS}`,
      'args[0] → object.handler → conn → socket'
    )
  })

  test('functions of other kinds are refused', () => {
    const promise = Promise.resolve(1)
    const weak = new WeakMap()
    const shared = new SharedArrayBuffer(8)
    const generator = (function* () {
      yield 1
    })()
    const timer = setTimeout(() => {}, 0)
    clearTimeout(timer)
    const f = (get: () => unknown, what: string, name: string) =>
      assertRefused(
        get,
        `\`get\` (args[0]): captured variable \`${name}\` (via \`get\`) is ${what}`,
        `args[0] → ${name}`
      )
    const named = (fn: () => unknown) => Object.defineProperty(fn, 'name', { value: 'get' })
    f(
      named(() => promise),
      'a Promise; await it first, and send the result',
      'promise'
    )
    f(
      named(() => weak),
      'a WeakMap; send a Map',
      'weak'
    )
    f(
      named(() => shared),
      'a SharedArrayBuffer; it cannot be shared between processes; use Array or SharedMemory',
      'shared'
    )
    f(
      named(() => generator),
      'a Generator; send its items: [...generator]',
      'generator'
    )
    f(
      named(() => timer),
      'a Timeout; start a timer where it is needed',
      'timer'
    )
  })

  test('instances with private members are refused', () => {
    const advice = 'give the class a [Symbol.for("multiprocess.reduce")]() method returning [constructor, args]'
    const counter = new Counter()
    assertRefused(counter, `args[0]: it is an instance of class Counter with private members (#n, #up); ${advice}`)
    const f = () => counter
    assertRefused(
      f,
      `\`f\` (args[0]): captured variable \`counter\` (via \`f\`) is an instance of class Counter with private members (#n, #up); ${advice}`,
      'args[0] → counter'
    )
    class Derived extends Counter {}
    assertRefused(
      new Derived(),
      `args[0]: it is an instance of class Derived with private members (#n, #up); ${advice}`
    )
  })

  test('arrow functions that use this, super or arguments of the function around them are refused', () => {
    const [self, args, superior] = lexical.arrows()
    const reason = (name: string) =>
      `this arrow function uses \`${name}\` of the function around it, which V8 does not reveal`
    assertRefused(
      self,
      `an anonymous function (args[0]): ${reason('this')}. Put it in a variable and capture that: const self = this`
    )
    assertRefused(
      args,
      `an anonymous function (args[0]): ${reason('arguments')}. Put them in a variable and capture that: const args = [...arguments]`
    )
    assertRefused(
      superior,
      'an anonymous function (args[0]): this arrow function uses `super` of the method around it, which V8 does not reveal. ' +
        'Send the class, or the object it belongs to'
    )
    const captured = () => self()
    assertRefused(
      captured,
      `\`captured\` (args[0]): captured variable \`self\` (via \`captured\`): ${reason('this')}. Put it in a variable and capture that: const self = this`,
      'args[0] → self'
    )
    const target = new (
      function (this: { f?: unknown }) {
        this.f = () => new.target
      } as never as new () => { f: unknown }
    )().f
    assertRefused(
      target,
      `an anonymous function (args[0]): ${reason('new.target')}. Put it in a variable and capture that: const target = new.target`
    )
  })

  test('methods that need their class are refused', () => {
    assertRefused(
      lexical.method,
      '`method` (args[0]): this method uses `super`, which means nothing without its class. Send the class, or an instance of it'
    )
    assertRefused(
      Counter.prototype.up,
      '`up` (args[0]): it uses #up of the class around it, which only that class can. Send the class, or make the member public'
    )
  })

  test('functions with a direct eval are refused', () => {
    const k = 1
    // biome-ignore lint/security/noGlobalEval: that is the case
    const f = () => eval('k')
    assert.equal(k, 1)
    assertRefused(f, '`f` (args[0]): it calls eval() directly, so the variables it captures cannot be known')
  })

  test('functions that capture variables which are not initialised are refused', {
    skip: process.version.startsWith('v20.')
  }, () => {
    const f = () => later
    assertRefused(f, '`f` (args[0]): captured variable `later` is not initialised yet (temporal dead zone)')
    const later = 1
    assert.equal(f(), 1)
  })

  test('functions whose variable may be one of two are refused', () => {
    const make = () => {
      let n = 0
      return { up: () => ++n, get: () => n }
    }
    const a = make()
    const b = make()
    assertRefused(
      [a.up, b.up, a.get],
      '`get` (args[0][2]): captured variable `n` is assigned to by more than one closure of the same code, ' +
        'and it cannot be told which of them share it. Keep the changing state in an object',
      'args[0][2]'
    )
  })

  test('native functions, and functions internal to Node, are refused', () => {
    assertRefused(
      Object.getOwnPropertyDescriptor(Socket.prototype, 'pending')!.get,
      '`get` (args[0]): it is internal to Node, and no builtin module exports it. ' +
        'Export a function that calls it from a module, and send that'
    )
    let resolve: unknown
    void new Promise(given => (resolve = given))
    assertRefused(
      resolve,
      'an anonymous function (args[0]): it is native code that no global, no builtin module of Node and no CommonJS module exports. ' +
        'Export a function that calls it from a module, and send that'
    )
  })

  test('reduce methods that return something else are refused', () => {
    class Wrong {
      [Symbol.for('multiprocess.reduce')](): unknown {
        return { type: 'Wrong' }
      }
    }
    assertRefused(
      new Wrong(),
      'args[0]: its [Symbol.for("multiprocess.reduce")]() must return [constructor or function, array of arguments]'
    )
  })

  test('a captured object of another realm crosses', () => {
    const context = vm.createContext({})
    const f = vm.runInContext('(() => { const ns = {}; return () => ns })()', context)
    assert.ok(encode(f).length > 0)
  })

  test('a refusal leaves nothing behind', () => {
    const f = () => socket
    for (let i = 0; i < 3; i++) assert.throws(() => encode(f))
    const k = 4
    assert.ok(encode(() => k).length > 0)
  })
})
