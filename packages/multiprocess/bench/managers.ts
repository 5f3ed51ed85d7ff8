/**
 * Managers side by side with CPython's: `node dist/bench/managers.js [--rounds N] [--json FILE]`.
 *
 * Both in turn in every round, medians. A call is answered by the manager's process. Asynchronous ones are 1,000 in flight at
 * any time; CPython, which has none, makes one after another. Four clients call blocking, all at once, and are counted together.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Manager, Pool } from 'multiprocess'
import { describeMachine, othersUse } from './machine.ts'
import { callFor } from './manager-tasks.ts'
import { spread } from './statistics.ts'

const MEASURES = ['set', 'get', 'inFlight', 'lock', 'one', 'four'] as const
type Measure = (typeof MEASURES)[number]
type Figures = Record<Measure, number>

const ROWS: Record<Measure, { name: string; unit: string; isRate?: boolean; goal?: number }> = {
  set: { name: 'dict.setSync, there and back', unit: 'µs', goal: 4 },
  get: { name: 'dict.getSync, there and back', unit: 'µs' },
  inFlight: { name: 'dict.set, 1,000 in flight', unit: '/s', isRate: true, goal: 20 },
  lock: { name: 'lock.acquireSync and releaseSync', unit: 'µs', goal: 3 },
  one: { name: 'dict.setSync, 1 client', unit: '/s', isRate: true },
  four: { name: 'dict.setSync, 4 clients at once', unit: '/s', isRate: true }
}
const IN_FLIGHT = 1000

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } } })
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`managers: --rounds ${values.rounds}: expected a whole number from 1 on`)
  process.exit(2)
}

const script = new URL('../../bench/cpython-managers.py', import.meta.url).pathname
const ours: Figures[] = []
const theirs: Figures[] = []
const others: number[] = []
for (let round = -1; round < rounds; round++) {
  others.push(await othersUse(100))
  const mine = await measure()
  const python = spawnSync('python3', [script], { encoding: 'utf8' })
  if (python.status !== 0) throw new Error(`python3 ${script} failed: ${python.error?.message ?? python.stderr}`)
  // The first round warms up.
  if (round < 0) continue
  ours.push(mine)
  theirs.push(JSON.parse(python.stdout) as Figures)
}

const machine = describeMachine()
console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${rounds} rounds in turn`)
console.log(`other programs used ${Math.round(spread(others).median * 100)} % of the processors between the rounds`)
const table: Record<string, unknown> = {}
for (const measure of MEASURES) {
  const { name, unit, isRate = false, goal } = ROWS[measure]
  const [our, their] = [ours, theirs].map(figures => spread(figures.map(figure => figure[measure])))
  const ratio = isRate ? our.median / their.median : their.median / our.median
  const judged = goal === undefined ? '' : `, goal ${goal}: ${ratio >= goal ? 'met' : 'missed'}`
  const range = `${round(our.min)} to ${round(our.max)}`
  console.log(
    `${name.padEnd(34)} ${round(our.median)} ${unit} (${range}), CPython ${round(their.median)} ${unit}: ${ratio.toFixed(1)} ×${judged}`
  )
  table[measure] = { ours: our, cpython: their, ratio, goal }
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ machine, rounds, othersUse: spread(others), table }, null, 2)}\n`)
}

async function measure(): Promise<Figures> {
  await using manager = await Manager()
  const [dict, lock] = [await manager.dict<string, number>(), await manager.Lock()]
  const timed = (times: number, call: (i: number) => void): number => {
    const began = performance.now()
    for (let i = 0; i < times; i++) call(i)
    return ((performance.now() - began) * 1000) / times
  }
  const figures = {
    set: timed(20_000, i => dict.setSync('k', i)),
    get: timed(20_000, () => dict.getSync('k')),
    lock: timed(10_000, () => {
      lock.acquireSync()
      lock.releaseSync()
    })
  }
  const total = 300_000
  let sent = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (sent++ < total) await dict.set('k', sent)
    })
  )
  const inFlight = (total * 1000) / (performance.now() - began)
  if ((await dict.get('k')) === undefined) throw new Error('what was set is not there')
  const clients = async (count: number): Promise<number> => {
    await using pool = new Pool(count)
    await pool.map(callFor, Array(count).fill([dict, 5]), 1)
    const counts = await pool.map(callFor, Array(count).fill([dict, 700]), 1)
    return counts.reduce((sum, { calls, ms }) => sum + (calls * 1000) / ms, 0)
  }
  return { ...figures, inFlight, one: await clients(1), four: await clients(4) }
}

function round(value: number): string {
  return value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en')
}
