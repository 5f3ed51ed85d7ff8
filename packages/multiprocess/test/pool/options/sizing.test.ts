/** Pools that grow and shrink, that refuse what is too much, and that measure. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as threads from 'multiprocess/threads'
import { cpuCount, MultiprocessError, Pool } from '../../../src/index.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import { Gate, range, Scratch, until } from '../../fixtures/pool/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const timeout = limit(60_000)

for (const [ground, Pool_] of [
  ['processes', Pool],
  ['threads', threads.Pool as typeof Pool]
] as const) {
  describe(`a pool over ${ground}`, { timeout }, () => {
    test('a pool has minProcesses at first, more while tasks wait, and as few again when they are idle', {
      timeout
    }, async () => {
      await using scratch = await Scratch.create()
      await using pool = new Pool_(3, { minProcesses: 1, idleTimeout: 100 })
      assert.equal(pool.stats.workers.length, 1)
      const gates = range(3).map(n => new Gate(scratch, String(n)))
      const held = gates.map(gate => pool.apply(tasks.holdOrReturn, [gate.args as unknown]))
      for (const gate of gates) await gate.arrival()
      assert.equal(pool.stats.workers.length, 3)
      for (const gate of gates) gate.open()
      await Promise.all(held)
      await until(() => pool.stats.workers.length === 1, 'one worker is left')
      assert.equal(await pool.apply(tasks.square, [3]), 9)
      assert.deepEqual(await pool.map(tasks.square, range(100)), range(100).map(tasks.square))
    })

    test('a pool may have no worker at all, and starts one for a task, again and again', { timeout }, async () => {
      await using pool = new Pool_(2, { minProcesses: 0, idleTimeout: 40 })
      for (let round = 0; round < 4; round++) {
        await until(() => pool.stats.workers.length === 0, 'no worker is left')
        assert.deepEqual(await Promise.all(range(5).map(n => pool.apply(tasks.square, [n]))), [0, 1, 4, 9, 16])
      }
      assert.equal(pool.applySync(tasks.square, [3]), 9)
      pool.close()
      await pool.join()
    })

    test('a pool refuses a task beyond maxQueue, and takes one when there is room', { timeout }, async () => {
      await using scratch = await Scratch.create()
      await using pool = new Pool_(1, { maxQueue: 1 })
      const gate = new Gate(scratch, 'held')
      const held = pool.apply(tasks.holdOrReturn, [gate.args as unknown])
      const waiting = pool.apply(tasks.square, [2])
      const refused = {
        name: 'MultiprocessError',
        code: 'ERR_POOL_FULL',
        message: /1 tasks wait already, as many as maxQueue/
      }
      await assert.rejects(pool.apply(tasks.square, [3]), refused)
      assert.throws(() => pool.applyAsync(tasks.square, [3]), refused)
      assert.throws(() => pool.applySync(tasks.square, [3]), MultiprocessError)
      gate.open()
      await held
      assert.equal(await waiting, 4)
      assert.equal(await pool.apply(tasks.square, [3]), 9)
      // A map gives its chunks as workers take them.
      assert.equal((await pool.map(tasks.square, range(500), 1)).length, 500)
    })

    test('a pool measures how long tasks wait and run, if it is asked to', { timeout }, async () => {
      await using scratch = await Scratch.create()
      await using pool = new Pool_(1, { timings: true })
      const gate = new Gate(scratch, 'held')
      const begin = performance.now()
      const held = pool.apply(tasks.holdOrReturn, [gate.args as unknown])
      const waiting = pool.apply(tasks.square, [2])
      await gate.arrival()
      const heldFor = performance.now()
      await new Promise(resolve => setTimeout(resolve, 50))
      gate.open()
      await Promise.all([held, waiting])
      const { waitTime, runTime } = pool.stats
      assert.equal(waitTime?.count, 2)
      assert.equal(runTime?.count, 2)
      const spent = performance.now() - begin
      assert.ok(runTime.max >= 49 && runTime.max <= spent, `${runTime.max}`)
      assert.ok(waitTime.max >= 49 && waitTime.max <= spent, `${waitTime.max}, held at ${heldFor - begin}`)
      assert.ok(runTime.min > 0 && runTime.min <= runTime.p50 && runTime.p50 <= runTime.p99)
      // The histogram has three figures.
      assert.ok(runTime.p99 <= runTime.max * 1.001)
      await using plain = new Pool_(1)
      await plain.apply(tasks.square, [2])
      assert.equal('waitTime' in plain.stats, false)
    })
  })
}

test('a pool reports its options, with defaults', { timeout }, async () => {
  await using pool = new Pool({ processes: 2, maxTasksPerChild: 10 })
  const { startTimeout, ...options } = pool.options
  assert.ok(startTimeout >= 30_000)
  assert.deepEqual(options, {
    processes: 2,
    minProcesses: 2,
    idleTimeout: Number.POSITIVE_INFINITY,
    maxQueue: Number.POSITIVE_INFINITY,
    timings: false,
    maxTasksPerChild: 10,
    maxMemoryPerChild: Number.POSITIVE_INFINITY,
    reserve: 0,
    concurrency: 1,
    trace: undefined
  })
  assert.ok(Object.isFrozen(pool.options))
  await using elastic = new Pool({ idleTimeout: 100 })
  assert.deepEqual([elastic.options.processes, elastic.options.minProcesses], [cpuCount(), 1])
})
