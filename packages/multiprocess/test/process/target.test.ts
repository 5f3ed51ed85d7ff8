import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { deserialize } from 'node:v8'
import { Process } from '../../src/index.ts'
import * as targets from '../fixtures/process/targets.ts'
import { Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const TARGETS = new URL('../fixtures/process/targets.js', import.meta.url)

async function run(process: Process<never[]>): Promise<number | null> {
  process.start()
  await process.join()
  return process.exitcode
}

describe('what a process runs', { timeout: limit(60_000) }, () => {
  test('a process runs an exported function with arguments, to the end of its promise and of its timers', async () => {
    await using scratch = await Scratch.create()
    for (const target of [targets.write, targets.writeLater, targets.writeInTimer]) {
      const file = scratch.file(target.name)
      assert.equal(await run(new Process({ target, args: [file, 'done'] })), 0)
      assert.equal(readFileSync(file, 'utf8'), 'done', target.name)
    }
  })

  test('a process runs a default export, a static method, and functions of Node and of JavaScript', async () => {
    await using scratch = await Scratch.create()
    assert.equal(await run(new Process({ target: targets.default, args: [scratch.file('a')] })), 0)
    assert.equal(await run(new Process({ target: targets.Tool.write, args: [scratch.file('b')] })), 0)
    const { writeFileSync } = await import('node:fs')
    assert.equal(await run(new Process({ target: writeFileSync, args: [scratch.file('c'), 'node'] })), 0)
    assert.equal(await run(new Process({ target: parseInt, args: ['7'] })), 0)
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(name => scratch.read(name))), ['default', 'static', 'node'])
  })

  test('a process runs { module, export }, by URL, by text, by path, and by default', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('file')
    for (const module of [TARGETS, TARGETS.href, TARGETS.pathname]) {
      assert.equal(await run(new Process({ target: { module, export: 'write' }, args: [file, String(module)] })), 0)
      assert.equal(readFileSync(file, 'utf8'), String(module))
    }
    assert.equal(await run(new Process({ target: { module: TARGETS }, args: [file] })), 0)
    assert.equal(readFileSync(file, 'utf8'), 'default')
    assert.equal(await run(new Process({ target: { module: TARGETS, export: 'Tool.write' }, args: [file] })), 0)
    assert.equal(readFileSync(file, 'utf8'), 'static')
  })

  test('a process without a target runs nothing and ends', async () => {
    assert.equal(await run(new Process()), 0)
  })

  test('a process gets arguments of many kinds', async () => {
    await using scratch = await Scratch.create()
    const holed = new Array(3).fill(1, 2)
    const cycle: Record<string, unknown> = { list: holed }
    cycle['self'] = cycle
    const shared = { x: 1 }
    const args = [
      undefined,
      null,
      -0,
      Number.NaN,
      2n ** 70n,
      'text \u{1f600}\0',
      [shared, shared],
      new Map<unknown, unknown>([[shared, new Set([1, 'a'])]]),
      new Date(86_400_000),
      /a+/giu,
      new Float64Array([1.5, -2.5]),
      new Uint8Array(100_000).fill(7),
      new ArrayBuffer(3),
      cycle,
      Object.assign(new TypeError('message', { cause: 'why' }), { extra: 1 })
    ]
    const file = scratch.file('args')
    assert.equal(await run(new Process({ target: targets.writeArgs, args: [file, ...args] })), 0)
    const received = deserialize(readFileSync(file)) as unknown[]
    assert.deepEqual(received.slice(0, -1), args.slice(0, -1))
    assert.ok(Object.is(received[2], -0))
    assert.equal(1 in (received[13] as { list: unknown[] }).list, false, 'a hole stays one')
    assert.equal((received[6] as unknown[])[0], (received[6] as unknown[])[1], 'what is shared stays shared')
    const error = received.at(-1) as Error
    assert.deepEqual([error.name, error.message], ['TypeError', 'message'])
  })

  test('a process gets 64 MB of arguments', async () => {
    await using scratch = await Scratch.create()
    const bytes = new Uint8Array(64e6).fill(5)
    bytes[64e6 - 1] = 9
    const file = scratch.file('args')
    assert.equal(await run(new Process({ target: targets.writeArgs, args: [file, bytes] })), 0)
    const [received] = deserialize(readFileSync(file)) as [Uint8Array]
    assert.equal(Buffer.compare(received, bytes), 0)
  })

  test('a process gets functions and classes as arguments', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('calls')
    const args = [file, targets.square, { make: targets.Tool }] as const
    assert.equal(await run(new Process({ target: targets.callArgs, args: [...args] })), 0)
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { result: 256, name: 'Tool' })
    assert.equal(await run(new Process({ target: targets.callArgs, args: [file, Math.sqrt, { make: Date }] })), 0)
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { result: 4, name: 'Date' })
  })

  test('the arguments have their values of the moment of the start', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('args')
    const list = ['before']
    const child = new Process({ target: targets.writeArgs, args: [file, list] })
    list.push('start')
    child.start()
    list.push('after')
    await child.join()
    assert.deepEqual(deserialize(readFileSync(file)), [['before', 'start']])
  })
})
