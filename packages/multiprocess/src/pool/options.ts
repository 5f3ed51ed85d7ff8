/** What a pool and its methods take, checked. */
import { ValueError } from '../errors.ts'
import { checkMethod, type StartMethod } from '../ground/members/platform.ts'
import type { Target } from '../process/target.ts'
import type { ProgressOption } from './progress.ts'

export interface PoolOptions {
  /** Worker processes. Left out: `cpuCount()`. */
  processes?: number
  /** Runs in each worker before its first task. */
  initializer?: Target
  /** Left out: []. */
  initargs?: unknown[]
  /** Tasks after which a worker is replaced by a fresh one, which is started before. Left out: none. */
  maxTasksPerChild?: number
  /**
   * Bytes of resident memory after which a worker is replaced, between two tasks; it works until its successor is ready. Over
   * threads it is the heap and external memory of each. Left out: no limit.
   */
  maxMemoryPerChild?: number
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

export interface ApplyOptions<R> extends TaskOptions {
  /** Called with the result, after it is settled. */
  callback?: (value: R) => void
  /** Called with the error. */
  errorCallback?: (error: unknown) => void
}

export interface MapOptions extends TaskOptions {
  /**
   * Items that travel together. Left out: as many as make four chunks a worker, but from 1,024 items on none of more than about
   * 10 ms or 1 MiB; what a worker has left of a long chunk is then shared out when others have nothing to do.
   */
  chunksize?: number
  /**
   * A bar on stderr when that is a terminal, and a line every two seconds when it is none, with this label; or a function that is
   * called as results arrive. Left out: none.
   */
  progress?: ProgressOption
}

export interface IMapOptions extends TaskOptions {
  /** Left out: 1. */
  chunksize?: number
  /** Most items taken from the input ahead of the consumer. Left out: 4 × processes × concurrency × chunksize. */
  buffersize?: number
  /** As that of `map`; the total is known of arrays, sets and maps. */
  progress?: ProgressOption
}

/** The start method that an option names. @throws TypeError, ValueError */
export function methodFrom({ context }: PoolOptions, otherwise: StartMethod): StartMethod {
  if (context === undefined) return otherwise
  if (typeof context !== 'object' || context === null) {
    throw new TypeError(`context must be what getContext() answers, not ${context === null ? 'null' : typeof context}`)
  }
  return checkMethod(context.method)
}

/** @throws TypeError, ValueError that name what was expected and what came */
export function checkCount(value: unknown, name: string, least = 1): number {
  if (typeof value !== 'number')
    throw new TypeError(`${name} must be a number, not ${value === null ? 'null' : typeof value}`)
  if (!Number.isInteger(value) || value < least)
    throw new ValueError(`${name} must be a whole number of ${least} or more, not ${value}`)
  return value
}

export function optionalCount(value: unknown, name: string, otherwise: number, least = 1): number {
  return value === undefined ? otherwise : checkCount(value, name, least)
}

/** A number stands for `{ chunksize }`. @throws TypeError */
export function chunkOptions<O extends { chunksize?: number }>(options: number | O | undefined): O {
  if (options === undefined || typeof options === 'number') return { chunksize: options } as O
  if (typeof options === 'object' && options !== null) return options
  throw new TypeError(`options must be a chunksize or { chunksize }, not ${options === null ? 'null' : typeof options}`)
}
