/** The memory of what processes share. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { slotOf } from '../../src/ground/arena/process-table.ts'
import { SharedBlocks } from '../../src/ground/arena/shared-blocks.ts'
import { currentFamily } from '../../src/ground/family.ts'
import { Lock, Pool, Semaphore, Array as SharedArray } from '../../src/index.ts'
import { until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'
import * as tasks from '../fixtures/sync/tasks.ts'

const timeout = limit(60_000)

describe('the memory of shared objects', { timeout }, () => {
  test('shared memory is freed when no process has it, even if parts of an array are still in use', async () => {
    const { arena } = currentFamily()
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    await using pool = new Pool(1)
    await pool.apply(tasks.isLocked, [new Lock()])
    let part: Int32Array | undefined = SharedArray('i', [1, 2, 3]).subarray(1)
    collect()
    const before = arena.liveBlocks
    for (let i = 0; i < 2000; i++) await pool.apply(tasks.isLocked, [new Lock()])
    for (let i = 0; i < 20_000; i++) new Semaphore(3)
    await until(() => {
      collect()
      return arena.liveBlocks <= before + 2100
    }, 'the blocks of dropped objects are given back')
    assert.deepEqual([...part], [2, 3])
    part = undefined
  })

  test("shared memory stays with its holder if the previous process in the holder's slot is reaped a second time", () => {
    const { memory, arena, table } = currentFamily()
    const first = table.claim(currentFamily().self)
    table.free(first)
    const second = table.claim(currentFamily().self)
    assert.equal(slotOf(second), slotOf(first))
    const blocks = new SharedBlocks(
      memory,
      arena,
      table,
      second,
      () => {},
      () => {}
    )
    const at = blocks.create(8)
    blocks.countOut(first)
    assert.equal(blocks.isBlock(at), true)
    blocks.countOut(second)
    assert.equal(blocks.isBlock(at), false)
    table.free(second)
  })

  test('shared memory outlives its creator, and is freed with its last holder', async () => {
    const { arena } = currentFamily()
    const pool = new Pool(1)
    const lock = await pool.apply(() => import('../../src/index.ts').then(({ Lock }) => new Lock()))
    pool.terminate()
    await pool.join()
    assert.equal(lock.acquireSync(), true)
    assert.ok(arena.liveBlocks > 0)
    lock.release()
  })
})
