import type { Machine } from './machine.ts'
import { figure } from './report.ts'
import type { Spread } from './statistics.ts'

export interface StopReport {
  readonly date: string
  readonly machine: Machine
  readonly times: number
  readonly workers: number
  /** Tasks that wait when the result comes. */
  readonly queued: number
  /** Milliseconds from the result until the last process is gone. */
  readonly elapsedMs: Spread
  /** Milliseconds. */
  readonly atMost: number
  readonly isMet: boolean
}

export function toStopChapter(report: StopReport): string {
  const { times, workers, queued, elapsedMs, atMost, isMet } = report
  return [
    '## Stopping at a result',
    '',
    `${figure(queued)} tasks given to ${workers} workers; one answers true while the others are in endless loops, and the pool is terminated. ` +
      `From that answer until no process of the pool is there and every other promise is settled: median ${elapsedMs.median.toFixed(1)} ms, ` +
      `worst of ${times} ${elapsedMs.max.toFixed(1)} ms. ${report.date.slice(0, 10)}; \`npm run bench:stop\`.`,
    '',
    `- Goal: never more than ${atMost} ms: ${isMet ? 'met' : 'NOT met'}`,
    ''
  ].join('\n')
}
