/**
 * A slot has no generation: what a dead worker left in it, and in its ring, must never be taken for the result of the task that
 * comes after, in the same slot, from the worker in the same place.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pool } from '../../../src/index.ts'
import { dieTelling, dieWriting } from '../../fixtures/pool/mid-result.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import { liveBlocks, range, untilBlocks } from '../../fixtures/pool/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const timeout = limit(120_000)
const LARGE = 'x'.repeat(100_000)

/** As many tasks as slots and more, first one after the other: the last slot freed is the next one used. */
async function assertEachHasItsOwn(pool: Pool, first: number): Promise<void> {
  for (const n of range(20)) assert.equal(await pool.apply(tasks.identity<number>, [first + n]), first + n)
  const input = range(3000).map(n => first + n)
  assert.deepEqual(await Promise.all(input.map(n => pool.applyAsync(tasks.identity<number>, [n]))), input)
}

describe('a worker that is killed amid its result', { timeout }, () => {
  const cases = [
    { size: 'small', result: 'small', points: [0, 1, 2, 3] },
    { size: 'large', result: LARGE, points: [0, 1] }
  ]
  for (const { size, result, points } of cases) {
    test(`${size}, killed while it reports the result: finished results are delivered once, to their own tasks`, async () => {
      await new Pool(1)[Symbol.asyncDispose]()
      const blocks = liveBlocks()
      {
        await using pool = new Pool(1)
        for (const point of points) {
          // The ring is somewhere else each time.
          for (const n of range(point * 5)) await pool.apply(tasks.identity<number>, [n])
          const told = pool.apply(dieTelling<string>, [point, result])
          const behind = range(50).map(n => pool.applyAsync(tasks.identity<number>, [n]))
          if (point === 0) await assert.rejects(told, { name: 'WorkerDiedError', exitcode: -9 })
          else assert.equal(await told, result)
          assert.deepEqual(await Promise.all(behind), range(50))
          await assertEachHasItsOwn(pool, point * 10_000)
        }
      }
      await untilBlocks(blocks)
    })
  }

  test('a worker may be killed while it writes its result', async () => {
    await using pool = new Pool(1)
    await assert.rejects(pool.apply(dieWriting, [LARGE]), { name: 'WorkerDiedError', exitcode: -9 })
    await assertEachHasItsOwn(pool, 1)
  })

  test('a task with a try left is done again by the next worker', async () => {
    await using pool = new Pool(1)
    await assert.rejects(pool.apply(dieTelling<number>, [0, 7], { retries: 1 }), { name: 'WorkerDiedError' })
    assert.equal(pool.stats.workers[0].restarts, 2)
    await assertEachHasItsOwn(pool, 1)
  })
})
