/** Where a pool's time went: `pool.insights()`. It is measured with `{ timings: true }`, and costs nothing otherwise. */
import { inspect } from 'node:util' // lazy
import { ValueError } from '../../errors.ts'
import { shown } from '../../ground/inspect.ts'
import { monotonicMs } from '../../ground/os/time.ts'
import type { TaskTable } from '../shared/task-table.ts'
import type { WorkerMoments } from '../shared/worker-times.ts'

/** Where a time went, in milliseconds. */
export interface TimeShares {
  /** From the start of the process until it runs. */
  readonly startUp: number
  /** In the `initializer`. */
  readonly init: number
  /** For tasks. */
  readonly wait: number
  /** In tasks. */
  readonly work: number
  /** From the last task until the process has ended. */
  readonly exit: number
}

/** What one worker did, and where its time went. */
export interface WorkerInsights extends TimeShares {
  /** Of a thread its `threadId`. */
  readonly pid: number
  /** Tasks that it has ended. A chunk of `map` or `imap` is one. */
  readonly tasks: number
  /** False once it has ended. */
  readonly isRunning: boolean
}

/** A task that ran long. */
export interface SlowTask {
  /** The number of the task in its pool. */
  readonly id: number
  /** The function's name. */
  readonly name: string
  /** Its arguments, or the items of its chunk, in at most 100 characters. */
  readonly args: string
  /** Milliseconds that it ran. */
  readonly runTime: number
  /** Milliseconds that it waited for a worker. */
  readonly waitTime: number
}

/** What `pool.insights()` returns. */
export interface PoolInsights {
  /** Each worker that was started, also those that have ended: up to 1,000, the last ones. */
  readonly workers: readonly WorkerInsights[]
  /** Of all workers together. */
  readonly total: TimeShares
  /** The five tasks that ran longest, the longest first. */
  readonly slowest: readonly SlowTask[]
  /** Where most of the time went, and why, in one sentence. */
  readonly summary: string
}

const MOST_SLOW = 5
const MOST_WORKERS = 1000
const MOST_CHARACTERS = 100
/** Tasks that take less on average, in milliseconds, do not pay their way to a worker and back. */
const SMALL_MS = 1

interface Submitted {
  readonly at: number
  readonly name: string
  readonly message: unknown
}

interface Started {
  readonly pid: number
  readonly at: number
}

type Times = Omit<WorkerInsights, 'isRunning'>

export class Insights {
  readonly #table: TaskTable
  readonly #submitted = new Map<number, Submitted>()
  readonly #running = new Map<number, Started>()
  readonly #ended: Times[] = []
  #slowest: SlowTask[] = []
  #tasks = 0
  #runTime = 0
  /** How long the pool had any task, and since when it has one. */
  #underWay = 0
  #since = 0
  #endsAt = 0

  constructor(table: TaskTable) {
    this.#table = table
  }

  /** @param message its arguments, or items: kept until it has ended */
  submitted(id: number, name: string, message: unknown): void {
    const at = monotonicMs()
    if (this.#submitted.size === 0) this.#since = at
    this.#submitted.set(id, { at, name, message })
  }

  /** @param start undefined: no worker began it @param end undefined: it was stopped */
  ended(id: number, start: number | undefined, end: number | undefined): void {
    const task = this.#submitted.get(id)
    if (task === undefined) return
    this.#submitted.delete(id)
    if (this.#submitted.size === 0) this.#underWay += monotonicMs() - this.#since
    if (start === undefined || end === undefined) return
    this.#tasks++
    const runTime = end - start
    this.#runTime += runTime
    const shortest = this.#slowest.at(-1)
    if (this.#slowest.length === MOST_SLOW && shortest !== undefined && runTime <= shortest.runTime) return
    const { name, at, message } = task
    const slow = { id, name, args: shortened(message), runTime, waitTime: start - at }
    this.#slowest = [...this.#slowest, slow].sort((a, b) => b.runTime - a.runTime).slice(0, MOST_SLOW)
  }

  /** @param at when the pool began to start it */
  workerStarted(place: number, pid: number, at: number): void {
    this.#running.set(place, { pid, at })
  }

  /** All workers are told to end. */
  end(): void {
    this.#endsAt ||= monotonicMs()
  }

  /** Its part of the table is as it left it. */
  workerEnded(place: number): void {
    const started = this.#running.get(place)
    if (started === undefined) return
    this.#ended.push(this.#timesOf(place, started, true))
    if (this.#ended.length > MOST_WORKERS) this.#ended.shift()
    this.#running.delete(place)
  }

  get report(): PoolInsights {
    const running = [...this.#running].map(([place, started]) => this.#timesOf(place, started, false))
    const workers = [
      ...this.#ended.map(times => ({ ...times, isRunning: false })),
      ...running.map(times => ({ ...times, isRunning: true }))
    ].slice(-MOST_WORKERS)
    const total = sumOf(workers)
    return { workers, total, slowest: this.#slowest, summary: this.#summary(total, workers.length) }
  }

  #timesOf(place: number, { pid, at }: Started, hasEnded: boolean): Times {
    // The clock is read last: a worker writes its moments meanwhile, and none of them may lie ahead.
    const moments = this.#table.timesOf(place).moments
    const now = monotonicMs()
    return { pid, tasks: this.#table.doneTail(place), ...sharesOf(moments, at, now, hasEnded ? this.#endsAt : now) }
  }

  #summary(total: TimeShares, workers: number): string {
    const all = total.startUp + total.init + total.wait + total.work + total.exit
    if (this.#tasks === 0 || all === 0) return 'no task has ended yet'
    const percent = (ms: number) => `${Math.round((ms / all) * 100)} %`
    const kinds = ['work', 'wait', 'startUp', 'init', 'exit'] as const
    const [largest] = [...kinds].sort((a, b) => total[b] - total[a])
    const had = `it had ${this.#tasks} ${this.#tasks === 1 ? 'task' : 'tasks'}`
    if (largest === 'work') return `workers worked ${percent(total.work)} of the time`
    if (largest === 'startUp') {
      return `starting the workers took ${percent(total.startUp)} of the time: the pool is used too little (${had}); keep it for more, or make it smaller`
    }
    if (largest === 'init') return `the initializer took ${percent(total.init)} of the time: ${had} to make up for it`
    if (largest === 'exit')
      return `ending the workers took ${percent(total.exit)} of the time: ${had} to make up for it`
    return `workers waited ${percent(total.wait)} of the time: ${this.#whyWaited(total, workers)}`
  }

  #whyWaited(total: TimeShares, workers: number): string {
    const underWay = this.#underWay + (this.#submitted.size > 0 ? monotonicMs() - this.#since : 0)
    const mean = this.#runTime / this.#tasks
    // All of them wait while there is no task.
    if ((total.wait + total.work) / Math.max(1, workers) > underWay * 2) return 'the program gave them nothing to do'
    if (mean < SMALL_MS) return `chunks are too small (${(mean * 1000).toFixed(0)} µs on average)`
    return `there were too few tasks at once for ${workers} workers`
  }
}

/** @throws ValueError where it is not measured */
export function insightsOf({ insights }: { readonly insights: Insights | undefined }): PoolInsights {
  if (insights !== undefined) return insights.report
  throw new ValueError('cannot tell where the time went: this pool does not measure it; make it with { timings: true }')
}

/** @param from when its process was started @param endsAt when it was told to end; 0: it was not */
function sharesOf(
  { ready, inited, worked, left }: WorkerMoments,
  from: number,
  now: number,
  endsAt: number
): TimeShares {
  const isReady = ready > 0
  const startUp = (isReady ? ready : now) - from
  const init = isReady ? (inited > 0 ? inited : now) - ready : 0
  const begin = inited > 0 ? inited : now
  const end = Math.max(begin, Math.min(now, left > 0 ? left : endsAt > 0 ? endsAt : now))
  const work = Math.min(worked, end - begin)
  return { startUp, init, wait: end - begin - work, work, exit: now - end }
}

function sumOf(workers: readonly TimeShares[]): TimeShares {
  const sum = (key: keyof TimeShares) => workers.reduce((total, worker) => total + worker[key], 0)
  return { startUp: sum('startUp'), init: sum('init'), wait: sum('wait'), work: sum('work'), exit: sum('exit') }
}

/** Returns the arguments of a message as a short text. */
export function shortened(message: unknown): string {
  // A call of a function that was sent along.
  const args = Array.isArray(message) ? message : ((message as { args?: unknown }).args ?? message)
  const options = { depth: 1, maxArrayLength: 4, maxStringLength: 60, breakLength: Number.POSITIVE_INFINITY }
  return shown(() => inspect(args, options), '(arguments that cannot be shown)', MOST_CHARACTERS)
}
