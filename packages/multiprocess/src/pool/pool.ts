/** A pool of worker processes, as its users see it: Python's `multiprocessing.Pool`. */

import { optionNames } from '../checks.ts'
import { methodOf } from '../ground/bound-class.ts'
import { defaultMethod } from '../ground/default-method.ts'
import { inspectAs } from '../ground/inspect.ts'
import type { StartMethod } from '../ground/members/platform.ts'
import { timeoutOf } from '../ground/waitable.ts'
import type { Target } from '../process/target.ts'
import { type AsyncResult, ResultTask } from './async-result.ts'
import { BlockingTask } from './blocking-task.ts'
import { withCallbacks } from './callbacks.ts'
import { rejection } from './caller-stack.ts' // lazy
import { PoolCore } from './core.ts' // lazy
import type { Task } from './dispatcher.ts'
import type { IMapIterator } from './imap.ts'
import {
  type ApplyOptions,
  checkApplyOptions,
  chunkOptions,
  IMAP_OPTIONS,
  type IMapOptions,
  MAP_ASYNC_OPTIONS,
  MAP_OPTIONS,
  type MapOptions,
  methodFrom,
  type PoolOptions,
  type ResolvedPoolOptions,
  resolveOptions,
  type SettledItem
} from './options.ts'
import { MAP, STARMAP } from './shared/task-kinds.ts' // lazy
import type { PoolInsights } from './telling/insights.ts'
import type { PoolStats } from './telling/stats.ts'

type Input<T> = Iterable<T> | AsyncIterable<T>

/** Pools that were dropped: their workers end, with a warning if nobody closed them. A core does not refer to its pool. */
const dropped = new FinalizationRegistry<PoolCore>(core => core.drop())

const BLOCKING_OPTIONS = optionNames('{ timeout: 1000 }, in milliseconds', 'timeout')

/**
 * Worker processes that run functions. Tasks wait in one queue that all workers share. If a worker dies, the task that it ran rejects with
 * WorkerDiedError, and a new worker takes its place. A pool with nothing to do lets the program end. A pool that is dropped without
 * `close()` or `terminate()` is closed when it is garbage-collected, with the warning `MULTIPROCESS_POOL_DROPPED`. See Python's
 * `multiprocessing.pool.Pool`.
 *
 * `A` are the arguments of the initializer; a pool's type does not depend on them.
 * @example
 * import { Pool } from 'multiprocess'
 *
 * await using pool = new Pool(4)
 * console.log(await pool.map((n: number) => n * n, [1, 2, 3])) // [ 1, 4, 9 ]
 */
export class Pool<A extends unknown[] = never[]> implements AsyncDisposable {
  /** What its workers are. */
  protected static get method(): StartMethod {
    return defaultMethod()
  }
  readonly #core: PoolCore
  readonly #options: ResolvedPoolOptions

  static {
    inspectAs<Pool>(Pool, pool => `processes: ${pool.#options.processes}, ${pool.#core.state}`)
  }

  /**
   * Starts the workers.
   * @param processes default: `cpuCount()`
   * @throws ValueError, TypeError for options that make no sense
   * @throws SerializationError when the initializer or its arguments cannot cross
   */
  constructor(processes?: number, options?: PoolOptions<A>)
  constructor(options?: PoolOptions<A>)
  constructor(first?: number | PoolOptions<A>, second: PoolOptions<A> = {} as PoolOptions<A>) {
    const given = (typeof first === 'object' && first !== null ? first : second) as PoolOptions
    this.#options = resolveOptions(given, typeof first === 'object' ? undefined : first)
    this.#core = new PoolCore(this, methodFrom(given, methodOf(this)), this.#options, given)
    dropped.register(this, this.#core)
  }

  /** The options that the pool was made with, and the defaults of those that it was not. */
  get options(): ResolvedPoolOptions {
    return this.#options
  }

  /** Runs `fn(...args)` in a worker. Rejects with what it throws. */
  apply<A extends unknown[], R>(fn: (...args: A) => R, args?: A, options?: ApplyOptions<R>): Promise<Awaited<R>>
  apply<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): Promise<Awaited<R>>
  apply(fn: Target, args?: unknown[], options?: ApplyOptions<unknown>): Promise<unknown> {
    return new Promise(resolve => {
      checkApplyOptions(options)
      this.#core.apply(fn, args, withCallbacks(options, settling(resolve)), options)
    })
  }

  /**
   * The same; answers at once.
   * @throws SerializationError when the function or an argument cannot cross
   * @throws ValueError after `close()`, PoolTerminatedError after `terminate()`
   */
  applyAsync<A extends unknown[], R>(
    fn: (...args: A) => R,
    args?: A,
    options?: ApplyOptions<R>
  ): AsyncResult<Awaited<R>>
  applyAsync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): AsyncResult<Awaited<R>>
  applyAsync(fn: Target, args?: unknown[], options?: ApplyOptions<unknown>): AsyncResult<unknown> {
    checkApplyOptions(options)
    const task = new ResultTask<unknown>()
    this.#core.apply(fn, args, withCallbacks(options, task), options)
    return task.result
  }

  /**
   * Does the same as `apply`, and blocks this thread until the result arrives: its event loop stops meanwhile, the workers do not.
   * @param options the timeout, in milliseconds; left out: wait for ever
   * @throws TimeoutError when the timeout ran out; the task goes on
   */
  applySync<A extends unknown[], R>(fn: (...args: A) => R, args?: A, options?: { timeout?: number }): Awaited<R>
  applySync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: { timeout?: number }): Awaited<R>
  applySync(fn: Target, args?: unknown[], options: { timeout?: number } = {}): unknown {
    const timeout = timeoutOf(options, undefined, BLOCKING_OPTIONS)
    const task = new BlockingTask<unknown>()
    this.#core.apply(fn, args, task)
    const leave = this.#core.tell()
    try {
      return task.wait(timeout, ms => this.#core.block(ms))
    } finally {
      leave?.()
    }
  }

  /**
   * `fn` of each item, in the order of the items. Rejects with the first error; what is not begun then is dropped.
   * @param options a number is the chunksize
   */
  map<T, R>(fn: (item: T) => R, items: Input<T>, options?: number | MapOptions): Promise<Awaited<R>[]>
  map<T, R>(fn: Target<[T], R>, items: Input<T>, options?: number | MapOptions): Promise<Awaited<R>[]>
  map(fn: Target<[never]>, items: Input<unknown>, options?: number | MapOptions): Promise<unknown[]> {
    return this.#map(MAP, fn as Target, items, options)
  }

  /**
   * The same; answers at once.
   * @throws TypeError, ValueError for arguments that make no sense
   * @throws SerializationError when the function cannot cross
   * @throws ValueError after `close()`, PoolTerminatedError after `terminate()`
   */
  mapAsync<T, R>(
    fn: (item: T) => R,
    items: Input<T>,
    options?: MapOptions & ApplyOptions<Awaited<R>[]>
  ): AsyncResult<Awaited<R>[]>
  mapAsync<T, R>(
    fn: Target<[T], R>,
    items: Input<T>,
    options?: MapOptions & ApplyOptions<Awaited<R>[]>
  ): AsyncResult<Awaited<R>[]>
  mapAsync(
    fn: Target<[never]>,
    items: Input<unknown>,
    options?: MapOptions & ApplyOptions<unknown[]>
  ): AsyncResult<unknown[]> {
    return this.#mapAsync(MAP, fn as Target, items, options)
  }

  /** As `map`, each item being an array of arguments: `fn(...item)`. */
  starmap<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Input<A>,
    options?: number | MapOptions
  ): Promise<Awaited<R>[]> {
    return this.#map(STARMAP, fn as Target, items, options)
  }

  /** The same; answers at once. @throws as `mapAsync` */
  starmapAsync<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Input<A>,
    options?: MapOptions & ApplyOptions<Awaited<R>[]>
  ): AsyncResult<Awaited<R>[]> {
    return this.#mapAsync(STARMAP, fn as Target, items, options)
  }

  /**
   * Gives results in the order of the items, as they come. An item's error is thrown by the `next()` whose turn it is, which ends a
   * `for await`; the iterator itself goes on, and the next `next()` gives the next result. `{ settled: true }` throws no item's error, and
   * gives `{ status, value | reason, item, index }` for each. An error of the input comes last. Leaving the loop early stops what is not yet
   * begun.
   */
  imap<T, R>(
    fn: (item: T) => R,
    items: Input<T>,
    options: IMapOptions & { settled: true }
  ): IMapIterator<SettledItem<T, Awaited<R>>>
  imap<T, R>(
    fn: Target<[T], R>,
    items: Input<T>,
    options: IMapOptions & { settled: true }
  ): IMapIterator<SettledItem<T, Awaited<R>>>
  imap<T, R>(fn: (item: T) => R, items: Input<T>, options?: number | IMapOptions): IMapIterator<Awaited<R>>
  imap<T, R>(fn: Target<[T], R>, items: Input<T>, options?: number | IMapOptions): IMapIterator<Awaited<R>>
  imap(fn: Target<[never]>, items: Input<unknown>, options?: number | IMapOptions): IMapIterator<never> {
    return this.#core.imap(fn as Target, items, chunkOptions<IMapOptions>(options, IMAP_OPTIONS), true, this)
  }

  /** As `imap`, but gives each result as soon as it is there. */
  imapUnordered<T, R>(
    fn: (item: T) => R,
    items: Input<T>,
    options: IMapOptions & { settled: true }
  ): IMapIterator<SettledItem<T, Awaited<R>>>
  imapUnordered<T, R>(
    fn: Target<[T], R>,
    items: Input<T>,
    options: IMapOptions & { settled: true }
  ): IMapIterator<SettledItem<T, Awaited<R>>>
  imapUnordered<T, R>(fn: (item: T) => R, items: Input<T>, options?: number | IMapOptions): IMapIterator<Awaited<R>>
  imapUnordered<T, R>(fn: Target<[T], R>, items: Input<T>, options?: number | IMapOptions): IMapIterator<Awaited<R>>
  imapUnordered(fn: Target<[never]>, items: Input<unknown>, options?: number | IMapOptions): IMapIterator<never> {
    return this.#core.imap(fn as Target, items, chunkOptions<IMapOptions>(options, IMAP_OPTIONS), false, this)
  }

  /**
   * No new tasks; those given are finished. What the inputs of `imap` have left is taken without waiting for the consumer
   * from now on, so that `join()` ends.
   */
  close(): void {
    this.#core.close()
  }

  /** Ends the workers at once; what is pending rejects with PoolTerminatedError. */
  terminate(): void {
    this.#core.terminate()
  }

  /** Waits for the workers to end. @throws ValueError before `close()` or `terminate()` */
  async join(): Promise<void> {
    await this.#core.join()
  }

  /** What the pool has done, and what its workers do: a snapshot. */
  get stats(): PoolStats {
    return this.#core.stats()
  }

  /**
   * Returns where the workers' time went (start-up, initializer, waiting, work, exit), the slowest tasks with their arguments, and a
   * sentence about it. It counts from the pool's start, and can be called at any time, also after `join()`.
   * @throws ValueError unless the pool was created with `{ timings: true }`
   * @example
   * import { Pool } from 'multiprocess'
   *
   * await using pool = new Pool({ timings: true })
   * await pool.map((n: number) => n * n, [1, 2, 3], 1)
   * console.log(pool.insights().slowest.length) // 3
   */
  insights(): PoolInsights {
    return this.#core.insights()
  }

  /** terminate() and join(), as leaving Python's `with Pool()` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate()
    await this.join()
  }

  #map<R>(kind: number, fn: Target, items: Input<unknown>, options: number | MapOptions | undefined): Promise<R[]> {
    return new Promise(resolve => {
      this.#core.map(kind, fn, items, chunkOptions<MapOptions>(options, MAP_OPTIONS), settling(resolve))
    })
  }

  #mapAsync<R>(
    kind: number,
    fn: Target,
    items: Input<unknown>,
    options: (MapOptions & ApplyOptions<R[]>) | undefined
  ): AsyncResult<R[]> {
    const task = new ResultTask<R[]>()
    const settings = chunkOptions<MapOptions & ApplyOptions<R[]>>(options, MAP_ASYNC_OPTIONS)
    this.#core.map(kind, fn, items, settings, withCallbacks(settings, task))
    return task.result
  }
}

/** The task that settles a promise. */
function settling<R>(resolve: (value: R | Promise<R>) => void): Task {
  return { succeed: value => resolve(value as R), fail: error => resolve(rejection(error)) }
}
