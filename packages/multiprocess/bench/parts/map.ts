import { performance } from 'node:perf_hooks'
import { goal, ours, ratioOf } from '../goals.ts'
import type { Part } from './part.ts'
import { warmAndRepeat } from './repeat.ts'
import { checkSquares } from './throughput.ts'

export const map: Part = {
  id: 'map',
  title: '`map`',
  unit: 'items/s',
  isMoreBetter: true,
  describe: ({ count }) =>
    `\`map(square, numbers)\` of ${count.toLocaleString('en')} numbers; the other pools have no \`map\` in chunks`,
  task: 'square',
  takesPart: ({ id }) => id === 'multiprocess' || id === 'cpython',
  full: { count: 1_000_000, warmupMs: 1000, sampleMs: 2000 },
  quick: { count: 1_000_000, warmupMs: 300, sampleMs: 500 },

  async measure({ map }, settings) {
    if (map === undefined) throw new Error('it has no map')
    const items = Array.from({ length: settings.count }, (_, n) => n)
    const { count, elapsedMs } = await warmAndRepeat(settings, async () => {
      const began = performance.now()
      const results = await map(items)
      const elapsed = performance.now() - began
      checkSquares(results as number[], settings.count)
      return elapsed
    })
    return { value: (count * settings.count * 1000) / elapsedMs }
  },

  judge(rows) {
    const cpython = rows.find(row => row.id === 'cpython')
    return [goal("map's items a second, times CPython's", { value: ratioOf(this, ours(rows), cpython), atLeast: 2 })]
  }
}
