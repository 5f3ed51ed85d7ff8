/** What whole programs took, in tables. */
import type { Machine } from '../machine.ts'
import { times } from '../report.ts'
import type { Spread } from '../statistics.ts'

export interface ProgramRow {
  readonly id: string
  readonly title: string
  /** Seconds. */
  readonly wall: Spread
  readonly cpu: Spread
  /** Bytes. */
  readonly memory: number
}

export interface ProgramReport {
  readonly id: string
  readonly title: string
  /** Milliseconds of work, of programs that are there for the page on costs. */
  readonly workMs?: number
  readonly date: string
  readonly machine: Machine
  readonly rounds: number
  readonly othersUse: Spread
  readonly rows: readonly ProgramRow[]
}

/** One program, for a terminal. */
export function toProgramText(report: ProgramReport): string {
  const lines = tableOf(report).map(([name, ...cells]) => [name.padEnd(24), ...cells.map(cell => cell.padStart(14))])
  return [report.title, noiseOf(report), ...lines.map(cells => cells.join(' ').trimEnd()), ''].join('\n')
}

export function toProgramChapter(reports: readonly ProgramReport[]): string {
  const chapters = reports
    .filter(({ workMs }) => workMs === undefined)
    .flatMap(report => {
      const [header, ...rows] = tableOf(report)
      return [
        `### ${report.title}`,
        '',
        `${report.rounds} rounds, ${report.date.slice(0, 10)}; ${noiseOf(report)}.`,
        '',
        ...[header, header.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map(
          cells => `| ${cells.join(' | ')} |`
        ),
        ''
      ]
    })
  return [
    '## Whole programs, from `node` to their end',
    '',
    'What a program takes that runs once: starting Node, importing, starting the workers, the work, and ending. Each runs as a process of its',
    'own, all in turn in every round. The processor time includes that of the workers; the memory is the sum of the proportional set sizes, at most.',
    '`npm run bench:programs`.',
    '',
    ...chapters
  ].join('\n')
}

/** The header and a row for each contestant, with how many times as long as ours it takes. */
function tableOf({ rows }: ProgramReport): string[][] {
  const own = rows.find(({ id }) => id === 'multiprocess')
  return [
    ['', 'wall, s', '× ours', 'processor, s', '× ours', 'memory, MiB'],
    ...rows.map(({ title, wall, cpu, memory }) => [
      title,
      wall.median.toFixed(2),
      own === undefined ? '' : times(wall.median / own.wall.median),
      cpu.median.toFixed(2),
      own === undefined ? '' : times(cpu.median / own.cpu.median),
      (memory / 2 ** 20).toFixed(0)
    ])
  ]
}

function noiseOf({ othersUse: { median, max } }: ProgramReport): string {
  const share = (value: number) => `${Math.round(value * 100)} %`
  const warning = median > 0.1 ? ': the machine was busy, only the ratios mean something' : ''
  return `other programs used ${share(median)} of the processors between the rounds (at most ${share(max)})${warning}`
}

/** What the README quotes. */
export function toProgramTable(reports: readonly ProgramReport[]): string {
  const header = ['a whole program', 'multiprocess', 'CPython', 'piscina']
  const rows = reports
    .filter(({ workMs }) => workMs === undefined)
    .map(({ title, rows }) => {
      const row = (id: string) => rows.find(row => row.id === id)
      const own = row('multiprocess')
      const compared = (other: ProgramRow | undefined) =>
        own === undefined || other === undefined
          ? ''
          : `${other.wall.median.toFixed(2)} s (${times(other.wall.median / own.wall.median)} ×)`
      return [
        title,
        own === undefined ? '' : `**${own.wall.median.toFixed(2)} s**`,
        compared(row('cpython-fork')),
        compared(row('piscina'))
      ]
    })
  return [header, header.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
    .map(cells => `| ${cells.join(' | ')} |\n`)
    .join('')
}
