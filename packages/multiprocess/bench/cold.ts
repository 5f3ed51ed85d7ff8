/**
 * What the first moments of a program cost: `node dist/bench/cold.js [--rounds N]`.
 *
 * Everything is measured in fresh processes, in turn in every round: the first 10,000 submissions beside later ones, awaiting results by
 * `get()` beside awaiting them themselves, and a pool of 16 workers beside 16 bare `node -e 0` that start side by side. The figures are medians.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type AsyncResult, Barrier, Pool } from 'multiprocess'
import { describeMachine, othersUse } from './machine.ts'
import { spread } from './statistics.ts'
import { meet, square } from './tasks.ts'

const BATCH = 10_000
const BATCHES = 5
const WORKERS = 16
const PAUSE_MS = 200

/** Each runs in a process of its own, and returns its figures. */
const STEPS = {
  submissions: async () => {
    await using pool = new Pool(2)
    const results: AsyncResult<number>[] = []
    const times: number[] = []
    for (let batch = 0; batch < BATCHES; batch++) {
      const began = performance.now()
      for (let i = 0; i < BATCH; i++) results.push(pool.applyAsync(square, [i]))
      times.push(((performance.now() - began) * 1000) / BATCH)
    }
    await Promise.all(results)
    return [times[0], spread(times.slice(1)).median]
  },
  get: () => throughput(result => result.get()),
  await: () => throughput(result => result),
  workers: async () => {
    const barrier = new Barrier(WORKERS)
    const began = performance.now()
    await using pool = new Pool(WORKERS)
    // Each task waits for all others, so each worker takes one.
    await Promise.all(Array.from({ length: WORKERS }, () => pool.apply(meet, [barrier])))
    return [performance.now() - began]
  },
  bare: async () => {
    const began = performance.now()
    const children = Array.from({ length: WORKERS }, () => spawn(process.execPath, ['-e', '0'], { stdio: 'inherit' }))
    await Promise.all(children.map(child => once(child, 'exit')))
    return [performance.now() - began]
  }
} satisfies Record<string, () => Promise<number[]>>

/** Returns tasks per second, from the first submission to the last result. */
async function throughput(wait: (result: AsyncResult<number>) => PromiseLike<number>): Promise<number[]> {
  await using pool = new Pool(2)
  const began = performance.now()
  const results = Array.from({ length: BATCH * BATCHES }, (_, i) => pool.applyAsync(square, [i]))
  let sum = 0
  for (const result of results) sum += await wait(result)
  const count = results.length
  if (sum !== ((count - 1) * count * (2 * count - 1)) / 6) throw new Error(`the squares have the wrong sum, ${sum}`)
  return [(count * 1000) / (performance.now() - began)]
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' }, step: { type: 'string' } } })
const rounds = Number(values.rounds)
if (values.step !== undefined) console.log(JSON.stringify(await STEPS[values.step as keyof typeof STEPS]()))
else if (Number.isSafeInteger(rounds) && rounds >= 1) await compare()
else {
  console.error(`cold: --rounds ${values.rounds}: expected a whole number from 1 on`)
  process.exitCode = 2
}

async function compare(): Promise<void> {
  const names = Object.keys(STEPS) as (keyof typeof STEPS)[]
  const found = new Map<string, number[][]>(names.map(name => [name, []]))
  const others: number[] = []
  for (let round = 0; round < rounds; round++) {
    others.push(await othersUse(PAUSE_MS))
    for (const name of names) found.get(name)!.push(await inProcess(name))
  }
  const median = (name: keyof typeof STEPS, index = 0) => spread(found.get(name)!.map(figures => figures[index])).median
  const { cpu, cores, node } = describeMachine()
  console.log(`${cpu}, ${cores} cores, Node ${node}; ${rounds} rounds in turn, each figure from a fresh process`)
  console.log(`other programs used ${Math.round(spread(others).median * 100)} % of the processors between the rounds`)
  const [first, later] = [median('submissions'), median('submissions', 1)]
  const [get, plain] = [median('get'), median('await')]
  const [pool, bare] = [median('workers'), median('bare')]
  console.log(`a submission: ${first.toFixed(1)} µs of the first 10,000, ${later.toFixed(1)} µs of later ones`)
  console.log(`results: ${thousands(get)} a second by get(), ${thousands(plain)} awaited themselves`)
  console.log(`16 workers that have all begun a task: ${pool.toFixed(0)} ms; 16 × node -e 0: ${bare.toFixed(0)} ms`)
  tell('the first submissions divided by later ones', first / later, 3, false)
  tell('results by get() divided by those awaited', get / plain, 0.9, true)
  tell('16 workers divided by 16 × node -e 0', pool / bare, 1.15, false)
}

async function inProcess(step: string): Promise<number[]> {
  const args = [fileURLToPath(import.meta.url), '--step', step]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const answer = await text(child.stdout)
  if (answer === '') throw new Error(`the step ${step} failed; the reason stands above`)
  return JSON.parse(answer) as number[]
}

function tell(name: string, value: number, goal: number, isMoreBetter: boolean): void {
  const isMet = isMoreBetter ? value >= goal : value <= goal
  console.log(`${isMet ? 'met' : 'missed'}: ${name}: ${value.toFixed(2)} (goal: ${isMoreBetter ? '≥' : '≤'} ${goal})`)
}

function thousands(perSecond: number): string {
  return `${Math.round(perSecond / 1000)} k`
}
