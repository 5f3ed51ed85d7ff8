import { performance } from 'node:perf_hooks'
import type { Contestant } from '../contestants/contestant.ts'
import { goal, ours, ratioOf } from '../goals.ts'
import type { Part } from './part.ts'
import { warmAndRepeat } from './repeat.ts'

export const roundTrip: Part = {
  id: 'round-trip',
  title: 'Round trip',
  unit: 'µs',
  isMoreBetter: false,
  describe: ({ count }) => `${count.toLocaleString('en')} × \`square(n)\`, each awaited before the next; the mean`,
  task: 'square',
  takesPart: () => true,
  full: { count: 5000, warmupMs: 1000, sampleMs: 500 },
  quick: { count: 2000, warmupMs: 300, sampleMs: 250 },

  async measure(contestant, settings) {
    const single: number[] = []
    const { count, elapsedMs } = await warmAndRepeat(
      settings,
      () => trips(contestant, settings.count, single),
      () => single.splice(0)
    )
    const sorted = Float64Array.from(single).sort()
    return {
      value: (elapsedMs * 1000) / (count * settings.count),
      p50: sorted[Math.floor(sorted.length * 0.5)] * 1000,
      p99: sorted[Math.floor(sorted.length * 0.99)] * 1000
    }
  },

  judge(rows) {
    const piscina = rows.find(row => row.id === 'piscina-1')
    return [
      goal('round trip, piscina’s (defaults) divided by ours', {
        value: ratioOf(this, ours(rows), piscina),
        atLeast: 8
      })
    ]
  }
}

/** `times` receives the milliseconds of each. */
async function trips(contestant: Contestant, count: number, times: number[]): Promise<number> {
  const began = performance.now()
  let before = began
  for (let n = 0; n < count; n++) {
    const result = await contestant.run(n)
    if (result !== n * n) throw new Error(`square(${n}) came out as ${result}`)
    const now = performance.now()
    times.push(now - before)
    before = now
  }
  return before - began
}
