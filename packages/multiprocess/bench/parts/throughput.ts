import { performance } from 'node:perf_hooks'
import type { Contestant } from '../contestants/contestant.ts'
import { best, goal, ours, ratioOf } from '../goals.ts'
import type { Part } from './part.ts'
import { warmAndRepeat } from './repeat.ts'

const LIBRARIES = ['piscina', 'tinypool', 'poolifier', 'workerpool']

export const throughput: Part = {
  id: 'throughput',
  title: 'Tiny tasks',
  unit: 'tasks/s',
  isMoreBetter: true,
  describe: ({ count }) => `${count.toLocaleString('en')} × \`square(n)\`, all submitted and then all awaited`,
  task: 'square',
  takesPart: () => true,
  full: { count: 20_000, warmupMs: 1000, sampleMs: 1000 },
  quick: { count: 20_000, warmupMs: 300, sampleMs: 250 },

  async measure(contestant, settings) {
    const { count } = settings
    const { count: batches, elapsedMs } = await warmAndRepeat(settings, () => squares(contestant, count))
    return { value: (batches * count * 1000) / elapsedMs }
  },

  judge(rows) {
    const peer = best(this, rows, row => LIBRARIES.includes(row.library))
    const cpython = rows.find(row => row.id === 'cpython')
    return [
      goal(`tiny tasks a second, times the best Node pool's (${peer?.id ?? 'none measured'})`, {
        value: ratioOf(this, ours(rows), peer),
        atLeast: 10
      }),
      goal("tiny tasks a second, times CPython's", { value: ratioOf(this, ours(rows), cpython), atLeast: 15 })
    ]
  }
}

async function squares(contestant: Contestant, count: number): Promise<number> {
  const began = performance.now()
  const pending: PromiseLike<unknown>[] = []
  for (let n = 0; n < count; n++) pending.push(contestant.run(n))
  const results = (await Promise.all(pending)) as number[]
  const elapsed = performance.now() - began
  checkSquares(results, count)
  return elapsed
}

export function checkSquares(results: readonly number[], count: number): void {
  const sum = results.reduce((total, result) => total + result, 0)
  const expected = ((count - 1) * count * (2 * count - 1)) / 6
  // Past 2 ** 53 the sum is rounded on its way.
  if (results.length !== count || !(Math.abs(sum - expected) <= expected * 1e-9)) {
    throw new Error(`the sum of ${count} squares came out as ${sum}, and should be ${expected}`)
  }
}
