/** `pool.insights()`: where the time of a pool's workers went. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as threads from 'multiprocess/threads'
import { Pool, type PoolInsights } from '../../src/index.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(240_000)

const compute = (ms: number, label = '') => {
  const end = performance.now() + ms
  while (performance.now() < end);
  return label
}

const nap = (ms: number) => new Promise<number>(resolve => setTimeout(() => resolve(ms), ms))

const initialize = (ms: number) => void compute(ms)

/** The five times of a worker are its whole life. */
function checkLives({ workers, total }: PoolInsights, elapsed: number): void {
  for (const { startUp, init, wait, work, exit } of workers) {
    for (const time of [startUp, init, wait, work, exit]) assert.ok(time >= 0, `${time}`)
    const life = startUp + init + wait + work + exit
    assert.ok(life <= elapsed, `${life} ms of life in ${elapsed} ms`)
  }
  for (const key of ['startUp', 'init', 'wait', 'work', 'exit'] as const) {
    const sum = workers.reduce((sum, worker) => sum + worker[key], 0)
    assert.ok(Math.abs(sum - total[key]) < 0.001, `${key}: ${sum} and ${total[key]}`)
  }
}

for (const [ground, Type] of [
  ['processes', Pool],
  ['threads', threads.Pool]
] as const) {
  describe(`insights over ${ground}`, { timeout }, () => {
    test('start-up, initializer, waiting, work and exit are a worker’s life', async () => {
      const begin = performance.now()
      const pool = new Type(2, { timings: true, initializer: initialize, initargs: [100] })
      assert.equal(pool.insights().summary, 'no task has ended yet')
      await pool.map(compute, [50, 50, 50, 50], 1)
      const live = pool.insights()
      assert.deepEqual(
        live.workers.map(({ pid, isRunning }) => [pid, isRunning]),
        pool.stats.workers.map(({ pid }) => [pid, true])
      )
      checkLives(live, performance.now() - begin)
      assert.ok(live.total.work >= 199, `${live.total.work} ms of work`)
      const worked = live.workers.filter(({ tasks }) => tasks > 0)
      for (const { init, startUp, work, tasks } of worked) {
        assert.ok(init >= 99, `${init} ms in the initializer`)
        assert.ok(startUp > 0)
        assert.ok(work >= tasks * 50 - 1, `${work} ms of work in ${tasks} tasks`)
      }
      await sleep(50)
      pool.close()
      await pool.join()
      const ended = pool.insights()
      checkLives(ended, performance.now() - begin)
      assert.deepEqual(
        ended.workers.map(({ isRunning }) => isRunning),
        [false, false]
      )
      assert.equal(
        ended.workers.reduce((sum, { tasks }) => sum + tasks, 0),
        4
      )
      assert.ok(ended.total.exit > 0 && ended.total.work >= live.total.work)
      // A worker's time has ended with it.
      await sleep(20)
      assert.deepEqual(pool.insights(), ended)
    })
  })
}

describe('insights', { timeout }, () => {
  test('the slowest tasks are named with their shortened arguments, the slowest first', async () => {
    await using pool = new Pool(1, { timings: true })
    for (const ms of [1, 250, 2, 450, 3, 150, 350, 550]) await pool.apply(compute, [ms, 'x'.repeat(1000)])
    const { slowest } = pool.insights()
    assert.equal(slowest.length, 5)
    // The first task of a worker loads the function, too.
    const others = slowest.filter(({ id }) => id !== 1).slice(0, 4)
    assert.deepEqual(
      others.map(({ args, id }) => [/^\[ (\d+), 'x{20}/.exec(args)?.[1], id]),
      [
        ['550', 8],
        ['450', 4],
        ['350', 7],
        ['250', 2]
      ]
    )
    for (const { args, name, runTime, waitTime } of slowest) {
      assert.ok(args.length <= 100)
      assert.equal(name, 'compute')
      assert.ok(runTime > 0 && waitTime > 0)
    }
  })

  test('arguments that throw when they are shown do no harm', async () => {
    await using pool = new Pool(1, { timings: true })
    class Odd {
      [Symbol.for('nodejs.util.inspect.custom')](): never {
        throw new Error('not for you')
      }
    }
    await pool.apply((odd: Odd) => typeof odd, [new Odd()])
    assert.equal(pool.insights().slowest[0].args, '(arguments that cannot be shown)')
  })

  test('simultaneous tasks of a worker are not counted twice', async () => {
    await using pool = new Pool(1, { timings: true, concurrency: 10 })
    await pool.apply(nap, [1])
    const begin = performance.now()
    const before = pool.insights().total.work
    await Promise.all(Array.from({ length: 10 }, () => pool.apply(nap, [200])))
    const elapsed = performance.now() - begin
    const [{ work, tasks }] = pool.insights().workers
    assert.equal(tasks, 11)
    assert.ok(work - before >= 199 && work - before <= elapsed, `${work - before} ms of ${elapsed} ms`)
  })

  test('the insights include workers that were replaced', async () => {
    await using pool = new Pool(1, { timings: true, maxTasksPerChild: 2 })
    await pool.map(compute, [1, 1, 1, 1, 1], 1)
    const { workers } = pool.insights()
    assert.ok(workers.length >= 3, `${workers.length} workers`)
    assert.equal(
      workers.reduce((sum, { tasks }) => sum + tasks, 0),
      5
    )
  })

  test('the summary says that workers worked', async () => {
    await using pool = new Pool(1, { timings: true })
    await pool.apply(compute, [1])
    const { startUp } = pool.insights().total
    await pool.apply(compute, [startUp * 2 + 500])
    assert.match(pool.insights().summary, /^workers worked \d+ % of the time$/)
  })

  test('the summary says that chunks are too small', async () => {
    await using pool = new Pool(2, { timings: true })
    for (let i = 0; i < 8; i++)
      await pool.map(
        (n: number) => n,
        Array.from({ length: 10_000 }, (_, n) => n),
        1
      )
    const { summary, total } = pool.insights()
    // Where starting took most of the time, as on a busy machine, that is what is said.
    if (total.wait > total.startUp && total.wait > total.work) {
      assert.match(summary, /^workers waited \d+ % of the time: chunks are too small \(\d+ µs on average\)$/)
    } else assert.match(summary, /^(starting the workers took|workers worked)/)
  })

  test('the summary says that the program gave the workers nothing to do', async () => {
    await using pool = new Pool(1, { timings: true })
    await pool.apply(compute, [20])
    const { startUp } = pool.insights().total
    await sleep(startUp * 2 + 500)
    assert.match(pool.insights().summary, /^workers waited \d+ % of the time: the program gave them nothing to do$/)
  })

  test('the summary says that there were too few simultaneous tasks', async () => {
    await using pool = new Pool(3, { timings: true })
    await pool.apply(compute, [1])
    const { startUp } = pool.insights().total
    for (let i = 0; i < (startUp * 1.5) / 50 + 20; i++) await pool.apply(nap, [50])
    assert.match(
      pool.insights().summary,
      /^workers waited \d+ % of the time: there were too few tasks at once for 3 workers$/
    )
  })

  test('a pool without timings says how to enable them', async () => {
    await using pool = new Pool(1)
    assert.throws(() => pool.insights(), {
      name: 'ValueError',
      message: 'cannot tell where the time went: this pool does not measure it; make it with { timings: true }'
    })
  })
})
