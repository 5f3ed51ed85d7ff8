/** Long loops: kills, starts and ends, and values that are larger than a test has time for. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Pool, WorkerDiedError } from '../../src/index.ts'
import * as dying from '../fixtures/pool/dying.ts'
import { killLoop } from '../fixtures/pool/kill-loop.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { liveBlocks, randomFrom, range, until, untilBlocks, workers } from '../fixtures/pool/tools.ts'
import { descriptorCount } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(900_000)
const MB = 2 ** 20

describe('random workers killed', { timeout }, () => {
  for (const seed of [1, 2, 3]) {
    test(`one at work every 20 ms while 20,000 tasks run, seed ${seed}`, () =>
      killLoop({ processes: 4, tasks: 20_000, kills: 20, everyMs: 20, isSparingStarts: true, seed }))

    test(`any every 150 ms, with 8 tasks under way at once in each, seed ${seed}`, () =>
      killLoop({ processes: 3, concurrency: 8, tasks: 60_000, kills: 10, everyMs: 150, seed }))
  }

  test('all at once, a hundred times', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    {
      await using pool = new Pool(2)
      const random = randomFrom(4)
      for (const _ of range(100)) {
        const results = range(20).map(n => pool.apply(n % 2 === 0 ? tasks.square : tasks.squareLater, [n]))
        await tasks.sleep(random() * 60)
        for (const pid of workers()) process.kill(pid, 'SIGKILL')
        for (const [n, result] of (await Promise.allSettled(results)).entries()) {
          if (result.status === 'fulfilled') assert.equal(result.value, n * n)
          else assert.ok(result.reason instanceof WorkerDiedError, String(result.reason))
        }
      }
      assert.deepEqual(await pool.map(tasks.square, range(100), 1), range(100).map(tasks.square))
    }
    await untilBlocks(blocks)
  })
})

describe('over and over', { timeout }, () => {
  test('200 pools, one after the other, ended in each way at a random moment', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const before = { blocks: liveBlocks(), descriptors: descriptorCount(), files: readdirSync('/dev/shm') }
    const random = randomFrom(5)
    for (const round of range(200)) {
      const pool = new Pool(1 + (round % 3), { concurrency: 1 + (round % 4) })
      const results = range(200).map(n => pool.apply(n % 3 === 0 ? tasks.squareLater : tasks.identity, [n]))
      const mapped = pool.map(tasks.square, range(100), 3)
      const all = Promise.allSettled([...results, mapped])
      await tasks.sleep(random() * 150)
      if (round % 2 === 0) pool.close()
      else pool.terminate()
      await pool.join()
      for (const result of await all) {
        assert.ok(result.status === 'fulfilled' || (round % 2 === 1 && result.reason.name === 'PoolTerminatedError'))
      }
      assert.deepEqual(workers(), [])
    }
    await untilBlocks(before.blocks)
    assert.equal(descriptorCount(), before.descriptors)
    assert.deepEqual(readdirSync('/dev/shm'), before.files)
  })

  test('a fresh worker for each of 300 tasks', async () => {
    await using pool = new Pool(2, { maxTasksPerChild: 1 })
    const pids = await Promise.all(range(300).map(() => pool.apply(tasks.pid)))
    assert.equal(new Set(pids).size, 300)
  })

  test('200 workers that exit under their task', async () => {
    await using pool = new Pool(2)
    for (const n of range(200))
      await assert.rejects(pool.apply(dying.exit, [n]), { name: 'WorkerDiedError', exitcode: n })
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })

  test('300,000 round trips, one after the other, with pauses in between', async () => {
    await using pool = new Pool(2)
    const random = randomFrom(6)
    for (const n of range(300_000)) {
      assert.equal(await pool.apply(tasks.square, [n]), n * n)
      if (n % 100 === 0) tasks.spin(random())
      if (n % 1000 === 0) await tasks.sleep(random() * 3)
    }
  })

  test('a million tasks in bursts of all sizes', async () => {
    await using pool = new Pool(2, { concurrency: 2 })
    const random = randomFrom(7)
    for (let done = 0; done < 1_000_000; ) {
      const count = Math.floor(10_000 ** random())
      const results = await Promise.all(
        range(count).map(n => pool.apply(n % 7 === 0 ? tasks.identityLater<number> : tasks.square, [n]))
      )
      for (const [n, result] of results.entries()) assert.equal(result, n % 7 === 0 ? n : n * n)
      done += count
    }
  })
})

describe('large values', { timeout }, () => {
  test('300 MB there and back', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    {
      await using pool = new Pool(1)
      const value = tasks.bytes(300 * MB, 3)
      assert.equal(await pool.apply(tasks.firstDifference, [value, value.length, 3]), -1)
      assert.equal(tasks.firstDifference(await pool.apply(tasks.identity<Uint8Array>, [value]), value.length, 3), -1)
    }
    await untilBlocks(blocks)
  })

  test('2,000 of 1 KB to 4 MB, with workers killed meanwhile', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    {
      await using pool = new Pool(2)
      const random = randomFrom(8)
      let lost = 0
      const timer = setInterval(() => {
        const [pid] = workers()
        if (pid !== undefined) process.kill(pid, 'SIGKILL')
      }, 500)
      for (const _ of range(100)) {
        await Promise.all(
          range(20).map(async seed => {
            const size = Math.floor(4096 ** (1 + random() * 0.83))
            const sent = tasks.bytes(size, seed)
            try {
              assert.equal(tasks.firstDifference(await pool.apply(tasks.identity<Uint8Array>, [sent]), size, seed), -1)
            } catch (error) {
              assert.ok(error instanceof WorkerDiedError, String(error))
              lost++
            }
          })
        )
      }
      clearInterval(timer)
      assert.ok(lost < 1000, `${lost} of 2000 lost`)
      await until(() => liveBlocks() <= blocks + 8, 'the blocks of the messages are given back')
    }
    await untilBlocks(blocks)
  })
})
