import { performance } from 'node:perf_hooks'
import { best, goal, ours, ratioOf } from '../goals.ts'
import type { Part } from './part.ts'
import { warmAndRepeat } from './repeat.ts'

const BYTES = 10_000_000

export const arrays: Part = {
  id: 'arrays',
  title: 'Typed arrays of 10 MB',
  unit: 'MB/s',
  isMoreBetter: true,
  describe: ({ count }) =>
    `a Float64Array of 10 MB there, changed, and back, ${count} times one after the other; megabytes both ways. ` +
    "Pools over Node's IPC have `serialization: 'advanced'`",
  task: 'touch',
  takesPart: () => true,
  full: { count: 10, warmupMs: 1000, sampleMs: 1000 },
  quick: { count: 10, warmupMs: 300, sampleMs: 500 },

  async measure({ run }, settings) {
    const length = BYTES / Float64Array.BYTES_PER_ELEMENT
    const sent = Float64Array.from({ length }, (_, n) => n)
    const { count, elapsedMs } = await warmAndRepeat(settings, async () => {
      const began = performance.now()
      for (let trip = 0; trip < settings.count; trip++) {
        sent[0] = trip
        const got = (await run(sent)) as Float64Array
        const isWhole = got[0] === trip + 1 && got.length === length && got[length - 1] === length - 1
        if (!(got instanceof Float64Array) || !isWhole) throw new Error('the array came back as something else')
      }
      return performance.now() - began
    })
    return { value: (count * settings.count * 2 * BYTES) / 1000 / elapsedMs }
  },

  judge(rows) {
    const peer = best(this, rows, row => row.workers === 'processes')
    return [
      goal(`10 MB arrays a second, times the best of those that run processes (${peer?.id ?? 'none measured'})`, {
        value: ratioOf(this, ours(rows), peer),
        atLeast: 3
      })
    ]
  }
}
