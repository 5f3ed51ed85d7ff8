/**
 * Locks and shared arrays side by side with CPython's: `node dist/bench/sync.js [--rounds N] [--json FILE]`.
 *
 * Both in turn in every round, medians. A handover is an acquisition by another process than the one before, while two
 * processes do nothing but acquire and release. A ping-pong is there and back.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Event, Lock, Pool, RawArray, Semaphore, Array as SharedArray } from 'multiprocess'
import { describeMachine, othersUse } from './machine.ts'
import { spread } from './statistics.ts'
import { answerEvents, answerSemaphores, handOver } from './sync-tasks.ts'

const MEASURES = ['uncontended', 'handovers', 'element', 'semaphores', 'events'] as const
type Measure = (typeof MEASURES)[number]
type Figures = Record<Measure, number>

const ROWS: Record<Measure, { name: string; unit: string; isRate?: boolean; goal?: number }> = {
  uncontended: { name: 'acquireSync and release, uncontended', unit: 'ns', goal: 4 },
  handovers: { name: 'handovers between 2 processes', unit: '/s', isRate: true, goal: 2 },
  element: { name: "Array('i')[0] += 1", unit: 'ns', goal: 50 },
  semaphores: { name: 'semaphore ping-pong', unit: 'µs' },
  events: { name: 'event ping-pong', unit: 'µs' }
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } } })
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`sync: --rounds ${values.rounds}: expected a whole number from 1 on`)
  process.exit(2)
}

const script = new URL('../../bench/cpython-sync.py', import.meta.url).pathname
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
    `${name.padEnd(38)} ${round(our.median)} ${unit} (${range}), CPython ${round(their.median)} ${unit}: ${ratio.toFixed(1)} ×${judged}`
  )
  table[measure] = { ours: our, cpython: their, ratio, goal }
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ machine, rounds, othersUse: spread(others), table }, null, 2)}\n`)
}

async function measure(): Promise<Figures> {
  return {
    uncontended: uncontended(5_000_000),
    element: element(20_000_000),
    handovers: await handovers(700),
    semaphores: await semaphores(5000),
    events: await events(3000)
  }
}

function uncontended(times: number): number {
  const lock = new Lock()
  const began = performance.now()
  for (let i = 0; i < times; i++) {
    lock.acquireSync()
    lock.release()
  }
  return ((performance.now() - began) / times) * 1e6
}

function element(times: number): number {
  const array = SharedArray('i', 1)
  const began = performance.now()
  for (let i = 0; i < times; i++) array[0] += 1
  const elapsed = performance.now() - began
  if (array[0] !== times) throw new Error(`counted to ${array[0]}, and should have to ${times}`)
  return (elapsed / times) * 1e6
}

async function handovers(ms: number): Promise<number> {
  const [lock, last, ready] = [new Lock(), RawArray('i', 1), RawArray('i', 1)]
  await using pool = new Pool(2)
  const counts = await Promise.all([1, 2].map(me => pool.apply(handOver, [lock, last, ready, me, ms])))
  return ((counts[0] + counts[1]) * 1000) / ms
}

async function semaphores(times: number): Promise<number> {
  const [ping, pong] = [new Semaphore(0), new Semaphore(0)]
  await using pool = new Pool(1)
  const answered = pool.apply(answerSemaphores, [ping, pong, times + 1])
  ping.release()
  await pong.acquire()
  const began = performance.now()
  for (let i = 0; i < times; i++) {
    ping.release()
    pong.acquireSync()
  }
  const elapsed = performance.now() - began
  await answered
  return (elapsed * 1000) / times
}

async function events(times: number): Promise<number> {
  const [ping, pong] = [new Event(), new Event()]
  await using pool = new Pool(1)
  const answered = pool.apply(answerEvents, [ping, pong, times + 1])
  ping.set()
  await pong.wait()
  pong.clear()
  const began = performance.now()
  for (let i = 0; i < times; i++) {
    ping.set()
    pong.waitSync()
    pong.clear()
  }
  const elapsed = performance.now() - began
  await answered
  return (elapsed * 1000) / times
}

function round(value: number): string {
  return value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en')
}
