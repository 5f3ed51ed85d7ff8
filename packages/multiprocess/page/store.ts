/** All that the page knows: what the server has told, and what follows from it over time. */
import type { FailureRow, FamilyRow, Hello, MapRow, PoolRow, TaskRow, Tick, WorkerRow } from '../src/live/messages.ts'

const MOST_TASKS = 20_000
const MOST_FAILURES = 200
/** Points of a chart. */
const MOST_POINTS = 600
/** Latencies are of the tasks that ended in so many milliseconds. */
const LATELY_MS = 5000

export interface Point {
  /** Seconds since 1970. */
  readonly time: number
  /** Tasks a second. */
  readonly done: number
  readonly failed: number
  /** Milliseconds; null: no task ended. */
  readonly wait50: number | null
  readonly wait99: number | null
  readonly run50: number | null
  readonly run99: number | null
  /** Bytes, by the worker's pid. */
  readonly memory: ReadonlyMap<number, number>
}

export class Store {
  hello: Hello | undefined
  tasks: TaskRow[] = []
  running: readonly TaskRow[] = []
  failures: FailureRow[] = []
  readonly workers = new Map<string, WorkerRow>()
  pools: readonly PoolRow[] = []
  maps: readonly MapRow[] = []
  family: FamilyRow | null = null
  points: Point[] = []
  share = 1
  /** The time of the last message, on both clocks. */
  clock = 0
  time = 0
  #counted: { readonly at: number; readonly pools: ReadonlyMap<number, PoolRow> } | undefined

  /** A program that has taken the place of another begins anew. */
  begin(hello: Hello): void {
    if (hello.run !== this.hello?.run) {
      this.tasks = [...hello.tasks]
      this.failures = []
      this.workers.clear()
      this.points = []
      this.running = []
      this.pools = []
      this.maps = []
      this.#counted = undefined
    }
    this.hello = hello
    this.clock = hello.clock
    this.time = hello.time
    for (const worker of hello.workers) this.#put(worker)
    this.#fail(hello.failures)
  }

  add(tick: Tick): void {
    this.clock = tick.clock
    this.time = tick.time
    this.share = tick.share
    this.tasks.push(...tick.tasks)
    if (this.tasks.length > MOST_TASKS * 1.5) this.tasks = this.tasks.slice(-MOST_TASKS)
    this.running = tick.running
    for (const worker of tick.workers) this.#put(worker)
    this.#fail(tick.failures)
    this.maps = tick.maps
    if (tick.family !== undefined) this.family = tick.family
    if (tick.pools !== undefined) this.#count(tick.pools)
  }

  /** The clock of the tasks, as a time of day. */
  timeOf(clock: number): Date {
    return new Date(this.time + clock - this.clock)
  }

  #put(worker: WorkerRow): void {
    this.workers.set(`${worker.pool}:${worker.pid}`, worker)
  }

  /** A new connection tells again what is known. */
  #fail(rows: readonly FailureRow[]): void {
    const last = this.failures.at(-1)?.number ?? 0
    this.failures.push(...rows.filter(({ number }) => number > last))
    if (this.failures.length > MOST_FAILURES) this.failures = this.failures.slice(-MOST_FAILURES)
  }

  #count(pools: readonly PoolRow[]): void {
    const former = this.#counted
    this.pools = pools
    this.#counted = { at: this.clock, pools: new Map(pools.map(pool => [pool.number, pool])) }
    this.#knowWorkers(pools)
    if (former === undefined || this.clock - former.at < 1) return
    const perSecond = (field: 'completed' | 'failed') => {
      const more = pools.map(pool => pool[field] - (former.pools.get(pool.number)?.[field] ?? 0))
      return (more.reduce((sum, n) => sum + Math.max(0, n), 0) * 1000) / (this.clock - former.at)
    }
    const lately = this.tasks.slice(firstAfter(this.tasks, this.clock - LATELY_MS)).filter(({ start }) => start > 0)
    const waits = lately.map(({ submit, start }) => start - submit).sort((a, b) => a - b)
    const runs = lately.map(({ start, end }) => end - start).sort((a, b) => a - b)
    this.points.push({
      time: this.time / 1000,
      done: perSecond('completed'),
      failed: perSecond('failed'),
      wait50: quantile(waits, 0.5),
      wait99: quantile(waits, 0.99),
      run50: quantile(runs, 0.5),
      run99: quantile(runs, 0.99),
      memory: new Map(pools.flatMap(({ workers }) => workers.map(({ pid, memory }) => [pid, memory])))
    })
    if (this.points.length > MOST_POINTS) this.points.shift()
  }

  /** Those that were there before the dashboard was. */
  #knowWorkers(pools: readonly PoolRow[]): void {
    for (const { number: pool, workers } of pools) {
      for (const { pid } of workers) {
        if (pid !== 0 && !this.workers.has(`${pool}:${pid}`)) this.#put({ pool, pid, start: 0, end: 0, exitcode: null })
      }
    }
  }
}

/** The place of the first task that ended at that time or later; they are in the order of their ends, or nearly. */
export function firstAfter(tasks: readonly TaskRow[], clock: number): number {
  let [low, high] = [0, tasks.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (tasks[middle].end < clock) low = middle + 1
    else high = middle
  }
  return low
}

function quantile(sorted: readonly number[], share: number): number | null {
  return sorted.length === 0
    ? null
    : Math.max(0, sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))])
}
