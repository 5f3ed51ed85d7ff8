import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Pool } from '../../src/index.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { liveBlocks, randomFrom, range, until, untilBlocks } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)
const MB = 2 ** 20

describe('large values', { timeout }, () => {
  test('64 MB go there and back byte by byte, the memory is freed, and /dev/shm is unused', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    // Other programs may have files there: these would be mapped.
    const mapsFiles = () => readFileSync('/proc/self/maps', 'utf8').includes('/dev/shm/')
    // In a function, so that nothing is left of what it received.
    const thereAndBack = async (): Promise<void> => {
      await using pool = new Pool(1)
      await pool.apply(tasks.nothing)
      const value = tasks.bytes(64 * MB, 7)
      assert.equal(await pool.apply(tasks.firstDifference, [value, value.length, 7]), -1)
      assert.equal(tasks.firstDifference(await pool.apply(tasks.bytes, [64 * MB, 9]), 64 * MB, 9), -1)
      const inverted = await pool.apply(tasks.invert, [value])
      assert.equal(Buffer.compare(inverted, tasks.invert(tasks.bytes(64 * MB, 7))), 0)
      assert.equal(tasks.firstDifference(value, value.length, 7), -1, 'the argument itself has not changed')
      // What the worker sleeps on, the definitions of four functions, and what has yet to be collected stay.
      await until(() => liveBlocks() <= blocks + 12, 'the blocks of the messages are given back')
      assert.deepEqual([mapsFiles(), await pool.apply(mapsFiles)], [false, false])
    }
    await thereAndBack()
    await untilBlocks(blocks)
  })

  test('values of all lengths around those at which storage changes arrive', async () => {
    await using pool = new Pool(2)
    const sizes = [
      0,
      1,
      300,
      400,
      440,
      447,
      448,
      449,
      512,
      2 ** 14 - 64,
      2 ** 14,
      2 ** 14 + 1,
      2 ** 16 - 64,
      2 ** 16,
      2 ** 16 + 1,
      MB
    ]
    const results = await Promise.all(
      sizes.flatMap((size, seed) => [
        pool.apply(tasks.firstDifference, [tasks.bytes(size, seed), size, seed]),
        pool.apply(tasks.bytes, [size, seed]).then(value => tasks.firstDifference(value, size, seed))
      ])
    )
    assert.deepEqual(
      results,
      sizes.flatMap(() => [-1, -1])
    )
    const texts = sizes.map(size => 'é'.repeat(size))
    assert.deepEqual(await Promise.all(texts.map(text => pool.apply(tasks.identity, [text]))), texts)
  })

  test('hundreds of values of 1 KB to 1 MB arrive mixed, each with its own bytes', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    {
      await using pool = new Pool(2)
      const random = randomFrom(3)
      const sizes = range(300).map(() => Math.floor(1024 ** (1 + random())))
      const differences = await Promise.all(
        sizes.map(async (size, seed) => tasks.firstDifference(await pool.apply(tasks.bytes, [size, seed]), size, seed))
      )
      assert.deepEqual(new Set(differences), new Set([-1]))
      const mapped = await pool.map(tasks.invert, sizes.map(tasks.bytes), 7)
      for (const [seed, value] of mapped.entries()) {
        assert.equal(tasks.firstDifference(tasks.invert(value), sizes[seed], seed), -1)
      }
    }
    await untilBlocks(blocks)
  })

  test('a result belongs to its receiver, and other tasks do not change it', async () => {
    await using pool = new Pool(1)
    const first = await pool.apply(tasks.bytes, [MB, 1])
    const second = await pool.apply(tasks.bytes, [MB, 2])
    first.fill(0)
    await pool.map(tasks.bytes as (length: number) => Uint8Array, [MB, MB, MB])
    assert.equal(tasks.firstDifference(second, MB, 2), -1)
    assert.ok(first.every(byte => byte === 0))
  })

  test('values of tasks that never ran or never ended are freed at terminate', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    const pool = new Pool(1)
    const value = tasks.bytes(5 * MB)
    const results = range(5).map(() => pool.apply(tasks.neverWith, [value]).catch((error: Error) => error.name))
    await until(() => liveBlocks() >= blocks + 5, 'the arguments are stored')
    pool.terminate()
    await pool.join()
    assert.deepEqual(new Set(await Promise.all(results)), new Set(['PoolTerminatedError']))
    await untilBlocks(blocks)
  })

  test('long lists of small items arrive', async () => {
    await using pool = new Pool(1)
    const list = range(200_000).map(n => ({ n, text: `text ${n}` }))
    const back = await pool.apply(tasks.identity<typeof list>, [list])
    assert.deepEqual(back, list)
  })
})
