import assert from 'node:assert/strict'
import inspector from 'node:inspector'
import { describe, test } from 'node:test'
import { decode, modulesOf } from '../src/codec/decode.ts'
import { encode } from '../src/codec/encode.ts'
import { importModule } from '../src/codec/module-imports.ts'
import '../src/process/sending.ts'

const k = 5

async function prepare(bytes: Uint8Array): Promise<Uint8Array> {
  for (const module of modulesOf(bytes)) await importModule(module)
  return bytes
}

/** The median time of a call, in microseconds. */
function timeOf(call: () => unknown, times: number): number {
  const samples: number[] = []
  for (let i = 0; i < times; i++) {
    const start = performance.now()
    call()
    samples.push(performance.now() - start)
  }
  return samples.sort((a, b) => a - b)[times >> 1] * 1000
}

describe('what sending functions costs', { timeout: 120_000 }, () => {
  test('a session of the inspector never stays open, also after a refusal', () => {
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

  test('plain values open none, and a function that is the same each time opens one once', () => {
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

  test('repeated sending: a reference next to nothing, a small closure a fraction of the first', async () => {
    const start = performance.now()
    const bytes = await prepare(encode((x: number) => x * k))
    const first = (performance.now() - start) * 1000
    const closure = (x: number) => x * k
    const without = (x: number) => x + 1
    const [reference, fixed, again, received] = [
      timeOf(() => encode(Math.sqrt), 500),
      timeOf(() => encode(without), 500),
      timeOf(() => encode(closure), 200),
      timeOf(() => decode(bytes), 500)
    ]
    assert.ok(reference < again / 5, `reference ${reference} µs, closure ${again} µs`)
    assert.ok(fixed < again, `fixed ${fixed} µs, closure ${again} µs`)
    assert.ok(again < first, `again ${again} µs, first ${first} µs`)
    assert.ok(received < again, `received ${received} µs, sent ${again} µs`)
  })

  test('the heap stays as it is over thousands of closures', async () => {
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
