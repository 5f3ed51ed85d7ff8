import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { types } from 'node:util'
import vm from 'node:vm'
import { decode } from '../../../src/codec/decode.ts'
import { encode } from '../../../src/codec/encode.ts'
import * as errors from '../../../src/errors.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(20_000) }

function roundTrip<T>(value: T): T {
  return decode(encode(value)) as T
}

const own: Error[] = [
  new errors.MultiprocessError('m'),
  new errors.ProcessError('m'),
  new errors.TimeoutError(),
  new errors.BufferTooShort(Uint8Array.of(1, 2)),
  new errors.AuthenticationError(),
  new errors.EOFError(),
  new errors.Empty(),
  new errors.Full(),
  new errors.ValueError('m'),
  new errors.BrokenBarrierError(),
  new errors.OwnerDiedError(),
  new errors.WorkerDiedError('m', { exitcode: -9, pid: 12 }, { cause: 'c' }),
  new errors.PoolTerminatedError(),
  new errors.SerializationError('m', 'args[0]')
]

describe('errors arrive with class, message, stack and fields', () => {
  const builtIn = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]
  for (const sent of [...builtIn.map(constructor => new constructor('the message')), ...own]) {
    test(sent.constructor.name, LIMIT, () => {
      const arrived = roundTrip(sent)
      assert.equal(arrived.constructor, sent.constructor)
      assert.ok(arrived instanceof (sent.constructor as ErrorConstructor))
      assert.ok(types.isNativeError(arrived))
      assert.equal(arrived.name, sent.name)
      assert.equal(arrived.message, sent.message)
      assert.equal(arrived.stack, sent.stack)
      assert.equal(String(arrived), String(sent))
      assert.deepEqual(Object.getOwnPropertyNames(arrived).sort(), Object.getOwnPropertyNames(sent).sort())
      assert.deepEqual({ ...arrived }, { ...sent })
      assert.deepEqual(Object.keys(arrived), Object.keys(sent))
    })
  }

  test('the test covers every error class of this package', LIMIT, () => {
    assert.deepEqual(new Set(own.map(error => error.constructor)), new Set(errors.ERROR_CLASSES.values()))
  })

  test('an AggregateError arrives with its errors', LIMIT, () => {
    const sent = new AggregateError([new TypeError('one'), 'two'], 'all', { cause: 3 })
    const arrived = roundTrip(sent)
    assert.ok(arrived instanceof AggregateError)
    assert.equal(arrived.name, 'AggregateError')
    assert.ok(arrived.errors[0] instanceof TypeError)
    assert.equal(arrived.errors[1], 'two')
    assert.equal(arrived.cause, 3)
    assert.equal(Object.getOwnPropertyDescriptor(arrived, 'errors')?.enumerable, false)
  })

  test('a DOMException arrives as one', LIMIT, () => {
    for (const sent of [new DOMException('stopped', 'AbortError'), new DOMException(), AbortSignal.abort().reason]) {
      const arrived = roundTrip({ sent, again: sent })
      assert.ok(arrived.sent instanceof DOMException)
      assert.ok(arrived.sent instanceof Error)
      assert.equal(arrived.sent.name, sent.name)
      assert.equal(arrived.sent.message, sent.message)
      assert.equal(arrived.sent.code, sent.code)
      assert.equal(arrived.sent.stack, sent.stack)
      assert.equal(arrived.again, arrived.sent)
    }
    const caused = Object.defineProperty(new DOMException('x', 'DataError'), 'cause', { value: [1] })
    assert.deepEqual((roundTrip(caused) as Error).cause, [1])
  })

  test('the cause arrives, whatever it is, and only if it exists', LIMIT, () => {
    for (const cause of [
      undefined,
      null,
      'text',
      { a: 1 },
      new RangeError('inner', { cause: new Error('innermost') })
    ]) {
      const arrived = roundTrip(new Error('outer', { cause }))
      assert.deepStrictEqual(arrived.cause, cause)
      assert.deepEqual(Object.getOwnPropertyDescriptor(arrived, 'cause')?.enumerable, false)
    }
    assert.equal('cause' in roundTrip(new Error('outer')), false)
  })

  test("an error's own fields arrive", LIMIT, () => {
    const sent = Object.assign(new Error('no entry'), { code: 'ENOENT', errno: -2, path: '/x', info: { a: [1] } })
    assert.deepStrictEqual(roundTrip(sent), sent)
  })

  test("Node's own errors arrive with their code", LIMIT, () => {
    let sent: NodeJS.ErrnoException | undefined
    try {
      Buffer.alloc('x' as never)
    } catch (error) {
      sent = error as NodeJS.ErrnoException
    }
    const arrived = roundTrip(sent!)
    assert.ok(arrived instanceof TypeError)
    assert.equal(arrived.code, 'ERR_INVALID_ARG_TYPE')
    assert.equal(arrived.message, sent!.message)
    assert.equal(arrived.name, sent!.name)
    assert.equal(arrived.stack, sent!.stack)
  })

  test("a program's own class arrives as the nearest known class, and keeps its name", LIMIT, () => {
    class HttpError extends TypeError {
      override name = 'HttpError'
      status = 404
    }
    class Late extends errors.TimeoutError {}
    Object.defineProperty(Late.prototype, 'name', { value: 'Late' })
    const http = roundTrip(new HttpError('missing'))
    assert.equal(Object.getPrototypeOf(http), TypeError.prototype)
    assert.equal(http.name, 'HttpError')
    assert.equal(http.status, 404)
    const late = roundTrip(new Late())
    assert.equal(Object.getPrototypeOf(late), errors.TimeoutError.prototype)
    assert.ok(late instanceof errors.ProcessError)
    assert.equal(late.name, 'Late')
    assert.deepEqual(Object.keys(late), ['code'])
  })

  test('an error whose class was made by a constructor function arrives', LIMIT, () => {
    function Old(this: { message: string; code: number }, message: string) {
      this.message = message
      this.code = 5
    }
    Old.prototype = Object.create(Error.prototype, { constructor: { value: Old }, name: { value: 'Old' } })
    const arrived = roundTrip(Reflect.construct(Old, ['went wrong'])) as Error & { code: number }
    assert.ok(arrived instanceof Error)
    assert.equal(arrived.message, 'went wrong')
    assert.equal(arrived.name, 'Old')
    assert.equal(arrived.code, 5)
  })

  test('an error of another realm arrives', LIMIT, () => {
    const arrived = roundTrip(vm.runInNewContext('new RangeError("there", { cause: [1] })')) as Error
    assert.ok(arrived instanceof RangeError)
    assert.equal(arrived.message, 'there')
    assert.deepEqual(arrived.cause, [1])
  })

  test('an error of another copy of this package arrives', LIMIT, async () => {
    const url = new URL('../../../src/errors.js?copy', import.meta.url).href
    const copy = (await import(url)) as typeof errors
    assert.notEqual(copy.WorkerDiedError, errors.WorkerDiedError)
    const arrived = roundTrip(new copy.WorkerDiedError('gone', { exitcode: 1, pid: 2 }))
    assert.equal(Object.getPrototypeOf(arrived), errors.WorkerDiedError.prototype)
    assert.equal(arrived.exitcode, 1)
    assert.ok(arrived instanceof copy.WorkerDiedError)
  })

  test('an error without a stack, or with a stack that is no text, arrives', LIMIT, () => {
    const without = new Error('x')
    delete without.stack
    assert.equal(roundTrip(without).stack, undefined)
    const odd = Object.defineProperty(new Error('x'), 'stack', { value: 5 })
    assert.equal(roundTrip(odd).stack, undefined)
    const empty = new Error()
    assert.equal(roundTrip(empty).message, '')
    assert.equal(Object.hasOwn(roundTrip(empty), 'message'), false)
  })

  test('the refusal names the part of an error that cannot cross', LIMIT, () => {
    const error = Object.assign(new Error('x', { cause: { socket: Symbol('s') } }), { a: 1 })
    assert.throws(() => encode({ error }), { name: 'SerializationError', path: 'value.error.cause.socket' })
    const errors = new AggregateError([new Error('x', { cause: Symbol('s') })])
    assert.throws(() => encode(errors), { path: 'value.errors[0].cause' })
  })

  test('decoding leaves the stack trace limit unchanged', LIMIT, () => {
    const limit = Error.stackTraceLimit
    roundTrip(new Error('x'))
    assert.equal(Error.stackTraceLimit, limit)
    assert.ok((new Error('x').stack ?? '').includes('\n'))
  })
})
