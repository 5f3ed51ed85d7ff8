import type { Machine } from './machine.ts'
import { figure } from './report.ts'

export interface EndlessReport {
  readonly date: string
  readonly machine: Machine
  readonly tasks: number
  /** Submitted, and not yet consumed. */
  readonly window: number
  readonly tasksPerSecond: number
  /** Bytes of resident memory of the program and each worker: the most in the first tenth, and the most after it. */
  readonly memory: readonly { readonly early: number; readonly later: number }[]
  /** Bytes. */
  readonly mostGrowth: number
  readonly isFlat: boolean
}

export function toEndlessChapter(report: EndlessReport): string {
  const mb = (bytes: number) => `${figure(bytes / 2 ** 20)} MiB`
  const rows = report.memory.map(({ early, later }, index) => {
    return `| ${index === 0 ? 'the program' : `worker ${index}`} | ${mb(early)} | ${mb(later)} |`
  })
  return [
    '## Many submissions in flat memory',
    '',
    `${figure(report.tasks)} × \`applyAsync(square, [n])\`, each result consumed while others are submitted, ${figure(report.window)} under way; ` +
      `${figure(report.tasksPerSecond)} a second. ${report.date.slice(0, 10)}; \`npm run bench:endless\`.`,
    '',
    '| resident memory | most in the first tenth | most after it |',
    '| --- | ---: | ---: |',
    ...rows,
    '',
    `- Goal: no process grows by more than ${mb(report.mostGrowth)}: ${report.isFlat ? 'met' : 'NOT met'}`,
    ''
  ].join('\n')
}
