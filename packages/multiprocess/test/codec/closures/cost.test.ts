import assert from 'node:assert/strict'
import inspector from 'node:inspector'
import { describe, test } from 'node:test'
import { decode, modulesOf } from '../../../src/codec/decode.ts'
import { encode } from '../../../src/codec/encode.ts'
import { importModule } from '../../../src/codec/references/imports.ts'
import '../../../src/process/sending.ts'
import { limit } from '../../fixtures/slowness.ts'

const k = 5

async function prepare(bytes: Uint8Array): Promise<Uint8Array> {
  for (const module of modulesOf(bytes)) await importModule(module)
  return bytes
}

/** Questions to the inspector that a call leads to. */
function questionsOf(call: () => unknown): number {
  const { post } = inspector.Session.prototype
  let count = 0
  inspector.Session.prototype.post = function (this: inspector.Session, ...args: unknown[]) {
    count++
    return (post as (...args: unknown[]) => void).apply(this, args)
  } as typeof post
  try {
    call()
    return count
  } finally {
    inspector.Session.prototype.post = post
  }
}

describe('what sending functions costs', { timeout: limit(120_000) }, () => {
  test('no session of the inspector stays open, even after a refusal', () => {
    const { connect, disconnect } = inspector.Session.prototype
    let open = 0
    let opened = 0
    inspector.Session.prototype.connect = function () {
      open++
      opened++
      connect.call(this)
    }
    inspector.Session.prototype.disconnect = function () {
      open--
      disconnect.call(this)
    }
    try {
      const stream = process.stdin
      encode(() => k)
      assert.ok(opened > 0)
      assert.throws(() => encode(() => stream))
      assert.throws(() => encode([() => k, Symbol('none')]))
      assert.equal(open, 0)
    } finally {
      Object.assign(inspector.Session.prototype, { connect, disconnect })
    }
  })

  test('plain values open no session, and a function that never changes opens one once', () => {
    const { connect } = inspector.Session.prototype
    let opened = 0
    const same = (x: number) => x + 1
    encode(same)
    inspector.Session.prototype.connect = function () {
      opened++
      connect.call(this)
    }
    try {
      for (let i = 0; i < 10; i++) encode([{ plain: [1, 'two', new Map([[3, 4]])] }, same, Math.sqrt])
      assert.equal(opened, 0)
    } finally {
      inspector.Session.prototype.connect = connect
    }
  })

  test('sending again asks only for the values that a closure captures', async () => {
    // Of a script that nothing has been asked of yet.
    const make = new Function('k', 'return { closure: x => x * k, without: x => x + 1 }')
    const { closure, without } = make(5)
    const first = questionsOf(() => encode(closure))
    // Whether what it captures is constant is looked at once.
    encode(closure)
    const again = questionsOf(() => encode(closure))
    assert.ok(again > 0 && again < first, `again ${again}, first ${first}`)
    encode(without)
    const bytes = await prepare(encode(closure))
    const free = [() => encode(Math.sqrt), () => encode(prepare), () => encode(without), () => decode(bytes)]
    encode(prepare)
    assert.deepEqual(free.map(questionsOf), [0, 0, 0, 0])
  })

  test('constants are asked for at most twice, and their contents are sent as they are now', async () => {
    const state = { factor: 2 }
    const scale = (x: number) => x * state.factor * k
    const same = () => state
    const sent = async (): Promise<number> => (decode(await prepare(encode(scale))) as typeof scale)(1)
    for (const factor of [2, 2, 3, 4]) {
      state.factor = factor
      assert.equal(await sent(), factor * k)
      encode(same)
    }
    assert.deepEqual([() => encode(scale), () => encode([same, scale])].map(questionsOf), [0, 0])
    const [one, other] = decode(await prepare(encode([same, scale, state]))) as [
      typeof same,
      typeof scale,
      typeof state
    ]
    one().factor = 7
    assert.equal(other(1), 7 * k)
  })

  test('variables are asked for each time, even those that look like a surrounding constant', async () => {
    const name = 'outer'
    const sent = async (fn: () => unknown): Promise<unknown> => (decode(await prepare(encode(fn))) as typeof fn)()
    let made = ''
    const readers = ((name: string) => [
      () => name + made,
      (() => {
        let name = 'inner'
        const rename = (to: string): string => (name = to)
        return Object.assign(() => name, { rename: (to: string) => void rename(to) })
      })()
    ])('parameter')
    for (const text of ['a', 'b', 'c', 'd']) {
      made = text
      assert.equal(await sent(readers[0]), `parameter${text}`)
      ;(readers[1] as unknown as { rename(to: string): void }).rename(text)
      assert.equal(await sent(() => readers[1]()), text)
      assert.equal(await sent(readers[1]), text)
      assert.equal(await sent(() => name), 'outer')
    }
  })

  test('thousands of closures do not make the heap grow', async () => {
    const { gc } = globalThis as { gc?: () => void }
    const round = async (count: number) => {
      for (let i = 0; i < count; i++) decode(await prepare(encode((x: number) => x * k + i)))
      gc?.()
      return process.memoryUsage().heapUsed
    }
    await round(300)
    const before = await round(300)
    const after = await round(1500)
    assert.ok(after - before < 12_000_000, `${after - before} bytes more`)
  })
})
