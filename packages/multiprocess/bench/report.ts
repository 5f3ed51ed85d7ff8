/** What a run found, in words and tables. */
import { type Goal, ours, ratioOf } from './goals.ts'
import type { Machine } from './machine.ts'
import type { Part, Settings } from './parts/part.ts'
import type { Row } from './row.ts'
import { type Spread, spread } from './statistics.ts'

export interface PartReport {
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
  part: Part,
  machine: Machine,
  settings: Settings,
  rounds: number,
  othersUse: readonly number[],
  rows: readonly Row[]
): PartReport {
  const sign = part.isMoreBetter ? -1 : 1
  const rank = (row: Row) => (row.spread === null ? Number.POSITIVE_INFINITY : sign * row.spread.median)
  return {
    date: new Date().toISOString(),
    machine,
    settings,
    rounds,
    othersUse: spread(othersUse),
    rows: [...rows].sort((a, b) => rank(a) - rank(b)),
    goals: part.judge(rows)
  }
}

/** One part, for a terminal. */
export function toText(part: Part, report: PartReport): string {
  const cells = [headerOf(part), ...report.rows.map(row => cellsOf(part, row, report.rows))]
  const widths = cells[0].map((_, column) => Math.max(...cells.map(row => row[column].length)))
  const lines = cells.map(row =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd()
  )
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2))
  return [
    `${part.title}: ${scenarioOf(part, report)}`,
    noiseOf(report.othersUse),
    '',
    lines[0],
    rule,
    ...lines.slice(1),
    ...notesOf(report),
    ...report.goals.map(goal => `goal: ${goalText(goal)}`),
    ''
  ].join('\n')
}

/** The same, as a chapter. */
export function toChapter(part: Part, report: PartReport): string {
  const header = headerOf(part)
  const cells = [header, header.map((_, column) => (column < 2 ? '---' : '---:'))]
  cells.push(...report.rows.map(row => cellsOf(part, row, report.rows)))
  const lines = [...report.goals.map(goal => `Goal: ${goalText(goal)}`), ...notesOf(report)]
  return [
    `## ${part.title}`,
    '',
    `${upperFirst(scenarioOf(part, report))}. ${report.date.slice(0, 10)}; ${noiseOf(report.othersUse)}.`,
    '',
    ...cells.map(row => `| ${row.join(' | ')} |`),
    '',
    ...lines.map(line => `- ${line}`),
    ''
  ].join('\n')
}

export function machineText({ cpu, cores, memoryGiB, system, node }: Machine): string {
  return `${cpu}, ${cores} processors, ${memoryGiB} GiB, ${system}, Node ${node}`
}

function headerOf(part: Part): string[] {
  return ['pool', 'workers', part.unit, 'least – most', 'ours is better ×']
}

function cellsOf(part: Part, row: Row, rows: readonly Row[]): string[] {
  const name = `${row.library}${row.version === null ? '' : ` ${row.version}`}, ${row.setup}`
  if (row.spread === null) return [name, row.workers, row.version === null ? 'not there' : 'failed', '', '']
  const { median, min, max } = row.spread
  const ratio = row.role === 'ours' ? null : ratioOf(part, ours(rows), row)
  return [name, row.workers, figure(median), `${figure(min)} – ${figure(max)}`, ratio === null ? '' : times(ratio)]
}

function scenarioOf(part: Part, { settings, rounds }: PartReport): string {
  const inTurn = rounds === 1 ? 'one round' : `medians of ${rounds} rounds, all in turn in each`
  return `${part.describe(settings)}. ${settings.workers} workers each; ${inTurn}`
}

function noiseOf({ median, max }: Spread): string {
  const warning = median > 0.1 ? ': the machine was busy, and these figures are not to be relied on' : ''
  return `other programs used ${percent(median)} of the processors between the runs (at most ${percent(max)})${warning}`
}

function notesOf(report: PartReport): string[] {
  return report.rows.flatMap(row => row.notes.map(note => `${row.id}: ${note}`))
}

export function goalText({ name, value, atLeast, isMet }: Goal): string {
  if (value === null) return `${name}: not measured (to reach: at least ${atLeast})`
  return `${name}: ${times(value)} (to reach: at least ${atLeast}): ${isMet ? 'met' : 'NOT met'}`
}

/** A ratio. */
export function times(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1)
}

export function figure(value: number): string {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
