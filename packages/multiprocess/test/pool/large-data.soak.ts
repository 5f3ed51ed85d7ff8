/** A gigabyte crosses with one copy, which is the arena's, and nothing of it stays. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentFamily } from '../../src/ground/family.ts'
import { Pool, Process, Value } from '../../src/index.ts'
import { collectGarbage } from '../fixtures/garbage.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { privateMegabytes, until } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(300_000)
const LENGTH = 2 ** 30
/** Less than this is no copy, in megabytes. */
const LITTLE = 32

/** Of the arena, in pages of 64 KiB. */
function usedMegabytes(): number {
  return currentFamily('spawn').arena.check().usedPages / 16
}

/** One value of each page is enough to have it there. */
function countTwos(array: Float64Array): number {
  let count = 0
  for (let i = 0; i < array.length; i += 512) if (array[i] === 2) count++
  return count
}

test('1 GB goes to a worker and back, and neither side takes memory of its own for what it receives', {
  timeout
}, async () => {
  await using pool = new Pool(1)
  await pool.apply(tasks.nothing)
  const used = usedMegabytes()
  const array = new Float64Array(LENGTH / 8).fill(2)
  const before = privateMegabytes()
  const seen = await pool.apply(
    (received: Float64Array) => {
      const own = privateMegabytes()
      return { count: countTwos(received), grown: privateMegabytes() - own }
    },
    [array]
  )
  assert.equal(seen.count, LENGTH / 4096)
  assert.ok(seen.grown < LITTLE, `reading takes ${seen.grown} MB`)
  assert.ok(privateMegabytes() - before < LITTLE, `sending takes ${privateMegabytes() - before} MB`)
  let back: Float64Array | undefined = await pool.apply(
    (length: number) => new Float64Array(length).fill(2),
    [LENGTH / 8]
  )
  assert.equal(countTwos(back), LENGTH / 4096)
  assert.ok(privateMegabytes() - before < LITTLE, `receiving takes ${privateMegabytes() - before} MB`)
  back = undefined
  for (let i = 0; i < 3; i++) await pool.apply(collectGarbage)
  await until(() => {
    collectGarbage()
    return usedMegabytes() < used + LITTLE
  }, 'its blocks are given back')
})

test('1 GB in a killed worker, and in a Process, leaves nothing', { timeout }, async () => {
  const pool = new Pool(1)
  await pool.apply(tasks.nothing)
  const used = usedMegabytes()
  const array = new Float64Array(LENGTH / 8).fill(2)
  const killed = await pool
    .apply(
      (received: Float64Array) => {
        received[0] = 1
        process.kill(process.pid, 'SIGKILL')
      },
      [array]
    )
    .catch((error: Error) => error.name)
  assert.equal(killed, 'WorkerDiedError')
  await pool.apply(tasks.nothing)
  await until(() => usedMegabytes() < used + LITTLE, 'its block is given back')
  pool.terminate()
  await pool.join()
  const count = Value('i')
  const child = new Process({
    target: (received: Float64Array) => {
      count.value = countTwos(received)
    },
    args: [array]
  })
  child.start()
  await child.join()
  assert.deepEqual([child.exitcode, count.value], [0, LENGTH / 4096])
  await until(() => usedMegabytes() < used + LITTLE, 'its block is given back')
})
