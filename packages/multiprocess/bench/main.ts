/**
 * The pool side by side with the field's: `npm run bench`.
 *
 * How fairness is sought. In every round of a part each contestant runs once, one after another (A B C, A B C, …), so that a
 * slow minute of the machine falls on all of them; the figures are medians over the rounds. Each runs in a fresh
 * process of its own, loading only its own library: pools kept alive in one process would share a heap and a compiler
 * that has seen the others' code, and their idle workers would stay in memory. Starting up and warming up are not
 * counted: everybody runs at least one whole batch, and for at least the same time, before the clock starts, so that
 * everybody's code is compiled and workers are up. All have the same number of workers, run the same function from the
 * same file, set up as their own documentation shows; what is not named in the table is left at its default. The
 * results are checked.
 */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { type ContestantInfo, contestants, selectContestants } from './contestants.ts'
import { describeMachine, othersUse, versionOf } from './machine.ts'
import type { Part, Sample, Settings } from './parts/part.ts'
import { parts, selectParts } from './parts.ts'
import { figure, machineText, makeReport, type PartReport, toText } from './report.ts'
import { FILES, saveResults } from './results.ts'
import { killRunning, runRound } from './round.ts'
import { makeRow } from './row.ts'

const usage = `usage: npm run bench -- [options]
  --part A,B        these parts: ${parts.map(({ id }) => id).join(', ')}
  --rounds N        rounds of all contestants (default 5; 3 with --quick)
  --quick           smaller batches and shorter samples: a first impression
  --only A,B        these contestants (ids or libraries): ${contestants.map(({ id }) => id).join(', ')}
  --workers N       workers of each pool (default 2)
  --neighbours N    busy programs that run beside (default 0); nothing is saved with them
  --timeout S       seconds that a contestant gets for a round (default 120)
  --save            write ${['results.json', 'results.md'].join(' and ')}, and what the README quotes; a run of all contestants
                    that is not quick does so by itself
  --help            show this`

/** Milliseconds between two runs, in which it is seen how busy the machine is with other work. */
const pauseMs = 200

interface Options {
  readonly parts: readonly Part[]
  readonly chosen: readonly ContestantInfo[]
  readonly rounds: number
  readonly timeoutMs: number
  readonly isQuick: boolean
  readonly workers: number
  readonly isSaved: boolean
  readonly neighbours: number
}

interface Progress {
  readonly info: ContestantInfo
  readonly version: string | null
  readonly samples: Sample[]
  readonly notes: string[]
  isDropped: boolean
}

try {
  const options = readOptions()
  if (options === null) console.log(usage)
  else await bench(options)
} catch (error) {
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 2
}

async function bench(options: Options): Promise<void> {
  const neighbours = Array.from({ length: options.neighbours }, () => spawn(process.execPath, ['-e', 'for (;;);']))
  const leave = () => {
    for (const neighbour of neighbours) neighbour.kill('SIGKILL')
  }
  process.once('exit', leave)
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143]
  ] as const) {
    process.once(signal, () => {
      killRunning()
      process.exit(status)
    })
  }
  console.log(`${machineText(describeMachine())}\n`)
  for (const part of options.parts) {
    const report = await benchPart(part, options)
    console.log(toText(part, report))
    if (options.isSaved) saveResults({ parts: { [part.id]: report } })
    if (report.rows.some(row => row.role === 'ours' && row.samples.length < options.rounds)) process.exitCode = 1
  }
  leave()
  if (options.isSaved) console.log(`written: ${FILES.markdown}`)
}

async function benchPart(part: Part, options: Options): Promise<PartReport> {
  const { chosen, rounds, timeoutMs, workers } = options
  const settings = { ...(options.isQuick ? part.quick : part.full), workers }
  const entries = chosen.filter(info => (info.parts ?? [part.id]).includes(part.id) && part.takesPart(info)).map(enter)
  const others = [await othersUse(pauseMs)]
  for (let round = 1; round <= rounds; round++) {
    for (const entry of entries) {
      if (entry.isDropped) continue
      others.push(await othersUse(pauseMs))
      await runEntry(entry, part, settings, `round ${round} of ${rounds}`, timeoutMs)
    }
  }
  const rows = entries.map(({ info, version, samples, notes }) => makeRow(info, version, settings, samples, notes))
  return makeReport(part, describeMachine(), settings, rounds, others, rows)
}

function enter(info: ContestantInfo): Progress {
  const version = versionOf(info)
  const isMissing = version === null
  return {
    info,
    version,
    samples: [],
    notes: isMissing ? [`${info.library} is not installed`] : [],
    isDropped: isMissing
  }
}

/** One that fails is not asked again: its reason stands in the report, and a hang costs the run one timeout. */
async function runEntry(
  entry: Progress,
  part: Part,
  settings: Settings,
  round: string,
  timeoutMs: number
): Promise<void> {
  const { info, samples, notes } = entry
  const result = await runRound(info, part, settings, timeoutMs)
  let outcome: string
  if ('failure' in result) {
    outcome = `failed: ${result.failure}`
    notes.push(`failed in ${round}: ${result.failure}`)
    entry.isDropped = true
  } else {
    samples.push(result.sample)
    outcome = `${figure(result.sample.value)} ${part.unit}`
    if (result.note !== undefined && !notes.includes(result.note)) notes.push(result.note)
  }
  console.error(`${part.id}, ${round}  ${info.id.padEnd(18)}  ${outcome}`)
}

/** Null when only help was asked for. */
function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      part: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      workers: { type: 'string', default: '2' },
      neighbours: { type: 'string', default: '0' },
      timeout: { type: 'string', default: '120' },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  })
  if (values.help) return null
  const neighbours = wholeNumber('--neighbours', values.neighbours, 0)
  return {
    neighbours,
    parts: values.part === undefined ? parts : selectParts(values.part),
    chosen: values.only === undefined ? contestants : selectContestants(values.only),
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '3' : '5')),
    timeoutMs: wholeNumber('--timeout', values.timeout) * 1000,
    isQuick: values.quick,
    workers: wholeNumber('--workers', values.workers),
    isSaved: neighbours === 0 && (values.save || (!values.quick && values.only === undefined))
  }
}

function wholeNumber(option: string, text: string, least = 1): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`${option} ${text}: expected a whole number from ${least} on`)
  return value
}
