/**
 * What was measured last: `results.json`, part by part; `results.md`, the same to read; and what the README quotes of it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type EndlessReport, toEndlessChapter } from './endless-report.ts'
import { best, ours, ratioOf } from './goals.ts'
import type { Part } from './parts/part.ts'
import { parts } from './parts.ts'
import { figure, machineText, type PartReport, times, toChapter } from './report.ts'
import type { Row } from './row.ts'
import { type StopReport, toStopChapter } from './stop-report.ts'

export interface Results {
  readonly parts: Readonly<Record<string, PartReport>>
  readonly endless?: EndlessReport
  readonly stop?: StopReport
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
export const FILES = {
  json: path('../../bench/results.json'),
  markdown: path('../../bench/results.md'),
  readme: path('../../../../README.md')
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
  const results = { ...before, ...found, parts: { ...before.parts, ...found.parts } }
  writeFileSync(FILES.json, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(FILES.markdown, toMarkdown(results))
  writeFileSync(FILES.readme, withFigures(readFileSync(FILES.readme, 'utf8'), results))
}

export function toMarkdown(results: Results): string {
  const chapters = measured(results).map(([part, report]) => toChapter(part, report))
  if (results.endless !== undefined) chapters.push(toEndlessChapter(results.endless))
  if (results.stop !== undefined) chapters.push(toStopChapter(results.stop))
  const machines = new Set([
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
  return readme.slice(0, begin + BEGIN.length) + toTable(results) + readme.slice(end)
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
