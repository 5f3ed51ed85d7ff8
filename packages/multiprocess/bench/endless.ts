/**
 * So many submissions that nothing may be left of any of them: `npm run bench:endless -- [--tasks N] [--save]`.
 *
 * Results are consumed while tasks are submitted. What every process has of resident memory is looked at all along; heaps find
 * their size in the first tenth.
 */
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { type AsyncResult, Pool } from 'multiprocess'
import { type EndlessReport, toEndlessChapter } from './endless-report.ts'
import { describeMachine } from './machine.ts'
import { saveResults } from './results.ts'
import { square } from './tasks.ts'

const WINDOW = 10_000
const LOOKS = 50
const MOST_GROWTH = 64 * 2 ** 20

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '50000000' },
    workers: { type: 'string', default: '2' },
    save: { type: 'boolean', default: false }
  }
})
const count = Number(values.tasks)
if (!Number.isSafeInteger(count) || count < 2 * WINDOW) {
  console.error(`endless: --tasks ${values.tasks}: expected a whole number from ${2 * WINDOW} on`)
  process.exit(2)
}

const report = await run(count, Number(values.workers))
console.log(toEndlessChapter(report))
if (values.save) saveResults({ parts: {}, endless: report })
if (!report.isFlat) process.exitCode = 1

async function run(tasks: number, workers: number): Promise<EndlessReport> {
  const pool = new Pool(workers)
  const results: AsyncResult<number>[] = []
  const early: number[] = []
  const later: number[] = []
  const stride = Math.ceil(tasks / LOOKS)
  const began = performance.now()
  let sum = 0
  for (let n = 0; n < tasks; n++) {
    const at = n % WINDOW
    if (n >= WINDOW) sum += await results[at]
    results[at] = pool.applyAsync(square, [n])
    if (n % stride === stride - 1) look(n < tasks / 10 ? early : later)
  }
  for (const result of results) sum += await result
  const elapsed = performance.now() - began
  const expected = ((tasks - 1) * tasks * (2 * tasks - 1)) / 6
  if (!(Math.abs(sum / expected - 1) < 1e-9)) throw new Error(`the sum is ${sum}, and should be ${expected}`)
  pool.close()
  await pool.join()
  return {
    date: new Date().toISOString(),
    machine: describeMachine(),
    tasks,
    window: WINDOW,
    tasksPerSecond: (tasks * 1000) / elapsed,
    memory: early.map((bytes, index) => ({ early: bytes, later: later[index] })),
    mostGrowth: MOST_GROWTH,
    isFlat: early.every((bytes, index) => later[index] - bytes <= MOST_GROWTH)
  }

  function look(most: number[]): void {
    const all = [process.memoryUsage.rss(), ...pool.stats.workers.map(({ rss }) => rss)]
    for (const [index, bytes] of all.entries()) most[index] = Math.max(most[index] ?? 0, bytes)
  }
}
