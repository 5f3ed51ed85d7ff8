/** What a pool and its methods take, checked. */
import {
  checkArray,
  checkBoolean,
  checkDuration,
  checkInteger,
  checkOptions,
  checkString,
  describe,
  type OptionNames,
  optionNames
} from '../checks.ts'
import { SLOT_COUNT as PLACES } from '../ground/arena/layout.ts'
import { checkMethod, type StartMethod } from '../ground/members/platform.ts'
import { cpuCount } from '../ground/os/processors.ts'
import { usualStartTimeout } from '../process/deadline.ts' // lazy
import { checkTarget, type Target } from '../process/target.ts'
import type { ProgressOption } from './telling/progress.ts'

/** What a pool whose size is not fixed waits, in milliseconds, before an idle worker ends. */
const IDLE_MS = 10_000

/** What a worker has, in milliseconds, to report for work on a machine that is not busy. */

interface PoolSettings {
  /** Worker processes, the most if there is a `minProcesses`. Default: `cpuCount()`. */
  processes?: number
  /**
   * Worker processes that stay when there is nothing to do, 0 or more; others start while tasks wait, and end after `idleTimeout`.
   * Default: `processes`, or 1 if there is an `idleTimeout`.
   */
  minProcesses?: number
  /** Milliseconds without a task after which a worker beyond `minProcesses` ends. Default: 10,000. */
  idleTimeout?: number
  /**
   * Tasks of `apply`, `applyAsync` and `applySync` that may wait while all workers are busy; one more is refused with a MultiprocessError,
   * `ERR_POOL_FULL`. `map` and `imap` give their chunks as workers take them, and are not refused. Default: any number.
   */
  maxQueue?: number
  /** Measures how long tasks wait and run, for `stats` and `insights()`: 2.5 microseconds of the pool's processor time a task, measured. Default: false. */
  timings?: boolean
  /** Tasks after which a worker is replaced by a fresh one, which is started before. Left out: none. */
  maxTasksPerChild?: number
  /**
   * Bytes of resident memory after which a worker is replaced, between two tasks; it works until its successor is ready. Over
   * threads it is the heap and external memory of each. Left out: no limit.
   */
  maxMemoryPerChild?: number
  /**
   * Milliseconds that a started worker has to report for work, before its `initializer` runs; a worker that is late is killed, and after three
   * such starts, if no worker works, what is pending rejects with `ERR_WORKER_START`. Default: 30,000, times the load of each processor.
   */
  startTimeout?: number
  /** Started workers kept ready to step in for one that leaves or dies. Left out: 0. */
  reserve?: number
  /** Tasks that one worker may have under way at once, when they are asynchronous. Left out: 1. */
  concurrency?: number
  /**
   * A file to write a trace to, for Perfetto (ui.perfetto.dev) or chrome://tracing: a row per worker with its tasks and its idle
   * time. It is whole once `join()` has resolved. Left out: none.
   */
  trace?: string
  /** `getContext(…)`, whose start method its workers have. Left out: that of the module that Pool comes from. */
  context?: { readonly method: StartMethod }
}

/**
 * The options of every task of a pool.
 * @example
 * import { Pool, type TaskOptions } from 'multiprocess'
 *
 * const options: TaskOptions = { timeout: 10_000, retries: 2 }
 * await using pool = new Pool(1)
 * console.log(await pool.apply((n: number) => n + 1, [1], options)) // 2
 */
export interface TaskOptions {
  /**
   * When it fires, tasks that are queued are dropped, those that run see `currentTask().signal` fire, and their results reject
   * with its reason.
   */
  signal?: AbortSignal
  /** Milliseconds that a task which was aborted or timed out gets to end by itself before its worker is replaced. Left out: 1000. */
  killAfter?: number
  /**
   * Milliseconds that a task may run, counted from its begin; past it, it rejects with TimeoutError. In `map` and `imap` it is
   * the time of each item. Left out: any time.
   */
  timeout?: number
  /** How often a task whose worker died is tried again. Left out: 0, it rejects with WorkerDiedError. */
  retries?: number
}

/** The arguments of an initializer; unknown ones where its type does not tell. */
type InitArgs<A extends unknown[]> = never[] extends A ? ([A] extends [never[]] ? unknown[] : A) : A

/** The options of a pool whose initializer takes the arguments `A`. */
export type PoolOptions<A extends unknown[] = never[]> = PoolSettings & {
  /** Runs in each worker before its first task. */
  initializer?: Target<A>
} & ([] extends A ? OptionalArgs<A> : RequiredArgs<A>)

interface OptionalArgs<A extends unknown[]> {
  /** The arguments of `initializer`. Default: []. */
  initargs?: InitArgs<A>
}

interface RequiredArgs<A extends unknown[]> {
  /** The arguments of `initializer`. */
  initargs: InitArgs<A>
}

/** A pool's options with their defaults: `pool.options`. */
export interface ResolvedPoolOptions {
  /** Worker processes, the most if there is a `minProcesses`. */
  readonly processes: number
  /** Worker processes that stay when there is nothing to do. */
  readonly minProcesses: number
  /** Milliseconds; Infinity: the number of workers is fixed. */
  readonly idleTimeout: number
  /** Infinity: any number. */
  readonly maxQueue: number
  /** True if the pool measures how long tasks wait and run. */
  readonly timings: boolean
  /** Infinity: workers are not replaced. */
  readonly maxTasksPerChild: number
  /** Bytes; Infinity: no limit. */
  readonly maxMemoryPerChild: number
  /** Started workers that are kept ready to replace one that leaves or dies. */
  readonly reserve: number
  /** Milliseconds that a started worker has to report for work. */
  readonly startTimeout: number
  /** Tasks that one worker may have under way at once. */
  readonly concurrency: number
  /** The file for the trace. */
  readonly trace: string | undefined
}

/**
 * The options of `applyAsync`, `mapAsync` and `starmapAsync`. See Python's `Pool.apply_async`.
 * @example
 * import { Pool } from 'multiprocess'
 *
 * await using pool = new Pool(1)
 * await pool.applyAsync((n: number) => n + 1, [1], { callback: sum => console.log(sum) }) // 2
 */
export interface ApplyOptions<R> extends TaskOptions {
  /** Called with the result, after it is settled. */
  callback?: (value: R) => void
  /** Called with the error. */
  errorCallback?: (error: unknown) => void
}

/**
 * The options of `map` and `starmap`. See Python's `Pool.map`.
 * @example
 * import { type MapOptions, Pool } from 'multiprocess'
 *
 * const options: MapOptions = { chunksize: 2 }
 * await using pool = new Pool(1)
 * console.log(await pool.map((n: number) => n * n, [1, 2, 3], options)) // [ 1, 4, 9 ]
 */
export interface MapOptions extends TaskOptions {
  /**
   * Items that travel together. Left out: as many as make four chunks a worker, but from 1,024 items on none of more than about
   * 10 ms or 1 MiB; what a worker has left of a long chunk is then shared out when others have nothing to do.
   */
  chunksize?: number
  /**
   * A bar on stderr when that is a terminal, and a line every two seconds when it is none, with this label; a function that is
   * called as results arrive; or an object that is told of the begin, the results and the end. Left out: none.
   */
  progress?: ProgressOption
}

/**
 * The options of `imap` and `imapUnordered`. See Python's `Pool.imap`.
 * @example
 * import { type IMapOptions, Pool } from 'multiprocess'
 *
 * const options: IMapOptions = { chunksize: 2, buffersize: 8 }
 * await using pool = new Pool(1)
 * for await (const square of pool.imap((n: number) => n * n, [3], options)) console.log(square) // 9
 */
export interface IMapOptions extends TaskOptions {
  /** Items that travel together. Default: 1. */
  chunksize?: number
  /** Most items taken from the input ahead of the consumer. Left out: 4 × processes × concurrency × chunksize. */
  buffersize?: number
  /** As that of `map`; the total is known of arrays, sets and maps. */
  progress?: ProgressOption
  /**
   * true: the iterator gives an object for each item, `{ status, value | reason, item, index }`, as Promise.allSettled does, and no item's
   * error is thrown. Default: false.
   */
  settled?: boolean
}

/**
 * A result of `imap` or `imapUnordered` with `{ settled: true }`: an item, its index in the input, and its value or error.
 * @example
 * import { Pool } from 'multiprocess'
 *
 * await using pool = new Pool(1)
 * for await (const { item, status } of pool.imap((n: number) => n * n, [3], { settled: true })) console.log(item, status)
 * // 3 fulfilled
 */
export type SettledItem<T, R> =
  | (SettledInput<T> & {
      /** The function returned. */
      readonly status: 'fulfilled'
      /** Its result. */
      readonly value: R
    })
  | (SettledInput<T> & {
      /** The function threw, or its task was stopped. */
      readonly status: 'rejected'
      /** The error. */
      readonly reason: unknown
    })

/** An item of the input of `imap`. */
interface SettledInput<T> {
  /** The item of the input. */
  readonly item: T
  /** The place of the item in the input, from 0. */
  readonly index: number
}

export const POOL_OPTIONS: OptionNames = optionNames(
  '{ initializer }',
  'processes',
  'minProcesses',
  'idleTimeout',
  'maxQueue',
  'timings',
  'initializer',
  'initargs',
  'maxTasksPerChild',
  'maxMemoryPerChild',
  'reserve',
  'startTimeout',
  'concurrency',
  'trace',
  'context'
)
const TASK = ['timeout', 'signal', 'killAfter', 'retries'] as const
const CALLBACKS = ['callback', 'errorCallback'] as const
const MAP = [...TASK, 'chunksize', 'progress'] as const
const APPLY_OPTIONS = optionNames('{ timeout: 1000 }', ...TASK, ...CALLBACKS)
export const MAP_OPTIONS = optionNames('{ chunksize: 100 }, or a chunksize', ...MAP)
export const MAP_ASYNC_OPTIONS = optionNames('{ chunksize: 100 }, or a chunksize', ...MAP, ...CALLBACKS)
export const IMAP_OPTIONS = optionNames('{ chunksize: 100 }, or a chunksize', ...MAP, 'buffersize', 'settled')

/** @throws TypeError for what is not options of `apply` */
export function checkApplyOptions(options: unknown): void {
  checkOptions(options, APPLY_OPTIONS)
}

/**
 * The options of a pool with their defaults.
 * @param count the number of processes, where that is not among the options
 * @throws TypeError, ValueError for options that make no sense
 */
export function resolveOptions(options: PoolOptions, count: number | undefined): ResolvedPoolOptions {
  checkOptions(options, POOL_OPTIONS)
  const { initializer, initargs = [], trace, timings, idleTimeout, minProcesses } = options
  const processes = integer('processes', count ?? options.processes, cpuCount(), 1, PLACES - 1)
  const isElastic = minProcesses !== undefined || idleTimeout !== undefined
  checkArray('initargs', initargs)
  if (initializer !== undefined) checkTarget(initializer, 'initializer')
  if (trace !== undefined) checkString('trace', trace)
  return Object.freeze({
    processes,
    minProcesses: integer('minProcesses', minProcesses, isElastic ? 1 : processes, 0, processes),
    idleTimeout: isElastic ? checkDuration('idleTimeout', idleTimeout ?? IDLE_MS) : Number.POSITIVE_INFINITY,
    maxQueue: integer('maxQueue', options.maxQueue, Number.POSITIVE_INFINITY, 0),
    timings: timings === undefined ? false : checkBoolean('timings', timings),
    maxTasksPerChild: integer('maxTasksPerChild', options.maxTasksPerChild, Number.POSITIVE_INFINITY),
    maxMemoryPerChild: integer('maxMemoryPerChild', options.maxMemoryPerChild, Number.POSITIVE_INFINITY),
    reserve: integer('reserve', options.reserve, 0, 0),
    startTimeout: checkDuration('startTimeout', options.startTimeout ?? usualStartTimeout()),
    concurrency: integer('concurrency', options.concurrency, 1),
    trace
  })
}

/** The start method that an option names. @throws TypeError, ValueError */
export function methodFrom({ context }: PoolOptions, otherwise: StartMethod): StartMethod {
  if (context === undefined) return otherwise
  if (typeof context !== 'object' || context === null) {
    throw new TypeError(`context must be what getContext() returns, got ${describe(context)}`)
  }
  return checkMethod(context.method)
}

/** The number that an option has, or its default. @throws TypeError, ValueError */
export function integer(name: string, value: unknown, otherwise: number, min = 1, max?: number): number {
  return value === undefined || value === otherwise ? otherwise : checkInteger(name, value, min, max)
}

/** Returns the options; a number means `{ chunksize }`. @throws TypeError for any other type, and for an unknown option */
export function chunkOptions<O extends { chunksize?: number }>(
  options: number | O | undefined,
  names: typeof MAP_OPTIONS
): O {
  if (options === undefined || typeof options === 'number') return { chunksize: options } as O
  checkOptions(options, names)
  return options
}
