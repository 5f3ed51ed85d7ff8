/**
 * How long it takes to stop everything at one result: `npm run bench:stop -- [--times N] [--save]`.
 *
 * Thousands of tasks are given to a pool. One answers true; each that another worker has is in a loop that never ends and that no
 * event reaches; the rest wait. Then the pool is terminated. The clock runs from the answer until the kernel knows none of the
 * workers' pids and every promise is settled.
 */
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { Pool, PoolTerminatedError, RawArray } from 'multiprocess'
import { describeMachine } from './machine.ts'
import { saveResults } from './results.ts'
import { spread } from './statistics.ts'
import { type StopReport, toStopChapter } from './stop-report.ts'
import { answerAmong, loopForever } from './tasks.ts'

const QUEUED = 10_000
const AT_MOST_MS = 100

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '50' },
    workers: { type: 'string', default: '2' },
    save: { type: 'boolean', default: false }
  }
})
const times = Number(values.times)
if (!Number.isSafeInteger(times) || times < 1) {
  console.error(`stop: --times ${values.times}: expected a whole number from 1 on`)
  process.exit(2)
}

const report = await run(Number(values.workers))
console.log(toStopChapter(report))
if (values.save) saveResults({ parts: {}, stop: report })
if (!report.isMet) process.exitCode = 1

async function run(workers: number): Promise<StopReport> {
  const samples: number[] = []
  for (let n = 0; n < times; n++) samples.push(await stopOnce(workers))
  const elapsedMs = spread(samples)
  return {
    date: new Date().toISOString(),
    machine: describeMachine(),
    times,
    workers,
    queued: QUEUED,
    elapsedMs,
    atMost: AT_MOST_MS,
    isMet: elapsedMs.max <= AT_MOST_MS
  }
}

async function stopOnce(workers: number): Promise<number> {
  const pool = new Pool(workers)
  const others = workers - 1
  const begun = RawArray('i', [0, 0])
  const answered = pool.applyAsync(answerAmong, [begun, others])
  const busy = Array.from({ length: others }, () => pool.applyAsync(loopForever, [begun, 0]))
  const queued = Array.from({ length: QUEUED }, () => pool.applyAsync(loopForever, [begun, 1]))
  const settled = Promise.allSettled([...busy, ...queued])
  assert.equal(await answered, true)
  const began = performance.now()
  const pids = pool.stats.workers.map(({ pid }) => pid)
  pool.terminate()
  await pool.join()
  while (pids.some(isThere)) await new Promise(setImmediate)
  const outcomes = await settled
  const elapsed = performance.now() - began
  for (const outcome of outcomes) {
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof PoolTerminatedError)
  }
  // The worker that answered may have taken the next one before it was ended.
  assert.ok(pids.length === workers && begun[1] <= 1)
  return elapsed
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
