import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from '../../../src/codec/decode.ts'
import { Encoder } from '../../../src/codec/encode.ts'
import { LARGE_LENGTH, VIEWED_LENGTH } from '../../../src/codec/values/large-buffers.ts'
import { Pool, SerializationError } from '../../../src/index.ts'
import { collectGarbage } from '../../fixtures/garbage.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import { liveBlocks, privateMegabytes, until, untilBlocks } from '../../fixtures/pool/tools.ts'
import { runProgram } from '../../fixtures/process/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const timeout = limit(120_000)
const MB = 2 ** 20
const LENGTH = VIEWED_LENGTH + 2 ** 16

describe('large buffers', { timeout }, () => {
  for (const length of [LENGTH, LENGTH + 8008]) {
    test(`the worker and this process view buffers of ${length} bytes in the place where they were stored`, async () => {
      await using pool = new Pool(1)
      await pool.apply(tasks.nothing)
      const seen = await pool.apply(
        (array: Float64Array) => {
          const before = privateMegabytes()
          let sum = 0
          for (const number of array) sum += number
          return { sum, grown: privateMegabytes() - before, length: array.length, own: array.buffer.byteLength }
        },
        [new Float64Array(length / 8).fill(2)]
      )
      assert.deepEqual([seen.sum, seen.length, seen.own], [length / 4, length / 8, length])
      assert.ok(seen.grown < 16, `reading it takes ${seen.grown} MB`)

      const before = privateMegabytes()
      const bytes = await pool.apply((n: number) => new Uint8Array(n).fill(5), [length])
      assert.ok(bytes.every(byte => byte === 5))
      assert.equal(bytes.buffer.byteLength, length)
      const grown = privateMegabytes() - before
      assert.ok(grown < 16, `receiving it takes ${grown} MB`)
    })
  }

  test('large buffers belong to their receiver, and two references to one buffer stay one', async () => {
    await using pool = new Pool(1)
    const { buffer } = new Uint8Array(LENGTH).fill(1)
    const parts = { all: new Uint8Array(buffer), end: new DataView(buffer, LENGTH - 8), again: [buffer] }
    const result = await pool.apply(
      ({ all, end, again }: typeof parts) => {
        all.fill(7)
        end.setUint16(0, 513)
        return [all.buffer === end.buffer, again[0] === end.buffer, all[LENGTH - 8], all[5], parts === undefined]
      },
      [parts]
    )
    assert.deepEqual(result.slice(0, 4), [true, true, 2, 7])
    assert.ok(parts.all.every(byte => byte === 1))
  })

  test('large buffers of any length arrive, with a small rest', async () => {
    await using pool = new Pool(1)
    for (const length of [
      LARGE_LENGTH - 1,
      LARGE_LENGTH,
      LARGE_LENGTH + 1,
      VIEWED_LENGTH - 1,
      VIEWED_LENGTH,
      VIEWED_LENGTH + 1,
      LENGTH + 12_345
    ]) {
      const bytes = tasks.bytes(length, 3)
      assert.equal(await pool.apply(tasks.firstDifference, [bytes, length, 3]), -1)
      const back = await pool.apply(tasks.identity<unknown>, [[bytes, 'beside', bytes.subarray(1, 3)]])
      const [all, text, part] = back as [Uint8Array, string, Uint8Array]
      assert.deepEqual(
        [tasks.firstDifference(all, length, 3), text, [...part]],
        [-1, 'beside', [...bytes.subarray(1, 3)]]
      )
      assert.equal(part.buffer, all.buffer)
      assert.equal(all.buffer.byteLength, length)
    }
  })

  test('large buffers are freed once the worker and this process have dropped all views of them', async () => {
    // What the tests before have received.
    for (let i = 0; i < 3; i++) {
      collectGarbage()
      await new Promise(setImmediate)
    }
    await using pool = new Pool(1)
    const collect = collectGarbage
    const keep = (bytes: Uint8Array): number => {
      const { kept = [] } = globalThis as { kept?: Uint8Array[] }
      ;(globalThis as { kept?: Uint8Array[] }).kept = kept
      return kept.push(bytes) + bytes[9]
    }
    const drop = async (): Promise<void> => {
      delete (globalThis as { kept?: unknown }).kept
      collect()
    }
    await pool.apply(keep, [new Uint8Array(MB)])
    await pool.apply(drop)
    await pool.apply(tasks.bytes, [1])
    // What the worker sleeps on may come or go.
    const blocks = liveBlocks() + 1
    const bytes = new Uint8Array(LENGTH).fill(8)
    for (const count of [1, 2, 3, 4]) assert.equal(await pool.apply(keep, [bytes]), count + 8)
    assert.ok(liveBlocks() > blocks + 2, 'the worker has its arguments still')
    const ends = () => (globalThis as { kept?: Uint8Array[] }).kept!.map(one => one[LENGTH - 1])
    assert.deepEqual(await pool.apply(ends), [8, 8, 8, 8])
    const receive = async (): Promise<number> => {
      const results = await Promise.all([1, 2, 3, 4].map(() => pool.apply(tasks.bytes, [LENGTH, 1])))
      assert.ok(liveBlocks() > blocks + 6, 'the results are there, too')
      return results.length
    }
    await receive()
    await pool.apply(drop)
    const isDone = () => {
      collect()
      return liveBlocks() <= blocks
    }
    await until(isDone, 'all are given back')
  })

  const skip = 'transfer' in ArrayBuffer.prototype ? false : 'this Node has no ArrayBuffer.prototype.transfer'
  test('a large buffer that the program has transferred shows zeros later, and nothing breaks', { skip }, async () => {
    await using pool = new Pool(1)
    const length = LENGTH + 1000
    const moved = await (async () => {
      const bytes = await pool.apply((n: number) => new Uint8Array(n).fill(5), [length])
      return (bytes.buffer as unknown as { transfer(): ArrayBuffer }).transfer()
    })()
    const seen = new Uint8Array(moved)
    await until(() => {
      collectGarbage()
      return seen[length - 1] !== 5
    }, 'the block is given back')
    assert.deepEqual([seen[0], seen[length - 1], seen.length], [0, 0, length])
    seen.fill(1)
    assert.equal((await pool.apply((n: number) => new Uint8Array(n).fill(5), [length]))[9], 5)
  })

  test('large buffers that a killed worker viewed, or was about to view, leave nothing', async () => {
    await using pool = new Pool(1)
    await pool.apply(tasks.nothing)
    await pool.apply(tasks.bytes, [1])
    const blocks = liveBlocks()
    const bytes = new Uint8Array(LENGTH)
    const killed = await pool
      .apply(
        (seen: Uint8Array) => {
          seen[0] = 1
          process.kill(process.pid, 'SIGKILL')
        },
        [bytes]
      )
      .catch((error: Error) => error.name)
    assert.equal(killed, 'WorkerDiedError')
    await pool.apply(tasks.nothing)
    await until(() => liveBlocks() <= blocks + 2, 'its block is given back')
    const free = liveBlocks()
    pool.terminate()
    await pool.join()
    assert.ok(free <= blocks + 2)
  })

  test('large buffers of tasks that never ran are freed at terminate', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    const pool = new Pool(1)
    const bytes = new Uint8Array(LENGTH)
    const results = [1, 2, 3].map(() => pool.apply(tasks.neverWith, [bytes]).catch((error: Error) => error.name))
    await until(() => liveBlocks() >= blocks + 3, 'the arguments are stored')
    pool.terminate()
    await pool.join()
    assert.deepEqual(new Set(await Promise.all(results)), new Set(['PoolTerminatedError']))
    await untilBlocks(blocks)
  })

  test('large buffers cannot be transferred elsewhere, and do not disturb the end of the program', async () => {
    const { code, stdout, stderr } = await runProgram(`
      import { Pool } from '%LIBRARY%'
      const pool = new Pool(1)
      const bytes = await pool.apply(n => new Uint8Array(n).fill(4), [${LENGTH}])
      globalThis.bytes = bytes
      const moves = [() => structuredClone(bytes, { transfer: [bytes.buffer] }), () => bytes.buffer.transfer?.()]
      for (const move of moves) try { move() } catch {}
      console.log(bytes.length, bytes[77], structuredClone(bytes).length, bytes.slice(-1)[0])
      pool.close()
      await pool.join()`)
    assert.deepEqual([stdout, stderr, code], [`${LENGTH} 4 ${LENGTH} 4\n`, '', 0])
  })

  test('large buffers are refused where a message has no block', () => {
    const encoder = new Encoder()
    encoder.allowsLarge = true
    encoder.encode([new Uint8Array(LENGTH), 1])
    const message = encoder.bytes.slice(encoder.start, encoder.end)
    assert.ok(message.length < 100)
    assert.equal(encoder.large!.parts.length, 1)
    assert.throws(() => decode(message), SerializationError)
    const outside = { bufferAt: () => assert.fail(new RangeError('outside')) }
    assert.throws(() => decode(message, 0, message.length, outside), /it is damaged: outside/)
  })
})
