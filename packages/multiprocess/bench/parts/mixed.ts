import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { goal, ours, ratioOf } from '../goals.ts'
import type { Part } from './part.ts'

const LONGEST_MS = 20
/** Share of the workers' time that is taken. */
const LOAD = 0.6

/**
 * What a task's way costs beyond the work and the waiting for others that nobody can spare it: its end is compared with its end in
 * a queue, first come first served, whose workers take no time to get from one task to the next.
 */
export const mixed: Part = {
  id: 'mixed',
  title: 'Tasks of 0 to 20 ms',
  unit: 'µs',
  isMoreBetter: false,
  describe: ({ count }) =>
    `${count} tasks, each busy for 0 to ${LONGEST_MS} ms, that come now and then (${LOAD * 100} % of the workers' time); ` +
    'the mean of what each ends later than it would if handing over took no time',
  task: 'spin',
  takesPart: () => true,
  full: { count: 300, warmupMs: 0, sampleMs: 0 },
  quick: { count: 200, warmupMs: 0, sampleMs: 0 },

  async measure({ run }, { workers, count }) {
    await stream(run, workers, 40)
    globalThis.gc?.()
    const added = Float64Array.from(await stream(run, workers, count)).sort()
    return {
      value: (added.reduce((sum, ms) => sum + ms, 0) / count) * 1000,
      p50: added[count >> 1] * 1000,
      p99: added[Math.floor(count * 0.99)] * 1000
    }
  },

  judge(rows) {
    const piscina = rows.find(row => row.id === 'piscina-1')
    return [
      goal('latency added to tasks of 0 to 20 ms, piscina’s divided by ours', {
        value: ratioOf(this, ours(rows), piscina),
        atLeast: 1
      })
    ]
  }
}

type Run = (argument: unknown) => PromiseLike<unknown>

/** The milliseconds added to each task. */
async function stream(run: Run, workers: number, count: number): Promise<number[]> {
  const random = randomFrom(count)
  const lengths = Array.from({ length: count }, () => random() * LONGEST_MS)
  const submitted: number[] = []
  const ended: number[] = []
  const pending: PromiseLike<void>[] = []
  let due = performance.now()
  for (const [task, length] of lengths.entries()) {
    due += (random() * LONGEST_MS) / (workers * LOAD)
    const pause = due - performance.now()
    if (pause > 0) await setTimeout(pause)
    submitted[task] = performance.now()
    const end = run(length).then(() => {
      ended[task] = performance.now()
    })
    pending.push(end)
  }
  await Promise.all(pending)
  const ideal = idealEnds(submitted, lengths, workers)
  return ended.map((end, task) => end - ideal[task])
}

function idealEnds(submitted: readonly number[], lengths: readonly number[], workers: number): number[] {
  const free = new Array<number>(workers).fill(0)
  return submitted.map((at, task) => {
    const worker = free.indexOf(Math.min(...free))
    free[worker] = Math.max(at, free[worker]) + lengths[task]
    return free[worker]
  })
}

/** 0 to 1, the same for everybody: a linear congruential generator, which cpython-pool.py has too. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
