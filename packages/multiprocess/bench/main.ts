/**
 * The pool side by side with the field's: `npm run bench`.
 *
 * How fairness is sought. In every round each contestant runs once, one after another (A B C, A B C, …), so that a
 * slow minute of the machine falls on all of them; the figures are medians over the rounds. Each runs in a fresh
 * process of its own, loading only its own library: pools kept alive in one process would share a heap and a compiler
 * that has seen the others' code, and their idle workers would stay in memory. Starting up and warming up are not
 * counted: everybody runs at least one whole batch, and for at least the same time, before the clock starts, so that
 * everybody's code is compiled and workers are up. All have the same number of workers, run the same function from the
 * same file, set up as their own documentation shows; what is not named in the table is left at its default. The
 * results are checked.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type ContestantInfo, contestants, selectContestants } from './contestants.ts'
import { describeMachine, othersUse, versionOf } from './machine.ts'
import type { Sample, Settings } from './measure.ts'
import { makeReport, toMarkdown, toText } from './report.ts'
import { killRunning, runRound } from './round.ts'
import { makeRow } from './row.ts'

const explanation = `How it is measured: in every round each contestant runs once, one after another, in a fresh process of its own that
loads only its own library; the figures are medians over the rounds. Starting and warming up (at least one whole batch,
and at least the same time for all) are not counted. All have the same number of workers and run the same function from
the same file, set up as their own documentation shows; what the table does not name is left at its default. Results are
checked. "ours ×" is our throughput divided by that pool's, "ours ÷" that pool's round trip divided by ours.`

const usage = `usage: npm run bench -- [options]
  --rounds N        rounds of all contestants (default 5)
  --quick           3 rounds of 20,000 tasks and shorter samples: a first impression
  --only A,B        these contestants (ids or libraries): ${contestants.map(({ id }) => id).join(', ')}
  --workers N       workers of each pool (default 2)
  --timeout S       seconds that a contestant gets for a round (default 120)
  --json FILE       write everything measured
  --markdown FILE   write the table
  --help            show this`

/** Milliseconds between two runs, in which it is seen how busy the machine is with other work. */
const pauseMs = 200

interface Options {
  readonly chosen: readonly ContestantInfo[]
  readonly rounds: number
  readonly timeoutMs: number
  readonly settings: Settings
  readonly json?: string
  readonly markdown?: string
}

interface Progress {
  readonly info: ContestantInfo
  readonly version: string | null
  readonly samples: Sample[]
  readonly notes: string[]
  dropped: boolean
}

try {
  const options = readOptions()
  if (options === null) console.log(usage)
  else await bench(options)
} catch (error) {
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 2
}

async function bench({ chosen, rounds, timeoutMs, settings, json, markdown }: Options): Promise<void> {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143]
  ] as const) {
    process.once(signal, () => {
      killRunning()
      process.exit(status)
    })
  }
  const machine = describeMachine()
  const entries = chosen.map(enter)
  const others = [await othersUse(pauseMs)]
  for (let round = 1; round <= rounds; round++) {
    for (const entry of entries) {
      if (entry.dropped) continue
      others.push(await othersUse(pauseMs))
      await runEntry(entry, round, rounds, settings, timeoutMs)
    }
  }
  const rows = entries.map(({ info, version, samples, notes }) => makeRow(info, version, samples, notes))
  const report = makeReport(machine, settings, rounds, others, rows)
  console.log(toText(report))
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
  if (markdown !== undefined) writeFileSync(markdown, toMarkdown(report, explanation))
  if (rows.some(row => row.role === 'ours' && row.samples.length < rounds)) process.exitCode = 1
}

function enter(info: ContestantInfo): Progress {
  const version = versionOf(info)
  const missing = version === null
  return { info, version, samples: [], notes: missing ? [`${info.library} is not installed`] : [], dropped: missing }
}

/** One that fails is not asked again: its reason stands in the report, and a hang costs the run one timeout. */
async function runEntry(
  entry: Progress,
  round: number,
  rounds: number,
  settings: Settings,
  timeoutMs: number
): Promise<void> {
  const { info, samples, notes } = entry
  const result = await runRound(info, settings, timeoutMs)
  let outcome: string
  if ('failure' in result) {
    outcome = `failed: ${result.failure}`
    notes.push(`failed in round ${round} of ${rounds}: ${result.failure}`)
    entry.dropped = true
  } else {
    const { tasksPerSecond, roundTripUs } = result.sample
    samples.push(result.sample)
    outcome = `${Math.round(tasksPerSecond).toLocaleString('en-US')} tasks/s, ${roundTripUs.toFixed(1)} µs a round trip`
    if (result.note !== undefined && !notes.includes(result.note)) notes.push(result.note)
  }
  console.error(`round ${round}/${rounds}  ${info.id.padEnd(18)}  ${outcome}`)
}

/** Null when only help was asked for. */
function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      workers: { type: 'string', default: '2' },
      timeout: { type: 'string', default: '120' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      help: { type: 'boolean', default: false }
    }
  })
  if (values.help) return null
  const workers = wholeNumber('--workers', values.workers)
  return {
    chosen: values.only === undefined ? contestants : selectContestants(values.only),
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '3' : '5')),
    timeoutMs: wholeNumber('--timeout', values.timeout) * 1000,
    settings: values.quick
      ? { workers, tasks: 20_000, trips: 2_000, warmupMs: 300, sampleMs: 250 }
      : { workers, tasks: 50_000, trips: 5_000, warmupMs: 1_000, sampleMs: 500 },
    json: values.json,
    markdown: values.markdown
  }
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option} ${text}: expected a whole number from 1 on`)
  return value
}
