/**
 * What was measured last: `results.json`, part by part; `results.md`, the same to read; and what the README quotes of it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type EndlessReport, toEndlessChapter } from './endless-report.ts'
import { best, ours, ratioOf } from './goals.ts'
import type { Part } from './parts/part.ts'
import { parts } from './parts.ts'
import { PROGRAMS } from './programs/list.ts'
import { type ProgramReport, toProgramChapter, toProgramTable } from './programs/report.ts'
import { figure, machineText, type PartReport, times, toChapter } from './report.ts'
import type { Row } from './row.ts'
import { type StopReport, toStopChapter } from './stop-report.ts'

export interface Results {
  readonly parts: Readonly<Record<string, PartReport>>
  readonly endless?: EndlessReport
  readonly stop?: StopReport
  readonly programs?: Readonly<Record<string, ProgramReport>>
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
export const FILES = {
  json: path('../../bench/results.json'),
  markdown: path('../../bench/results.md'),
  readme: path('../../../../README.md'),
  costs: path('../../../../docs/costs.svg')
}
const BEGIN = '<!-- figures: written by `npm run bench` -->\n'
const END = '<!-- end of figures -->'

const explanation = `In every round each contestant runs once, one after another, in a fresh process of its own that loads only its own library;
the figures are medians over the rounds. Starting and warming up are not counted. All have the same number of workers and run the
same functions from the same file, set up as their own documentation shows; what the tables do not name is left at its default.
Results are checked. "ours is better ×" is our figure divided by that pool's, or the other way round where less is better.`

export function readResults(): Results {
  try {
    return JSON.parse(readFileSync(FILES.json, 'utf8')) as Results
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { parts: {} }
    throw error
  }
}

/** Puts what is new in the place of what was, in all three files. */
export function saveResults(found: Results): void {
  const before = readResults()
  const results: { -readonly [K in keyof Results]: Results[K] } = {
    ...before,
    ...found,
    parts: { ...before.parts, ...found.parts }
  }
  if (found.programs !== undefined) results.programs = { ...before.programs, ...found.programs }
  writeFileSync(FILES.json, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(FILES.markdown, toMarkdown(results))
  writeFileSync(FILES.readme, withFigures(readFileSync(FILES.readme, 'utf8'), results))
}

/** The plot of the page on costs. */
export function saveCostsPlot(svg: string): void {
  writeFileSync(FILES.costs, svg)
}

function programsOf(results: Results): ProgramReport[] {
  const { programs = {} } = results
  return PROGRAMS.flatMap(({ id }) => programs[id] ?? [])
}

export function toMarkdown(results: Results): string {
  const chapters = measured(results).map(([part, report]) => toChapter(part, report))
  if (results.endless !== undefined) chapters.push(toEndlessChapter(results.endless))
  if (results.stop !== undefined) chapters.push(toStopChapter(results.stop))
  const programs = programsOf(results)
  const machines = new Set([
    ...programs.map(({ machine }) => machineText(machine)),
    ...measured(results).map(([, { machine }]) => machineText(machine)),
    ...[results.endless, results.stop].flatMap(report => (report === undefined ? [] : [machineText(report.machine)]))
  ])
  return [
    '# Benchmarks',
    '',
    'Written by `npm run bench`, each part when it was last run; the samples are in `results.json`.',
    '',
    ...[...machines].map(text => `- ${text}`),
    '',
    ...(programs.length > 0 ? [toProgramChapter(programs)] : []),
    explanation,
    '',
    ...chapters
  ].join('\n')
}

/** @throws when the text has no place for them */
export function withFigures(readme: string, results: Results): string {
  const begin = readme.indexOf(BEGIN)
  const end = readme.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`README.md has no place for the figures: ${BEGIN}${END}`)
  return readme.slice(0, begin + BEGIN.length) + tablesOf(results) + readme.slice(end)
}

/** Whole programs first, and then what libraries do once they are warm. */
function tablesOf(results: Results): string {
  const programs = programsOf(results)
  if (programs.length === 0) return toTable(results)
  return (
    `Whole programs, from \`node\` to their end, as a program that runs once takes them (\`npm run bench:programs\`):\n\n` +
    `${toProgramTable(programs)}\nOnce everything is started and warmed up:\n\n${toTable(results)}`
  )
}

function toTable(results: Results): string {
  const rows = measured(results).map(([part, { rows }]) => {
    const piscina = rows.find(row => row.id === 'piscina-1')
    const peer = best(part, rows, row => row.role === 'peer' || row.id === 'node-ipc')
    const cpython = rows.find(row => row.id === 'cpython')
    const own = ours(rows)?.spread
    return [
      `${part.title}, ${part.unit}`,
      own ? `**${figure(own.median)}**` : '',
      compared(part, rows, piscina),
      peer === undefined ? '' : `${peer.id}: ${compared(part, rows, peer)}`,
      compared(part, rows, cpython)
    ]
  })
  const header = ['', 'multiprocess', 'piscina', 'the best other on Node', 'CPython']
  return [header, header.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
    .map(cells => `| ${cells.join(' | ')} |\n`)
    .join('')
}

function compared(part: Part, rows: readonly Row[], row: Row | undefined): string {
  const ratio = ratioOf(part, ours(rows), row)
  return !row?.spread || ratio === null ? '' : `${figure(row.spread.median)} (${times(ratio)} ×)`
}

function measured(results: Results): [Part, PartReport][] {
  return parts.flatMap(part => {
    const report = results.parts[part.id]
    return report === undefined ? [] : ([[part, report]] as [Part, PartReport][])
  })
}
