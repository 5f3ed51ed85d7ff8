import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AsyncResult, Pool, WorkerDiedError } from '../../../src/index.ts'
import * as dying from '../../fixtures/pool/dying.ts'
import { killLoop } from '../../fixtures/pool/kill-loop.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import {
  Gate,
  isPidRunning,
  liveBlocks,
  range,
  Scratch,
  until,
  untilBlocks,
  workers
} from '../../fixtures/pool/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const timeout = limit(120_000)

/** The error of a task whose worker died. */
async function deathOf(result: PromiseLike<unknown>): Promise<WorkerDiedError> {
  try {
    await result
  } catch (error) {
    assert.ok(error instanceof WorkerDiedError, String(error))
    assert.equal(error.code, 'ERR_WORKER_DIED')
    return error
  }
  assert.fail('the task did not reject')
}

/** The pool has as many workers as before, `gone` is not among them, and they work. */
async function isWhole(pool: Pool, count: number, gone: readonly number[]): Promise<void> {
  await until(() => workers().length === count, `${count} workers again`, 20_000)
  assert.ok(!workers().some(pid => gone.includes(pid)))
  assert.deepEqual(await pool.map(tasks.square, range(100), 1), range(100).map(tasks.square))
}

describe('a worker that is killed', { timeout }, () => {
  test('a worker that is killed within a task makes only that task reject, and a new worker takes its place', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    const [killed, other] = [new Gate(scratch, 'killed'), new Gate(scratch, 'other')]
    const victim = pool.applyAsync(tasks.holdGate, killed.args)
    const survivor = pool.applyAsync(tasks.holdGate, other.args)
    const waiting = range(20).map(n => pool.apply(tasks.square, [n]))
    const pid = await killed.arrival()
    await other.arrival()
    process.kill(pid, 'SIGKILL')
    const error = await deathOf(victim)
    assert.equal(error.exitcode, -9)
    assert.equal(error.pid, pid)
    assert.match(error.message, new RegExp(`${pid}.*signal 9`))
    assert.deepEqual(await Promise.all(waiting), range(20).map(tasks.square))
    assert.equal(survivor.ready(), false)
    other.open()
    assert.equal(await survivor, await other.arrival())
    await isWhole(pool, 2, [pid])
  })

  test('a worker that is killed while it spins, or by other signals, is replaced', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    for (const [signal, number] of [
      ['SIGKILL', 9],
      ['SIGTERM', 15],
      ['SIGABRT', 6]
    ] as const) {
      const gate = new Gate(scratch, signal)
      const spinning = pool.applyAsync(dying.spinFrom, [gate.reached])
      const pid = await gate.arrival()
      process.kill(pid, signal)
      assert.deepEqual({ ...(await deathOf(spinning)) }, { code: 'ERR_WORKER_DIED', exitcode: -number, pid })
      assert.equal(await pool.apply(tasks.square, [3]), 9)
    }
  })

  test('a worker that its own task kills is replaced', async () => {
    await using pool = new Pool(1)
    assert.equal((await deathOf(pool.apply(dying.kill, ['SIGKILL']))).exitcode, -9)
    assert.equal((await deathOf(pool.apply(dying.kill, ['SIGTERM']))).exitcode, -15)
    await isWhole(pool, 1, [])
  })

  test('a worker that is killed while it idles makes no task reject, and a new one takes its place', async () => {
    await using pool = new Pool(2)
    await pool.map(tasks.square, range(10))
    const gone: number[] = []
    for (const _ of range(2)) {
      const [pid] = workers()
      gone.push(pid)
      process.kill(pid, 'SIGKILL')
      await until(() => !isPidRunning(pid), 'the worker is gone')
      assert.equal(await pool.apply(tasks.square, [3]), 9)
      await isWhole(pool, 2, gone)
    }
  })

  test('a worker that is killed while it idles is replaced when tasks come before its death is known', async () => {
    await using pool = new Pool(1)
    for (const round of range(3)) {
      await pool.apply(tasks.square, [round])
      for (const pid of workers()) process.kill(pid, 'SIGKILL')
      // Blocking, so that the event loop cannot tell the pool.
      tasks.block(5)
      const results = await Promise.allSettled(range(10).map(n => pool.apply(tasks.square, [n])))
      for (const [n, result] of results.entries()) {
        if (result.status === 'fulfilled') assert.equal(result.value, n * n)
        else assert.ok(result.reason instanceof WorkerDiedError, String(result.reason))
      }
      assert.deepEqual(results.at(-1), { status: 'fulfilled', value: 81 })
    }
  })

  test('the tasks of a worker that is killed while it starts go to the next one', async () => {
    await using pool = new Pool(1)
    const results = range(10).map(n => pool.apply(tasks.square, [n]))
    const [pid] = workers()
    process.kill(pid, 'SIGKILL')
    assert.deepEqual(await Promise.all(results), range(10).map(tasks.square))
    await isWhole(pool, 1, [pid])
  })

  test('results of a killed worker that were not read yet are not lost', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const pid = await pool.apply(tasks.pid)
    const results = range(50).map(n => pool.apply(tasks.reportBlock, [scratch.file('reports'), n, 0]))
    const gate = new Gate(scratch)
    const last = pool.applyAsync(tasks.holdGate, gate.args)
    // Blocking, so that none of the results is taken before the worker is dead.
    while (gate.pidNow() === 0) tasks.block(1)
    process.kill(pid, 'SIGKILL')
    while (isPidRunning(pid)) tasks.block(1)
    assert.deepEqual(await Promise.all(results), range(50))
    assert.equal((await deathOf(last)).pid, pid)
  })

  test('all workers may be killed at once, some idle and some at work', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(4)
    const gates = [new Gate(scratch, 'a'), new Gate(scratch, 'b')]
    const held = gates.map(gate => pool.applyAsync(tasks.holdGate, gate.args))
    for (const gate of gates) await gate.arrival()
    const gone = workers()
    assert.equal(gone.length, 4)
    for (const pid of gone) process.kill(pid, 'SIGKILL')
    for (const [index, result] of held.entries())
      assert.equal((await deathOf(result)).pid, await gates[index].arrival())
    await isWhole(pool, 4, gone)
  })

  test('a killed worker with several tasks makes those reject, each with its own error', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1, { concurrency: 3 })
    const gates = range(3).map(n => new Gate(scratch, `${n}`))
    const results: AsyncResult<number>[] = gates.map(gate => pool.applyAsync(tasks.awaitGate, gate.args))
    const after = pool.apply(tasks.square, [3])
    const pids = await Promise.all(gates.map(gate => gate.arrival()))
    process.kill(pids[0], 'SIGKILL')
    for (const result of results) assert.equal((await deathOf(result)).pid, pids[0])
    assert.equal(await after, 9)
  })

  test('a worker may be killed within a chunk of map and of imap', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    for (const method of ['map', 'imap'] as const) {
      const gate = new Gate(scratch, method)
      const items = [1, 2, gate.args, 4, 5, 6]
      const result = method === 'map' ? pool.map(tasks.holdOrReturn, items, 4) : pool.imap(tasks.holdOrReturn, items, 4)
      const pid = await gate.arrival()
      process.kill(pid, 'SIGKILL')
      if (result instanceof Promise) {
        assert.equal((await deathOf(result)).pid, pid)
      } else {
        // The whole chunk is lost, and no other.
        for (const _ of range(4)) assert.equal((await deathOf(result.next())).pid, pid)
        assert.deepEqual(
          [await result.next(), await result.next()].map(({ value }) => value),
          [5, 6]
        )
        assert.equal((await result.next()).done, true)
      }
    }
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })
})

describe('a worker that ends by itself', { timeout }, () => {
  test('process.exit in a task makes the task reject with the exit code', async () => {
    await using pool = new Pool(2)
    for (const code of [3, 0]) {
      const error = await deathOf(pool.apply(dying.exit, [code]))
      assert.equal(error.exitcode, code)
      assert.ok(!isPidRunning(error.pid))
      assert.match(error.message, new RegExp(`${error.pid}.*exit code ${code}`))
      await isWhole(pool, 2, [error.pid])
    }
  })

  test('an error thrown in a timer, and an unhandled rejection, give exit code 1', async () => {
    await using pool = new Pool(1)
    assert.equal((await deathOf(pool.apply(dying.throwInTimer, ['on purpose, in a timer']))).exitcode, 1)
    assert.equal((await deathOf(pool.apply(dying.rejectUnhandled, ['on purpose, unhandled']))).exitcode, 1)
    await isWhole(pool, 1, [])
  })

  test('a worker that ends after its task has answered makes no task reject', async () => {
    await using pool = new Pool(1)
    for (const code of [3, 4]) {
      const pids = workers()
      assert.equal(await pool.apply(dying.exitSoon, [code]), code)
      await until(() => !pids.some(isPidRunning), 'the worker has ended')
      await isWhole(pool, 1, pids)
    }
  })
})

describe('what dead workers leave', { timeout }, () => {
  test('what a dead worker had is freed: arguments, results on their way, what it slept on', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    {
      await using pool = new Pool(2)
      const long = tasks.bytes(20_000)
      for (const _ of range(3)) {
        const results = range(50).map(() => pool.apply(tasks.identity<Uint8Array>, [long]))
        await results[0].catch(() => {})
        for (const pid of workers()) process.kill(pid, 'SIGKILL')
        for (const result of await Promise.allSettled(results)) {
          if (result.status === 'rejected') assert.ok(result.reason instanceof WorkerDiedError, String(result.reason))
          else assert.deepEqual(result.value, long)
        }
      }
      await until(() => liveBlocks() <= blocks + 6, 'the blocks of the messages are given back')
    }
    await untilBlocks(blocks)
  })
})

describe('random workers killed all the time: each task has its result or WorkerDiedError', { timeout }, () => {
  test('each task has its result or WorkerDiedError while a worker at work is killed every 20 ms', () =>
    killLoop({ processes: 2, tasks: 300, kills: 3, everyMs: 20, isSparingStarts: true, seed: 1 }))

  test('each task has its result or WorkerDiedError while workers are killed as they start, with several tasks at once', () =>
    killLoop({ processes: 3, concurrency: 4, tasks: 600, kills: 3, everyMs: 50, seed: 2 }))
})
