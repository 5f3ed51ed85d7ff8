/** `multiprocess/codec`: what other programs may rely on. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { decode, encode, encodeError, modulesOf, VERSION } from '../../src/encoding.ts'
import { Lock, SerializationError } from '../../src/index.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(30_000)
const PROGRAM = { audience: 'program' } as const

class Point {
  x: number
  constructor(x: number) {
    this.x = x
  }
}

test('plain values cross to and from strangers with their kind', { timeout }, async () => {
  const shared = { n: 1 }
  const value = {
    map: new Map<unknown, unknown>([[Number.NaN, -0]]),
    date: new Date(5),
    bytes: new Uint8Array([1, 2]),
    twice: [shared, shared],
    error: new RangeError('no', { cause: 'cause' })
  }
  const bytes = encode(value)
  const back = (await decode(bytes)) as typeof value
  assert.deepEqual(back, value)
  assert.equal(back.twice[0], back.twice[1])
  assert.deepEqual(modulesOf(bytes), [])
  assert.equal(bytes[0] & ~1, VERSION)
})

test('code goes to programs only: functions, classes and instances', { timeout }, async () => {
  const factor = 3
  const times = (n: number) => n * factor
  for (const value of [times, Point, new Point(1), { deep: [times] }]) {
    assert.throws(() => encode(value), SerializationError)
    assert.throws(() => encode(value, { audience: 'stranger' }), SerializationError)
  }
  const back = (await decode(encode(times, PROGRAM), PROGRAM)) as typeof times
  assert.equal(back(4), 12)
  const point = (await decode(encode(new Point(7), PROGRAM), PROGRAM)) as Point
  assert.equal(point.x, 7)
  assert.ok(point instanceof Point)
})

test('code from strangers is refused, before any module is imported', { timeout }, async () => {
  const bytes = encode({ basename: path.basename, f: () => 1 }, PROGRAM)
  await assert.rejects(decode(bytes), SerializationError)
  await assert.rejects(decode(bytes, { audience: 'stranger' }), SerializationError)
  const named = encode(path.basename, { ...PROGRAM, nameModule: () => 'file:///never/imported.js' })
  await assert.rejects(decode(named), SerializationError)
})

test('shared objects belong to one program, and are refused for both audiences', { timeout }, () => {
  for (const audience of ['program', 'stranger'] as const) {
    assert.throws(() => encode({ lock: new Lock() }, { audience, path: 'message' }), {
      name: 'SerializationError',
      path: 'message.lock'
    })
  }
})

test('modules may have other names in the message', { timeout }, async () => {
  const seen: string[] = []
  const nameModule = (url: string) => {
    seen.push(url)
    return `somewhere:${url.split('/').at(-1)}`
  }
  const { square } = await import('../fixtures/pool/tasks.ts')
  const bytes = encode(square, { ...PROGRAM, nameModule })
  assert.deepEqual(modulesOf(bytes), ['somewhere:tasks.js'])
  assert.match(seen[0], /^file:.*tasks\.js$/)
  const back = (await decode(bytes, { ...PROGRAM, findModule: () => seen[0] })) as typeof square
  assert.equal(back, square)
  await assert.rejects(decode(bytes, PROGRAM), { code: 'ERR_IMPORT' })
})

test('an error can always be sent, without those of its parts that cannot cross', { timeout }, async () => {
  const error = Object.assign(new TypeError('no'), { lock: new Lock(), detail: 7, handler: () => 1 })
  for (const audience of ['program', 'stranger'] as const) {
    const back = (await decode(encodeError(error, { audience }), { audience })) as typeof error
    assert.ok(back instanceof TypeError, String(back))
    assert.equal(back.message, 'no')
    assert.equal(back.detail, 7)
    assert.match(String(back.lock), /^\[cannot send/)
    assert.equal(typeof back.handler, audience === 'program' ? 'function' : 'string')
  }
  assert.equal(await decode(encodeError('text')), 'text')
})

test('damaged bytes, bytes of another version and no bytes are refused', { timeout }, async () => {
  const bytes = encode({ a: [1, 2, 3] })
  for (let length = 0; length < bytes.length; length++) {
    await assert.rejects(decode(bytes.slice(0, length)), SerializationError)
  }
  const other = Uint8Array.from(bytes)
  other[0] += 2
  await assert.rejects(decode(other), { name: 'SerializationError', message: /another version/ })
  await assert.rejects(decode('text' as never), TypeError)
})

test('an unknown audience is refused with its value', { timeout }, async () => {
  assert.throws(() => encode(1, { audience: 'family' as never }), { name: 'TypeError', message: /'family'/ })
  await assert.rejects(decode(encode(1), { audience: null as never }), { name: 'TypeError', message: /null/ })
})
