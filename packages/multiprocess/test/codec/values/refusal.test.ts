import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { ChildProcess } from 'node:child_process'
import { createHash, createSecretKey } from 'node:crypto'
import dgram from 'node:dgram'
import { EventEmitter } from 'node:events'
import fs from 'node:fs'
import { open } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import { PassThrough } from 'node:stream'
import { after, describe, test } from 'node:test'
import * as namespace from 'node:util'
import vm from 'node:vm'
import { MessageChannel } from 'node:worker_threads'
import { decode } from '../../../src/codec/decode.ts'
import { Encoder, encode } from '../../../src/codec/encode.ts'
import { SerializationError } from '../../../src/errors.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(20_000) }

function refusal(value: unknown, path?: string): SerializationError {
  try {
    encode(value, path)
  } catch (error) {
    assert.ok(error instanceof SerializationError, String(error))
    return error
  }
  assert.fail('it was not refused')
}

class MySocket extends net.Socket {}

const { port1, port2 } = new MessageChannel()
const timer = setTimeout(() => {}, 0)
clearTimeout(timer)
const udp = dgram.createSocket('udp4')
const stream = new PassThrough()
after(() => {
  port1.close()
  port2.close()
  udp.close()
})

/** By what each is called in the refusal; the first part of the advice where it matters. */
const refused: Record<string, [value: unknown, advice?: string]> = {
  'a Socket': [new net.Socket(), 'it belongs to this process; send what it takes'],
  'a MySocket': [new MySocket()],
  'a Server': [net.createServer()],
  'an Agent': [new http.Agent()],
  'a PassThrough': [stream],
  'a Hash': [createHash('sha1')],
  'a ChildProcess': [new ChildProcess()],
  'a Timeout': [timer, 'start a timer'],
  'a MessagePort': [port1],
  'an AbortSignal': [new AbortController().signal],
  'an AbortController': [new AbortController()],
  'an EventTarget': [new EventTarget()],
  'a TextDecoder': [new TextDecoder()],
  'a Blob': [new Blob(['x']), 'send its bytes: await blob.arrayBuffer()'],
  'a Headers': [new Headers(), 'send its entries'],
  'a ReadableStream': [new ReadableStream()],
  'an AsyncLocalStorage': [new AsyncLocalStorage()],
  'a Script': [new vm.Script('1')],
  'a NumberFormat': [new Intl.NumberFormat()],
  'a Memory': [vm.runInThisContext('new WebAssembly.Memory({ initial: 1 })')],
  'a Promise': [Promise.resolve(1), 'await it first'],
  'a WeakMap': [new WeakMap(), 'send a Map'],
  'a WeakSet': [new WeakSet(), 'send a Set'],
  'a WeakRef': [new WeakRef({}), 'send the object it refers to'],
  'a FinalizationRegistry': [new FinalizationRegistry(() => {})],
  'a SharedArrayBuffer': [new SharedArrayBuffer(1), 'it cannot be shared between processes; use Array or SharedMemory'],
  'a Generator': [(function* () {})(), 'send its items: [...generator]'],
  'an AsyncGenerator': [(async function* () {})(), 'collect its items'],
  'an Array Iterator': [[1].values(), 'send its items'],
  'a Map Iterator': [new Map().keys(), 'send its items'],
  'a Set Iterator': [new Set().values(), 'send its items'],
  'a RegExp String Iterator': ['a'.matchAll(/a/g), 'send its items'],
  'an arguments object': [
    (
      function () {
        // biome-ignore lint/complexity/noArguments: it is what this is about
        return arguments
      } as (...args: number[]) => unknown
    )(1, 2),
    'send an array: [...arguments]'
  ],
  'a module namespace': [namespace, 'import the module where it is needed'],
  'a Proxy': [new Proxy({}, {}), 'send the object behind it'],
  'the symbol Symbol(s)': [Symbol('s'), 'symbols are unique to their process; send a string'],
  'the symbol Symbol(registered)': [Symbol.for('registered')],
  'a boxed symbol': [Object(Symbol('s'))],
  'the function named': [function named() {}, 'send data, and let the receiver import the function'],
  'a function without a name': [(() => () => {})()],
  'the class Named': [class Named {}]
}

describe('what cannot cross is refused, by name and with advice', () => {
  for (const [what, [value, advice]] of Object.entries(refused)) {
    test(what, LIMIT, () => {
      const { message, path } = refusal({ list: [1, value] })
      assert.equal(path, 'value.list[1]')
      assert.ok(message.startsWith(`cannot send value.list[1]: it is ${what}; ${advice ?? ''}`), message)
      assert.equal(refusal(value).path, 'value')
    })
  }

  test('an open file is refused', LIMIT, async () => {
    const file = await open('/dev/null')
    try {
      assert.match(refusal(file).message, /it is a FileHandle; it belongs to this process/)
    } finally {
      await file.close()
    }
  })

  test('a handle of the event loop is refused', LIMIT, async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    assert.match(refusal((server as unknown as { _handle: object })._handle).message, /it is a TCP;/)
    await new Promise(resolve => server.close(resolve))
  })

  test('a datagram socket is refused', LIMIT, () => {
    assert.match(refusal(udp).message, /it is a Socket;/)
  })

  test('a key is refused', LIMIT, () => {
    assert.match(refusal(createSecretKey(Buffer.alloc(16))).message, /it is a SecretKeyObject;/)
  })

  test('a proxy whose handler would answer, and a revoked one, are refused', LIMIT, () => {
    const traps = new Proxy({}, { get: () => assert.fail('the handler was called') })
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    for (const value of [new Proxy({ a: 1 }, traps), new Proxy([], traps), proxy]) {
      assert.match(refusal([value]).message, /value\[0\]: it is a Proxy;/)
    }
  })

  test('an object that cannot cross is refused even under another prototype', LIMIT, () => {
    for (const [value, name] of [
      [Promise.resolve(), 'Promise'],
      [new WeakMap(), 'WeakMap'],
      [(function* () {})(), 'Generator']
    ] as const) {
      assert.match(refusal(Object.setPrototypeOf(value, class {}.prototype)).message, new RegExp(`it is a ${name};`))
    }
  })
})

describe('an object that is only data crosses, whatever its class is', () => {
  test('an EventEmitter without listeners, file statistics and a directory entry cross', LIMIT, () => {
    const stat = fs.statSync('.')
    for (const value of [new EventEmitter(), stat, fs.readdirSync('.', { withFileTypes: true })[0]]) {
      assert.deepStrictEqual(decode(encode(value)), structuredClone(value))
    }
  })

  test('the environment crosses', LIMIT, () => {
    assert.deepStrictEqual(decode(encode(process.env)), { ...process.env })
  })

  test('instances of classes that are named like those of Node cross', LIMIT, () => {
    class Socket {
      a = 1
    }
    class Response {
      b = 2
      get [Symbol.toStringTag](): string {
        return 'Response'
      }
    }
    Object.defineProperty(Response.prototype, Symbol.toStringTag, { value: 'Response' })
    assert.deepStrictEqual(decode(encode([new Socket(), new Response()])), [{ a: 1 }, { b: 2 }])
  })
})

describe('the path to what is refused', () => {
  const paths: Record<string, unknown> = {
    'value.a.b.c': { a: { b: { c: Symbol() } } },
    'value[0][1]': [[0, Symbol()]],
    'value[2]': Object.assign([1], { 2: Symbol() }),
    'value[100]': Object.assign(new Array(100).fill(0), { 100: Symbol() }),
    'value["not an identifier"].$_ü9': { 'not an identifier': { $_ü9: Symbol() } },
    'value["0"]': { 0: Symbol() },
    'value[""]': { '': Symbol() },
    'value[0].field': [Object.assign([1], { field: Symbol() })],
    'value.get("key").x': new Map([['key', { x: Symbol() }]]),
    'value.get(7)': new Map([[7, Symbol()]]),
    'value.values()[1]': new Map<unknown, unknown>([
      [1, 2],
      [{}, Symbol()]
    ]),
    'value.keys()[1].x': new Map<unknown, unknown>([
      [1, 2],
      [{ x: Symbol() }, 3]
    ]),
    'value.a.values()[1]': { a: new Set([1, Symbol()]) },
    'value.a': {
      get a() {
        return Symbol()
      }
    },
    'value.many': Object.assign(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i])), {
      many: Symbol()
    }),
    'value.instance.x': {
      instance: new (class {
        x = Symbol()
      })()
    }
  }
  for (const [path, value] of Object.entries(paths)) {
    test(path, LIMIT, () => {
      // Again and again: what has been met before is written in other ways.
      for (let i = 0; i < 4; i++) {
        const error = refusal(value)
        assert.equal(error.path, path)
        assert.ok(error.message.startsWith(`cannot send ${path}: it is `), error.message)
        assert.equal(error.code, 'ERR_SERIALIZATION')
      }
    })
  }

  test('the path of a refusal begins with the given name', LIMIT, () => {
    assert.equal(refusal([{ db: { socket: new net.Socket() } }], 'args').path, 'args[0].db.socket')
    const encoder = new Encoder()
    assert.throws(() => encoder.encode([Symbol()], undefined, 0, 0, 'result'), { path: 'result[0]' })
  })

  test('a very long path is shortened', LIMIT, () => {
    let value: unknown = { last: Symbol() }
    for (let i = 0; i < 500; i++) value = { ['k'.repeat(200)]: value }
    const { path } = refusal(value)
    assert.ok(path.length < 2000)
    assert.ok(path.includes('…'))
    assert.ok(path.endsWith('.last'))
  })
})

describe('nesting', () => {
  const nested: Record<string, (inner: unknown) => unknown> = {
    objects: inner => ({ inner }),
    'objects with many keys': inner =>
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i ? i : inner])),
    arrays: inner => [inner],
    'arrays with fields': inner => Object.assign([inner], { a: 1 }),
    Maps: inner => new Map([[1, inner]]),
    Sets: inner => new Set([inner]),
    instances: inner =>
      new (class {
        x = inner
      })(),
    errors: inner => new Error('x', { cause: inner })
  }
  for (const [name, wrap] of Object.entries(nested)) {
    test(`${name}: a depth of 1,000 crosses, and depths of 1,001 and 100,000 are refused`, LIMIT, () => {
      const make = (depth: number): unknown => {
        let value: unknown = 0
        for (let i = 0; i < depth; i++) value = wrap(value)
        return value
      }
      let depth = 0
      for (let value = decode(encode(make(1000))); value !== 0; value = innerOf(value)) depth++
      assert.equal(depth, 1000)
      for (const deep of [1001, 100_000]) {
        const { message } = refusal(make(deep))
        assert.match(message, /it is nested too deep \(more than 1000 containers inside each other\); send it flat/)
      }
    })
  }

  function innerOf(value: unknown): unknown {
    if (value instanceof Error) return value.cause
    if (value instanceof Map || value instanceof Set) return [...value.values()][0]
    return Object.values(value as object)[0]
  }

  test('a nested value is refused if the stack is nearly used up', LIMIT, () => {
    let value: unknown = 0
    for (let i = 0; i < 900; i++) value = [value]
    const encoder = new Encoder()
    let refusals = 0
    const descend = (): void => {
      try {
        encoder.encode(value)
      } catch (error) {
        // The overflow may also fall outside of the walk.
        if (error instanceof SerializationError) {
          refusals++
          assert.match(error.message, /it is nested too deep \(the stack overflows\)/)
        }
      }
      descend()
    }
    assert.throws(descend, RangeError)
    assert.ok(refusals > 0)
    assert.equal(encoder.encode(value), false)
    assert.deepEqual(decode(encoder.bytes, encoder.start, encoder.end), value)
  })
})
