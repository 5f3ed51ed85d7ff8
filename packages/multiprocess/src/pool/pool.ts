/** A pool of worker processes: Python's `multiprocessing.Pool`. */
import { encode } from '../codec/encode.ts'
import { PoolTerminatedError, ValueError } from '../errors.ts'
import { currentFamily, type Family } from '../ground/family.ts'
import type { StartMethod } from '../ground/platform.ts'
import { cpuCount } from '../ground/processors.ts'
import { type Awaitable, checkTarget, sentTarget, type Target } from '../process/target.ts'
import { type AsyncResult, ResultTask } from './async-result.ts'
import { rejection } from './caller-stack.ts'
import { Dispatcher, type FunctionEntry, type Task } from './dispatcher.ts'
import { Functions } from './functions.ts'
import { type IMapIterator, IMapRun } from './imap.ts'
import { MapRun } from './map-run.ts'
import {
  type ApplyOptions,
  checkCount,
  chunkOptions,
  type IMapOptions,
  type MapOptions,
  optionalCount,
  type PoolOptions
} from './options.ts'
import { APPLY, CALL, IMAP, MAP } from './task-kinds.ts'
import { TaskTable } from './task-table.ts'
import { Workers } from './workers.ts'

const MAX_CHUNK = 1024
const CHUNKS_AHEAD = 4

/**
 * Worker processes that run functions. Tasks wait in one queue that all workers share; a worker that dies takes down the
 * task that it ran, with WorkerDiedError, and a fresh one takes its place. A pool with nothing to do lets the program end.
 */
export class Pool implements AsyncDisposable {
  /** What its workers are. */
  protected static readonly method: StartMethod = 'spawn'
  readonly #family: Family
  readonly #processes: number
  readonly #concurrency: number
  readonly #at: number
  readonly #dispatcher: Dispatcher
  readonly #functions: Functions
  readonly #workers: Workers
  #state: 'open' | 'closed' | 'terminated' | 'broken' = 'open'
  #reason: unknown
  /** Runs of map and imap that have yet to submit what follows. */
  #runs = 0
  readonly #imaps = new Set<IMapRun<unknown>>()
  readonly #onOver = new Set<(error: unknown) => void>()
  #isFreed = false
  readonly #whenDone: (() => void)[] = []

  /**
   * @throws ValueError, TypeError for options that make no sense
   * @throws SerializationError when the initializer or its arguments cannot cross
   */
  constructor(processes?: number, options?: PoolOptions)
  constructor(options?: PoolOptions)
  constructor(first?: number | PoolOptions, second: PoolOptions = {}) {
    const options = typeof first === 'object' && first !== null ? first : second
    const processes = first === options ? options.processes : (first ?? options.processes)
    this.#processes = optionalCount(processes, 'processes', cpuCount())
    this.#concurrency = optionalCount(options.concurrency, 'concurrency', 1)
    const maxTasks = optionalCount(options.maxTasksPerChild, 'maxTasksPerChild', Number.POSITIVE_INFINITY)
    const { initializer, initargs = [] } = options
    if (!Array.isArray(initargs)) throw new TypeError(`initargs must be an array, not ${typeof initargs}`)
    if (initializer !== undefined) checkTarget(initializer, 'initializer')
    // A worker that cannot import what they need says so: they are decoded by the worker, and not on its way up.
    const preparation =
      initializer === undefined ? null : encode({ initializer: sentTarget(initializer, 'initializer'), initargs }, '')

    const { method } = this.constructor as typeof Pool
    const family = currentFamily(method)
    this.#family = family
    this.#at = family.arena.allocate(TaskTable.bytesFor(this.#processes))
    this.#dispatcher = new Dispatcher(family, this.#at, this.#processes)
    this.#functions = new Functions(this.#dispatcher.messages)
    this.#dispatcher.onIdle = () => {
      this.#functions.free()
      this.#endWhenDone()
    }
    const settings = {
      method,
      at: this.#at,
      count: this.#processes,
      owner: family.self,
      concurrency: this.#concurrency,
      maxTasks,
      preparation
    }
    this.#workers = new Workers(settings, this.#dispatcher, error => this.#break(error))
    try {
      this.#workers.start()
    } catch (error) {
      this.terminate()
      void this.join()
      throw error
    }
  }

  /** Runs `fn(...args)` in a worker. Rejects with what it throws. */
  apply<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): Promise<Awaited<R>> {
    return new Promise(resolve => {
      const succeed = resolve as (value: unknown) => void
      const fail = (error: unknown) => resolve(rejection(error))
      this.#apply(fn as Target, args, withCallbacks(options, { succeed, fail }))
    })
  }

  /**
   * The same; answers at once.
   * @throws SerializationError when the function or an argument cannot cross
   * @throws ValueError after `close()`, PoolTerminatedError after `terminate()`
   */
  applyAsync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): AsyncResult<Awaited<R>> {
    const task = new ResultTask<Awaited<R>>()
    this.#apply(fn as Target, args, withCallbacks(options, task))
    return task.result
  }

  #apply(fn: Target, args: unknown[] | undefined, task: Task): void {
    this.#checkOpen()
    if (args !== undefined && !Array.isArray(args)) throw new TypeError(`args must be an array, not ${typeof args}`)
    const entry = this.#functions.fixed(fn)
    if (entry === undefined) {
      this.#dispatcher.submit(this.#functions.anonymous, CALL, { fn, args: args ?? [] }, '', task)
    } else {
      this.#dispatcher.submit(entry, APPLY, args ?? [], 'args', task)
    }
  }

  /**
   * `fn` of each item, in the order of the items. Rejects with the first error; what is not begun then is dropped.
   * @param options a number is the chunksize
   */
  async map<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: number | MapOptions
  ): Promise<Awaited<R>[]> {
    this.#checkOpen()
    const { chunksize } = chunkOptions(options)
    if (chunksize !== undefined) checkCount(chunksize, 'chunksize')
    const entry = this.#functions.entry(fn as Target)
    this.#runs++
    try {
      return await this.#map(
        entry,
        await this.#unlessOver(collect(items, () => this.#state === 'terminated' || this.#state === 'broken')),
        chunksize
      )
    } finally {
      this.#endRun(entry)
    }
  }

  /** The same promise, which rejects as soon as the pool is terminated. */
  async #unlessOver<T>(promise: Awaitable<T>): Promise<T> {
    if (!(promise instanceof Promise)) return promise
    let stop: (error: unknown) => void = () => {}
    const over = new Promise<never>((_, reject) => {
      stop = reject
    })
    this.#onOver.add(stop)
    try {
      return await Promise.race([promise, over])
    } finally {
      this.#onOver.delete(stop)
    }
  }

  #map<R>(entry: FunctionEntry, all: readonly unknown[], chunksize: number | undefined): Promise<R[]> {
    const size = chunksize ?? Math.max(1, Math.min(MAX_CHUNK, Math.ceil(all.length / (this.#processes * 4))))
    return new Promise(resolve => {
      const run = new MapRun(
        all,
        size,
        ({ items, task }) => {
          this.#checkRunning()
          this.#dispatcher.submit(entry, MAP, items, 'items', task)
        },
        results => resolve(results as R[]),
        error => {
          this.#dispatcher.withdraw(task => run.tasks.has(task))
          resolve(rejection(error))
        }
      )
      run.submit(this.#processes * this.#concurrency * CHUNKS_AHEAD)
    })
  }

  /**
   * Results in the order of the items, as they come. An item's error is thrown by the `next()` whose turn it is; the
   * iterator goes on. Leaving the loop early stops what is not yet begun.
   */
  imap<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: number | IMapOptions
  ): IMapIterator<Awaited<R>> {
    return this.#imap(fn as Target, items, options, true)
  }

  /** The same, each result as soon as it is there. */
  imapUnordered<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: number | IMapOptions
  ): IMapIterator<Awaited<R>> {
    return this.#imap(fn as Target, items, options, false)
  }

  #imap<R>(
    fn: Target,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: number | IMapOptions | undefined,
    isOrdered: boolean
  ): IMapIterator<R> {
    this.#checkOpen()
    const { chunksize, buffersize } = chunkOptions<IMapOptions>(options)
    const size = optionalCount(chunksize, 'chunksize', 1)
    const ahead = optionalCount(buffersize, 'buffersize', this.#processes * this.#concurrency * CHUNKS_AHEAD * size)
    const entry = this.#functions.entry(fn)
    const input = iterate(items)
    this.#runs++
    const run = new IMapRun<R>(input, {
      chunksize: Math.min(size, ahead),
      buffersize: ahead,
      isOrdered,
      submit: ({ items, task }) => {
        this.#checkRunning()
        this.#dispatcher.submit(entry, IMAP, items, 'items', task)
      },
      withdraw: tasks => this.#dispatcher.withdraw(task => tasks.has(task)),
      end: () => {
        this.#imaps.delete(run as IMapRun<unknown>)
        this.#endRun(entry)
      }
    })
    this.#imaps.add(run as IMapRun<unknown>)
    return run
  }

  /**
   * No new tasks; those given are finished. What the inputs of `imap` have left is taken without waiting for the consumer
   * from now on, so that `join()` ends.
   */
  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    for (const run of this.#imaps) run.unbound()
    this.#endWhenDone()
  }

  /** Ends the workers at once; what is pending rejects with PoolTerminatedError. */
  terminate(): void {
    if (this.#state === 'terminated') return
    if (this.#state !== 'broken') this.#state = 'terminated'
    this.#end(new PoolTerminatedError())
  }

  #end(error: unknown): void {
    this.#dispatcher.failAll(error)
    for (const run of this.#imaps) run.fail(error)
    for (const stop of this.#onOver) stop(error)
    this.#workers.terminate()
    for (const resolve of this.#whenDone.splice(0)) resolve()
  }

  /** Waits for the workers to end. @throws ValueError before `close()` or `terminate()` */
  async join(): Promise<void> {
    if (this.#state === 'open') throw new ValueError('cannot join a pool that is open: close() or terminate() it first')
    if (this.#state === 'closed' && !this.#isDone) await new Promise<void>(resolve => this.#whenDone.push(resolve))
    await this.#workers.ended()
    this.#free()
  }

  /** terminate() and join(), as leaving Python's `with Pool()` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate()
    await this.join()
  }

  get #isDone(): boolean {
    return this.#dispatcher.pending === 0 && this.#runs === 0
  }

  #endWhenDone(): void {
    if (!this.#isDone || this.#state === 'open') return
    for (const resolve of this.#whenDone.splice(0)) resolve()
    if (this.#state !== 'closed') return
    this.#workers.end()
    this.#dispatcher.close()
  }

  #endRun(entry: FunctionEntry): void {
    this.#functions.drop(entry)
    if (this.#dispatcher.pending === 0) this.#functions.free()
    this.#runs--
    this.#endWhenDone()
  }

  /** Workers can't be started: nobody waits for ever. */
  #break(error: unknown): void {
    this.#state = 'broken'
    this.#reason = error
    this.#end(error)
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw new ValueError('the pool is closed: it takes no new tasks')
    this.#checkRunning()
  }

  #checkRunning(): void {
    if (this.#state === 'terminated') throw new PoolTerminatedError('the pool was terminated: it takes no new tasks')
    if (this.#state === 'broken') throw this.#reason
  }

  #free(): void {
    if (this.#isFreed) return
    this.#isFreed = true
    this.#dispatcher.dispose()
    this.#functions.clear()
    this.#family.arena.free(this.#at)
  }
}

/** Callbacks run after the result is settled, in a microtask: what they throw is theirs. */
function withCallbacks<R>(options: ApplyOptions<R> | undefined, task: Task): Task {
  if (options === undefined) return task
  const { callback, errorCallback } = options
  if (callback !== undefined && typeof callback !== 'function') throw new TypeError('callback must be a function')
  if (errorCallback !== undefined && typeof errorCallback !== 'function') {
    throw new TypeError('errorCallback must be a function')
  }
  return {
    succeed: value => {
      task.succeed(value)
      if (callback !== undefined) queueMicrotask(() => callback(value as R))
    },
    fail: error => {
      task.fail(error)
      if (errorCallback !== undefined) queueMicrotask(() => errorCallback(error))
    }
  }
}

function iterate<T>(items: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  if (items !== null && items !== undefined) {
    if (Symbol.asyncIterator in Object(items)) return (items as AsyncIterable<T>)[Symbol.asyncIterator]()
    if (Symbol.iterator in Object(items)) return (items as Iterable<T>)[Symbol.iterator]()
  }
  throw new TypeError(`items must be iterable, not ${items === null ? 'null' : typeof items}`)
}

/** @param isOver is asked after each item that had to be awaited: true leaves the input */
function collect<T>(items: Iterable<T> | AsyncIterable<T>, isOver: () => boolean): Awaitable<readonly T[]> {
  if (Array.isArray(items)) return items
  const input = iterate(items)
  if (Symbol.asyncIterator in Object(items)) return collectAsync(items as AsyncIterable<T>, isOver)
  return Array.from({ [Symbol.iterator]: () => input as Iterator<T> })
}

async function collectAsync<T>(items: AsyncIterable<T>, isOver: () => boolean): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) {
    if (isOver()) break
    all.push(item)
  }
  return all
}
