import { performance } from 'node:perf_hooks'
import { goal, ours } from '../goals.ts'
import * as tasks from '../tasks.ts'
import type { Part } from './part.ts'
import { warmAndRepeat } from './repeat.ts'

export const cpu: Part = {
  id: 'cpu',
  title: 'Work for the processors',
  unit: 'tasks/s',
  isMoreBetter: true,
  describe: ({ count }) => `${count} tasks of some milliseconds of arithmetic, all submitted and then all awaited`,
  task: 'compute',
  takesPart: ({ id }) => id !== 'cpython',
  full: { count: 120, warmupMs: 0, sampleMs: 0 },
  quick: { count: 60, warmupMs: 0, sampleMs: 0 },

  async measure({ run }, settings) {
    const expected = tasks.compute(7)
    const { count, elapsedMs } = await warmAndRepeat(settings, async () => {
      const began = performance.now()
      const results = await Promise.all(Array.from({ length: settings.count }, (_, n) => run(n)))
      const elapsed = performance.now() - began
      if (results[7] !== expected) throw new Error(`compute(7) came out as ${results[7]}, and should be ${expected}`)
      return elapsed
    })
    return { value: (count * settings.count * 1000) / elapsedMs }
  },

  judge(rows) {
    const own = ours(rows)?.spread?.median
    const serial = rows.find(row => row.id === 'serial')?.spread?.median
    const byHand = rows.find(row => row.id === 'node-ipc')?.spread?.median
    const workers = ours(rows)?.settings.workers ?? 0
    const bare = serial === undefined || byHand === undefined ? 'not measured' : (byHand / serial / workers).toFixed(2)
    return [
      // Processors that share a core, or a clock that falls when all are at work, are no pool's.
      goal(
        `work on ${workers} processors, times that on one, divided by ${workers} (processes without any pool: ${bare})`,
        {
          value: own === undefined || serial === undefined ? null : own / serial / workers,
          atLeast: 0.95
        }
      ),
      goal('the same, divided by what as many processes do without any pool', {
        value: own === undefined || byHand === undefined ? null : own / byHand,
        atLeast: 0.95
      })
    ]
  }
}
