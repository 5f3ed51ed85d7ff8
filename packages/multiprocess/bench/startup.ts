/**
 * What starting costs: `node dist/bench/startup.js [--rounds N] [--json FILE]`.
 *
 * Starting and joining a `Process` side by side with the least that Node itself can do, `node -e 0`, and with a Node
 * that loads an empty ES module, which any child that imports its target must at least do. In turn in every round,
 * three rounds to warm up, medians. The import of the library is timed inside a fresh process.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Event, Process } from 'multiprocess'
import { describeMachine, othersUse } from './machine.ts'
import { type Spread, spread } from './statistics.ts'
import { nothing, say } from './tasks.ts'

interface Step {
  readonly name: string
  /** Milliseconds. */
  readonly run: () => Promise<number>
}

const library = import.meta.resolve('multiprocess')
const warmupRounds = 3
/** Milliseconds between two rounds, in which it is seen how busy the machine is with other work. */
const pauseMs = 300
/** Within these a process of the reserve is up, and waits. */
const reserveMs = 300

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '30' }, json: { type: 'string' } } })
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`startup: --rounds ${values.rounds}: expected a whole number from 1 on`)
  process.exit(2)
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'startup-'))
try {
  await compare()
} finally {
  rmSync(folder, { recursive: true })
}

async function compare(): Promise<void> {
  const emptyModule = path.join(folder, 'empty.mjs')
  writeFileSync(emptyModule, '')
  const bare: Step = { name: 'node -e 0', run: () => timeNode(['-e', '0']) }
  const started: Step = { name: 'Process: start and join', run: startAndJoin }
  const bareStart: Step = { name: 'Process: start until it runs', run: () => startUntilItRuns(undefined) }
  const warm: Step = { name: 'the same from the reserve', run: () => startUntilItRuns(1) }
  const imported: Step = { name: "import 'multiprocess'", run: timeImport }
  const steps = [
    bare,
    { name: 'node empty.mjs', run: () => timeNode([emptyModule]) },
    started,
    imported,
    bareStart,
    // The last: what follows it in the reserve starts in the pause.
    warm
  ]

  const machine = describeMachine()
  const firstMs = await startAndJoin()
  const times = new Map<Step, number[]>(steps.map(step => [step, []]))
  const others: number[] = []
  for (let round = -warmupRounds; round < rounds; round++) {
    others.push(await othersUse(pauseMs))
    for (const step of steps) {
      const elapsed = await step.run()
      if (round >= 0) times.get(step)!.push(elapsed)
    }
  }

  const found = new Map<Step, Spread>(steps.map(step => [step, spread(times.get(step)!)]))
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${rounds} rounds in turn`)
  console.log(`other programs used ${Math.round(spread(others).median * 100)} % of the processors between the rounds`)
  for (const [{ name }, { median, min, max }] of found) {
    console.log(`${name.padEnd(29)} median ${ms(median)}  min ${ms(min)}  max ${ms(max)}`)
  }
  console.log(`${'the first start in a program'.padEnd(29)} ${ms(firstMs)}`)
  const ratio = found.get(started)!.median / found.get(bare)!.median
  const added = found.get(started)!.median - found.get(bare)!.median
  console.log(`a Process takes ${ratio.toFixed(2)} times node -e 0: ${ms(added)} more`)
  const share = found.get(warm)!.median / found.get(bareStart)!.median
  console.log(`from the reserve it runs after ${share.toFixed(3)} of the time`)
  if (values.json !== undefined) {
    const medians = Object.fromEntries([...found].map(([{ name }, figures]) => [name, figures]))
    writeFileSync(
      values.json,
      `${JSON.stringify({ machine, rounds, othersUse: spread(others), ms: medians, firstStartMs: firstMs, ratio, share }, null, 2)}\n`
    )
  }
}

async function startAndJoin(): Promise<number> {
  const began = performance.now()
  const child = new Process({ target: nothing })
  child.start()
  await child.join()
  const elapsed = performance.now() - began
  if (child.exitcode !== 0) throw new Error(`the process ended with ${child.exitcode}, and should end with 0`)
  return elapsed
}

/** Until the target has said so; the reserve has been ready for a while then. */
async function startUntilItRuns(reserve: number | undefined): Promise<number> {
  if (reserve !== undefined) await sleep(reserveMs)
  const isThere = new Event()
  const began = performance.now()
  const child = new Process({ target: say, args: [isThere], reserve })
  child.start()
  await isThere.wait()
  const elapsed = performance.now() - began
  await child.join()
  return elapsed
}

/** Standard streams are handed down, as a Process does. */
async function timeNode(args: string[]): Promise<number> {
  const began = performance.now()
  const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit')
  const elapsed = performance.now() - began
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}`)
  return elapsed
}

async function timeImport(): Promise<number> {
  const code = `const began = performance.now()
    await import(${JSON.stringify(library)})
    process.stdout.write(String(performance.now() - began))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const elapsed = Number(await text(child.stdout))
  if (!(elapsed > 0)) throw new Error('importing the library failed; the reason stands above')
  return elapsed
}

function ms(value: number): string {
  return `${value.toFixed(1).padStart(6)} ms`
}
