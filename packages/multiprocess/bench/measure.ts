import { performance } from 'node:perf_hooks'
import type { Contestant } from './contestants/contestant.ts'

/** What one round asks of each contestant alike. */
export interface Settings {
  readonly workers: number
  /** Tasks submitted at once. */
  readonly tasks: number
  /** Tasks awaited one after another. */
  readonly trips: number
  /** Milliseconds that warming up lasts at least, in each of the two scenarios. */
  readonly warmupMs: number
  /** Milliseconds that a sample lasts at least. */
  readonly sampleMs: number
}

/** What one round found. */
export interface Sample {
  readonly tasksPerSecond: number
  /** Mean microseconds of one round trip. */
  readonly roundTripUs: number
  /** Median and 99th percentile of the single round trips, microseconds. */
  readonly roundTripP50Us: number
  readonly roundTripP99Us: number
}

/**
 * A sample repeats its batch until `sampleMs` have passed and divides everything done by all the time taken, so that a
 * fast pool's short batch is not judged by a few milliseconds; a slow pool's single batch is its sample. Warming up
 * follows the same rule: at least one whole batch and at least `warmupMs`, so that nobody is measured before its code
 * is compiled. Garbage of one phase is collected before the next begins.
 */
export async function measure(contestant: Contestant, settings: Settings): Promise<Sample> {
  const { tasks, trips, warmupMs, sampleMs } = settings
  await repeat(warmupMs, () => throughputBatch(contestant, tasks))
  collectGarbage()
  const throughput = await repeat(sampleMs, () => throughputBatch(contestant, tasks))

  await repeat(warmupMs, () => roundTripBatch(contestant, new Float64Array(trips)))
  collectGarbage()
  const single: Float64Array[] = []
  const roundTrips = await repeat(sampleMs, () => {
    const times = new Float64Array(trips)
    single.push(times)
    return roundTripBatch(contestant, times)
  })
  const sorted = Float64Array.from(single.flatMap(times => [...times])).sort()
  return {
    tasksPerSecond: (throughput.count * tasks * 1000) / throughput.elapsedMs,
    roundTripUs: (roundTrips.elapsedMs * 1000) / (roundTrips.count * trips),
    roundTripP50Us: sorted[Math.floor(sorted.length * 0.5)] * 1000,
    roundTripP99Us: sorted[Math.floor(sorted.length * 0.99)] * 1000
  }
}

/** All submitted, then all awaited. Answers with the milliseconds it took. */
async function throughputBatch(contestant: Contestant, tasks: number): Promise<number> {
  const began = performance.now()
  const pending: PromiseLike<number>[] = []
  for (let n = 0; n < tasks; n++) pending.push(contestant.run(n))
  const results = await Promise.all(pending)
  const elapsed = performance.now() - began
  const sum = results.reduce((total, result) => total + result, 0)
  const expected = ((tasks - 1) * tasks * (2 * tasks - 1)) / 6
  if (sum !== expected) throw new Error(`the sum of ${tasks} squares came out as ${sum}, and should be ${expected}`)
  return elapsed
}

/** Each awaited before the next is submitted; `times` receives the milliseconds of each. */
async function roundTripBatch(contestant: Contestant, times: Float64Array): Promise<number> {
  const began = performance.now()
  let before = began
  for (let n = 0; n < times.length; n++) {
    const result = await contestant.run(n)
    if (result !== n * n) throw new Error(`square(${n}) came out as ${result}`)
    const now = performance.now()
    times[n] = now - before
    before = now
  }
  return before - began
}

async function repeat(leastMs: number, batch: () => Promise<number>): Promise<{ count: number; elapsedMs: number }> {
  let count = 0
  let elapsedMs = 0
  do {
    elapsedMs += await batch()
    count++
  } while (elapsedMs < leastMs)
  return { count, elapsedMs }
}

/** Present because the runner is started with `--expose-gc`. */
function collectGarbage(): void {
  globalThis.gc?.()
}
