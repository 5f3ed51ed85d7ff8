/**
 * Whole programs, from `node` to their end: `node dist/bench/programs.js [--rounds N] [--program LIST] [--save]`.
 *
 * Each program runs once per round with each library, in turn, as a process of its own; the figures are medians over the rounds. The
 * processor time is that of the process and of all its children that it waited for. The memory is the sum of the proportional set
 * sizes of the process and its children, at most, in one more run that is not timed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeMachine, othersUse } from './machine.ts'
import { costsPlot } from './programs/costs-plot.ts'
import { CONTESTANTS, type Contestant, type Figures, PROGRAMS, type Program } from './programs/list.ts'
import { type ProgramReport, type ProgramRow, toProgramText } from './programs/report.ts'
import { saveCostsPlot, saveResults } from './results.ts'
import { type Spread, spread } from './statistics.ts'

const TICKS_PER_SECOND = 100
const SAMPLE_MS = 10
const PAUSE_MS = 200
const NDJSON_BYTES = 50 * 1024 * 1024

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    program: { type: 'string', default: PROGRAMS.map(({ id }) => id).join(',') },
    save: { type: 'boolean', default: false }
  }
})
const rounds = Number(values.rounds)
const chosen = values.program.split(',').map(name => PROGRAMS.find(({ id }) => id === name.trim()))
if (!Number.isSafeInteger(rounds) || rounds < 1 || chosen.includes(undefined)) {
  console.error(
    `programs: expected --rounds N (a whole number from 1 on) and --program with some of ${PROGRAMS.map(({ id }) => id).join(',')}`
  )
  process.exit(2)
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'programs-'))
try {
  const reports: ProgramReport[] = []
  for (const program of chosen as Program[]) {
    const report = await compare(program)
    console.log(toProgramText(report))
    reports.push(report)
  }
  if (values.save) {
    saveResults({ parts: {}, programs: Object.fromEntries(reports.map(report => [report.id, report])) })
    const lengths = reports.filter(({ workMs }) => workMs !== undefined)
    if (lengths.length > 1) saveCostsPlot(costsPlot(lengths))
  }
} finally {
  rmSync(folder, { recursive: true })
}

async function compare(program: Program): Promise<ProgramReport> {
  const file = program.id === 'ndjson' ? await writeNdjson() : ''
  const contestants = CONTESTANTS.filter(({ programs }) => programs.includes(program.kind))
  const samples = new Map<Contestant, Figures[]>(contestants.map(contestant => [contestant, []]))
  const others: number[] = []
  for (let round = 0; round < rounds; round++) {
    others.push(await othersUse(PAUSE_MS))
    for (const [contestant, found] of samples) {
      try {
        found.push(await measure(contestant, program, file))
      } catch (error) {
        // Another library's program may fail now and then; it is left out then, and the others are compared.
        if (contestant.id.startsWith('multiprocess')) throw error
        console.error(`left out of ${program.id}: ${(error as Error).message}`)
        samples.delete(contestant)
      }
    }
  }
  const rows: ProgramRow[] = []
  for (const [{ id, title }, found] of samples) {
    const memory = await memoryOf(CONTESTANTS.find(contestant => contestant.id === id) as Contestant, program, file)
    rows.push({ id, title, wall: of(found, 'wall'), cpu: of(found, 'cpu'), memory })
  }
  const { id, title, workMs } = program
  const date = new Date().toISOString()
  return { id, title, workMs, date, machine: describeMachine(), rounds, othersUse: spread(others), rows }
}

function of(found: readonly Figures[], name: keyof Figures): Spread {
  return spread(found.map(figures => figures[name]))
}

function start({ command, args }: Contestant, program: Program, file: string) {
  const own = args(program.kind, program.workMs === undefined ? file : String(program.workMs)).map(arg =>
    /\.(?:js|py)$/.test(arg) && !path.isAbsolute(arg) ? fileURLToPath(new URL(arg, import.meta.url)) : arg
  )
  return spawn(command, own, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Seconds. */
async function measure(contestant: Contestant, program: Program, file: string): Promise<Figures> {
  const cpuBefore = cpuOfChildren()
  const began = process.hrtime.bigint()
  const [code] = await once(start(contestant, program, file), 'exit')
  const wall = Number(process.hrtime.bigint() - began) / 1e9
  if (code !== 0) throw new Error(`${contestant.id} ended with ${code} in ${program.id}; the reason stands above`)
  return { wall, cpu: cpuOfChildren() - cpuBefore }
}

/** Of those that have ended and were waited for, with theirs: proc(5), /proc/PID/stat. */
function cpuOfChildren(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND
}

/** Bytes, at most. */
async function memoryOf(contestant: Contestant, program: Program, file: string): Promise<number> {
  const child = start(contestant, program, file)
  let hasEnded = false
  const end = once(child, 'exit').then(() => {
    hasEnded = true
  })
  let most = 0
  while (!hasEnded) {
    most = Math.max(most, memoryOfFamily(child.pid as number))
    await sleep(SAMPLE_MS)
  }
  await end
  return most
}

function memoryOfFamily(pid: number): number {
  const text = readIfThere(`/proc/${pid}/smaps_rollup`)
  const own = Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024
  return childrenOf(pid).reduce((sum, child) => sum + memoryOfFamily(child), own)
}

function childrenOf(pid: number): number[] {
  let tasks: string[] = []
  try {
    tasks = readdirSync(`/proc/${pid}/task`)
  } catch {
    // The process has ended meanwhile.
  }
  return tasks.flatMap(task => readIfThere(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number))
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

/** Answers the file's path, its length and the sum of its amounts. */
async function writeNdjson(): Promise<string> {
  const file = path.join(folder, 'lines.ndjson')
  const stream = createWriteStream(file)
  let bytes = 0
  let sum = 0
  for (let i = 0; bytes < NDJSON_BYTES; i++) {
    const line = `${JSON.stringify({ id: i, name: `person ${i}`, amount: i % 1000, tags: ['a', 'b', 'c'] })}\n`
    bytes += line.length
    sum += i % 1000
    if (!stream.write(line)) await once(stream, 'drain')
  }
  stream.end()
  await once(stream, 'finish')
  return `${file}:${bytes}:${sum}`
}
