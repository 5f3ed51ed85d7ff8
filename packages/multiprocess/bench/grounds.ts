/**
 * Processes or threads: `node dist/bench/grounds.js [--rounds N] [--json FILE]`.
 *
 * What one costs to start and join, cold and from the reserve; the memory that a further idle pool worker takes, as the
 * change of the proportional set size of the whole program (`Pss` of smaps_rollup, proc_pid_smaps(5)); what a tiny task
 * costs, submitted all at once and one at a time, and one with a large argument. Both in turn in every round, medians.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Context, getContext, type StartMethod } from 'multiprocess'
import { describeMachine, othersUse } from './machine.ts'
import { spread } from './statistics.ts'
import { lengthOf, nothing, say, square } from './tasks.ts'

const METHODS: readonly StartMethod[] = ['spawn', 'thread']
const MEMORY_WORKERS = 4
const MANY = 20_000
const SINGLE = 2_000
const LARGE_BYTES = 1_000_000
const LARGE_COUNT = 50

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } } })
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`grounds: --rounds ${values.rounds}: expected a whole number from 1 on`)
  process.exit(2)
}

type Measure = (context: Context) => Promise<number>

const MEASURES: Readonly<Record<string, Measure>> = {
  'start and join, ms': startAndJoin,
  'start until it runs, ms': context => startUntilItRuns(context, undefined),
  'the same from the reserve, ms': context => startUntilItRuns(context, 1),
  'memory of a pool worker, MB': memoryOfWorker,
  'a task of many, µs': context => inPool(context, many),
  'a task at a time, µs': context => inPool(context, single),
  'a task with 1 MB, µs': context => inPool(context, large)
}

const found = new Map<string, number[]>()
const others: number[] = []
for (let round = -1; round < rounds; round++) {
  others.push(await othersUse(100))
  for (const [name, measure] of Object.entries(MEASURES)) {
    for (const method of METHODS) {
      const value = await measure(getContext(method))
      const key = `${name}, ${method}`
      if (round >= 0) found.set(key, [...(found.get(key) ?? []), value])
    }
  }
}

const machine = describeMachine()
console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; medians of ${rounds} rounds in turn`)
console.log(`other programs used ${Math.round(spread(others).median * 100)} % of the processors between the rounds`)
console.log(`${''.padEnd(32)}${METHODS.map(method => method.padStart(12)).join('')}`)
const medians: Record<string, number[]> = {}
for (const name of Object.keys(MEASURES)) {
  medians[name] = METHODS.map(method => spread(found.get(`${name}, ${method}`) as number[]).median)
  console.log(`${name.padEnd(32)}${medians[name].map(value => value.toFixed(1).padStart(12)).join('')}`)
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ machine, rounds, methods: METHODS, medians }, null, 2)}\n`)
}

async function startAndJoin({ Process }: Context): Promise<number> {
  const began = performance.now()
  const child = new Process({ target: nothing })
  child.start()
  await child.join()
  return performance.now() - began
}

/** The reserve has been filled a while ago, and is given up at the end. */
async function startUntilItRuns({ Process, Event }: Context, reserve: number | undefined): Promise<number> {
  if (reserve !== undefined) {
    const first = new Process({ target: nothing, reserve })
    first.start()
    await first.join()
    await sleep(300)
  }
  const isThere = new Event()
  const began = performance.now()
  const child = new Process({ target: say, args: [isThere], reserve: reserve === undefined ? undefined : 0 })
  child.start()
  await isThere.wait()
  const elapsed = performance.now() - began
  await child.join()
  return elapsed
}

async function memoryOfWorker({ Pool }: Context): Promise<number> {
  const before = programBytes()
  const pool = new Pool(MEMORY_WORKERS)
  await pool.map(
    square,
    Array.from({ length: MEMORY_WORKERS * 8 }, (_, i) => i),
    1
  )
  while (pool.stats.workers.length < MEMORY_WORKERS) await sleep(10)
  await sleep(200)
  const after = programBytes()
  pool.terminate()
  await pool.join()
  return (after - before) / MEMORY_WORKERS / 1e6
}

/** Of this process and its children: each page counts once, shared out among those that have it. */
function programBytes(): number {
  const pids = [process.pid, ...readdirSync('/proc').map(Number).filter(isChild)]
  return pids.reduce((sum, pid) => sum + pssOf(pid), 0)
}

function isChild(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) === process.pid
  } catch {
    return false
  }
}

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

type Pool = InstanceType<Context['Pool']>

async function inPool({ Pool }: Context, run: (pool: Pool) => Promise<number>): Promise<number> {
  const pool = new Pool(2)
  await pool.map(square, [1, 2, 3, 4], 1)
  const count = await run(pool)
  const began = performance.now()
  await run(pool)
  const elapsed = performance.now() - began
  pool.terminate()
  await pool.join()
  return (elapsed * 1000) / count
}

async function many(pool: Pool): Promise<number> {
  const results: Promise<number>[] = []
  for (let i = 0; i < MANY; i++) results.push(pool.apply(square, [i]))
  await Promise.all(results)
  return MANY
}

async function single(pool: Pool): Promise<number> {
  for (let i = 0; i < SINGLE; i++) await pool.apply(square, [i])
  return SINGLE
}

async function large(pool: Pool): Promise<number> {
  const bytes = new Uint8Array(LARGE_BYTES)
  for (let i = 0; i < LARGE_COUNT; i++) await pool.apply(lengthOf, [bytes])
  return LARGE_COUNT
}
