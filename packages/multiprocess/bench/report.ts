import { bestPeer, type Goal, judgeGoals, roundTripRatio, throughputRatio } from './goals.ts'
import type { Machine } from './machine.ts'
import type { Settings } from './measure.ts'
import type { Row } from './row.ts'
import { type Spread, spread } from './statistics.ts'

export interface Report {
  readonly date: string
  readonly machine: Machine
  readonly settings: Settings
  readonly rounds: number
  /** The share of the processors that other programs used between the contestants' runs, 0 to 1. */
  readonly othersUse: Spread
  readonly rows: readonly Row[]
  readonly goals: readonly Goal[]
}

export function makeReport(
  machine: Machine,
  settings: Settings,
  rounds: number,
  othersUse: readonly number[],
  rows: readonly Row[]
): Report {
  const fastestFirst = [...rows].sort((a, b) => (b.tasksPerSecond?.median ?? -1) - (a.tasksPerSecond?.median ?? -1))
  return {
    date: new Date().toISOString(),
    machine,
    settings,
    rounds,
    othersUse: spread(othersUse),
    rows: fastestFirst,
    goals: judgeGoals(fastestFirst)
  }
}

const header = ['pool', 'workers', 'tasks/s', 'min – max', 'ours ×', 'µs/round trip', 'min – max', 'ours ÷']

export function toText(report: Report): string {
  const cells = [header, ...report.rows.map(row => cellsOf(row, report.rows))]
  const widths = header.map((_, column) => Math.max(...cells.map(row => row[column].length)))
  const lines = cells.map(row =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd()
  )
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2))
  return [
    machineLine(report.machine),
    scenarioLine(report),
    noiseLine(report.othersUse),
    '',
    lines[0],
    rule,
    ...lines.slice(1),
    '',
    ...notesOf(report),
    ...report.goals.map(goal => `goal: ${goalText(goal)}`)
  ].join('\n')
}

export function toMarkdown(report: Report, explanation: string): string {
  const cells = [header, header.map((_, column) => (column < 2 ? '---' : '---:'))]
  cells.push(...report.rows.map(row => cellsOf(row, report.rows)))
  const notes = notesOf(report).filter(line => line !== '')
  return [
    '# Benchmark',
    '',
    `${machineLine(report.machine)}. ${scenarioLine(report)}; ${noiseLine(report.othersUse)}.`,
    '',
    ...cells.map(row => `| ${row.join(' | ')} |`),
    '',
    ...notes.map(line => `- ${line}`),
    ...report.goals.map(goal => `- goal: ${goalText(goal)}`),
    '',
    explanation,
    ''
  ].join('\n')
}

function cellsOf(row: Row, rows: readonly Row[]): string[] {
  const name = `${row.library}${row.version === null ? '' : ` ${row.version}`}, ${row.setup}`
  const { tasksPerSecond, roundTripUs } = row
  if (tasksPerSecond === null || roundTripUs === null) {
    return [name, row.workers, row.version === null ? 'not there' : 'failed', '', '', '', '', '']
  }
  const ours = rows.find(other => other.role === 'ours')
  return [
    name,
    row.workers,
    whole(tasksPerSecond.median),
    `${whole(tasksPerSecond.min)} – ${whole(tasksPerSecond.max)}`,
    ratioText(row === ours ? null : throughputRatio(ours, row)),
    roundTripUs.median.toFixed(1),
    `${roundTripUs.min.toFixed(1)} – ${roundTripUs.max.toFixed(1)}`,
    ratioText(row === ours ? null : roundTripRatio(ours, row))
  ]
}

function machineLine({ cpu, cores, memoryGiB, system, node }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}`
}

function noiseLine({ median, max }: Spread): string {
  const warning = median > 0.1 ? ': the machine was busy, and these figures are not to be relied on' : ''
  return `other programs used ${percent(median)} of the processors between the runs (at most ${percent(max)})${warning}`
}

function scenarioLine({ settings, rounds }: Report): string {
  const { workers, tasks, trips } = settings
  return (
    `${workers} workers each; square(n), ${whole(tasks)} tasks at once, then ${whole(trips)} one at a time; ` +
    (rounds === 1 ? 'one round' : `medians of ${rounds} rounds, all contestants in turn in each`)
  )
}

function notesOf(report: Report): string[] {
  const best = bestPeer(report.rows)
  const notes = report.rows.flatMap(row => row.notes.map(note => `${row.id}: ${note}`))
  if (best?.tasksPerSecond) {
    notes.push(`best Node peer: ${best.id}, ${whole(best.tasksPerSecond.median)} tasks/s`)
  }
  return notes.length === 0 ? [] : [...notes, '']
}

function goalText({ name, value, atLeast, met }: Goal): string {
  if (value === null) return `${name}: not measured (to reach: at least ${atLeast})`
  return `${name}: ${value.toFixed(1)} (to reach: at least ${atLeast}): ${met ? 'met' : 'NOT met'}`
}

function ratioText(ratio: number | null): string {
  return ratio === null ? '' : ratio.toFixed(1)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
