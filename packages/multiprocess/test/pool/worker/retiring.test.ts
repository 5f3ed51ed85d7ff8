/** Workers that leave for fresh ones, and those that are kept ready. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import * as threads from 'multiprocess/threads'
import { Pool, type WorkerMessage } from '../../../src/index.ts'
import * as living from '../../fixtures/pool/living.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import { liveBlocks, range, reports, Scratch, until, untilBlocks, workers } from '../../fixtures/pool/tools.ts'
import { limit } from '../../fixtures/slowness.ts'
import { square as squareInThread } from '../../fixtures/threads/tasks.ts'

const timeout = limit(120_000)
const MB = 2 ** 20

/** The pids of workers, in the order in which they started (positive) and ended (negative). */
function watchWorkers(): { events: number[]; [Symbol.dispose](): void } {
  const events: number[] = []
  const onStart = (message: unknown) => void events.push((message as WorkerMessage).pid)
  const onEnd = (message: unknown) => void events.push(-(message as WorkerMessage).pid)
  subscribe('multiprocess:pool:worker:start', onStart)
  subscribe('multiprocess:pool:worker:end', onEnd)
  return {
    events,
    [Symbol.dispose]: () => {
      unsubscribe('multiprocess:pool:worker:start', onStart)
      unsubscribe('multiprocess:pool:worker:end', onEnd)
    }
  }
}

describe('maxTasksPerChild', { timeout }, () => {
  test('a successor starts before the old worker leaves, and no more workers work at once than processes', async () => {
    await using scratch = await Scratch.create()
    for (const processes of [1, 2]) {
      using watch = watchWorkers()
      const name = `reports-${processes}`
      await using pool = new Pool({ processes, maxTasksPerChild: 5 })
      await Promise.all(range(60).map(n => pool.apply(tasks.reportBlock, [scratch.file(name), n, 3])))
      const started = watch.events.filter(event => event > 0)
      assert.ok(started.length >= 12, `${started.length} workers for 60 tasks, 5 each`)
      for (const pid of watch.events.filter(event => event < 0)) {
        const before = watch.events.slice(0, watch.events.indexOf(pid))
        assert.ok(before.filter(event => event > 0).length > before.filter(event => event < 0).length + processes - 1)
      }
      let atWork = 0
      const counts = new Map<number, number>()
      for (const { what, pid } of await reports(scratch, name)) {
        atWork += what === 'begin' ? 1 : -1
        if (what === 'begin') counts.set(pid, (counts.get(pid) ?? 0) + 1)
        assert.ok(atWork <= processes, `${atWork} at work`)
      }
      assert.ok([...counts.values()].every(count => count <= 5))
    }
  })

  test('a successor is ready when the old worker leaves, and is among the workers before', async () => {
    await using pool = new Pool({ processes: 1, maxTasksPerChild: 3 })
    const pid = await pool.apply(tasks.pid)
    await pool.apply(tasks.pid)
    await until(() => pool.stats.workers.length === 2, 'the successor is started before the last task')
    const [next] = pool.stats.workers.map(worker => worker.pid).filter(other => other !== pid)
    assert.equal(await pool.apply(tasks.pid), pid)
    assert.equal(await pool.apply(tasks.pid), next)
    await until(() => !workers().includes(pid), 'the old one is gone')
  })

  test('a pool that closes leaves no successor behind, nor any memory', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    for (const count of [1, 2, 3, 4]) {
      const pool = new Pool({ processes: 2, maxTasksPerChild: 2, reserve: 1 })
      await pool.map(tasks.square, range(count), 1)
      pool.close()
      await pool.join()
      assert.deepEqual(workers(), [])
    }
    await untilBlocks(blocks)
  })

  test('maxTasksPerChild works over threads', async () => {
    await using pool = new threads.Pool({ processes: 2, maxTasksPerChild: 2, reserve: 1 })
    const results = await pool.map(squareInThread, range(30), 1)
    assert.deepEqual(results, range(30).map(tasks.square))
  })
})

describe('maxMemoryPerChild', { timeout }, () => {
  test('a worker with more memory than maxMemoryPerChild is replaced once its successor is ready', async () => {
    using watch = watchWorkers()
    await using pool = new Pool({ processes: 1, maxMemoryPerChild: 250 * MB })
    const pid = await pool.apply(tasks.pid)
    assert.equal(await pool.apply(living.keepBytes, [300 * MB]), pid)
    while ((await pool.apply(tasks.pid)) === pid);
    await until(() => watch.events.includes(-pid), 'the full one has left')
    assert.deepEqual(watch.events.map(Math.sign), [1, 1, -1])
  })

  test('an idle worker with more memory than maxMemoryPerChild leaves, too', async () => {
    await using pool = new Pool({ processes: 1, maxMemoryPerChild: 250 * MB })
    const pid = await pool.apply(living.keepBytes, [300 * MB])
    await until(() => workers().length === 1 && !workers().includes(pid), 'another one is there instead', 20_000)
    assert.notEqual(await pool.apply(tasks.pid), pid)
  })

  test('a worker with less memory than maxMemoryPerChild stays', async () => {
    await using pool = new Pool({ processes: 1, maxMemoryPerChild: 1000 * MB })
    const pids = await Promise.all(range(300).map(() => pool.apply(tasks.pid)))
    assert.equal(new Set(pids).size, 1)
    assert.equal(pool.stats.workers.length, 1)
  })
})

describe('reserve', { timeout }, () => {
  test('a worker of the reserve replaces one that dies, and another takes its place', async () => {
    await using pool = new Pool({ processes: 1, reserve: 1 })
    const pid = await pool.apply(tasks.pid)
    assert.equal(pool.stats.workers.length, 2)
    const spare = pool.stats.workers.find(worker => worker.pid !== pid)?.pid
    assert.deepEqual([...new Set(await Promise.all(range(500).map(() => pool.apply(tasks.pid))))], [pid])
    process.kill(pid, 'SIGKILL')
    await until(() => !workers().includes(pid), 'the worker is gone')
    assert.equal(await pool.apply(tasks.pid), spare)
    await until(() => workers().length === 2, 'another is kept ready')
  })

  test('a reserve of workers that cannot start makes everything reject with the reason', async () => {
    const initializer = () => {
      throw new RangeError('no start')
    }
    await using pool = new Pool({ processes: 1, reserve: 2, initializer })
    await assert.rejects(pool.apply(tasks.square, [2]), { message: 'no start' })
  })
})

test('invalid limits are refused', () => {
  for (const limit of [-1, 1.5, Number.NaN]) {
    assert.throws(() => new Pool({ processes: 1, maxMemoryPerChild: limit }), { name: 'ValueError' })
    assert.throws(() => new Pool({ processes: 1, reserve: limit }), { name: 'ValueError' })
  }
  assert.throws(() => new Pool({ processes: 1, maxMemoryPerChild: 0 }), { name: 'ValueError' })
  assert.throws(() => new Pool({ processes: 1, reserve: '1' as never }), { name: 'TypeError', message: /reserve/ })
})
