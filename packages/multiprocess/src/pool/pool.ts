/** A pool of worker processes, as its users see it: Python's `multiprocessing.Pool`. */

import { checkObject } from '../checks.ts'
import { methodOf } from '../ground/bound-class.ts'
import type { StartMethod } from '../ground/members/platform.ts'
import { timeoutOf } from '../ground/waitable.ts'
import type { Target } from '../process/target.ts'
import { type AsyncResult, ResultTask } from './async-result.ts'
import { BlockingTask } from './blocking-task.ts'
import { withCallbacks } from './callbacks.ts'
import { rejection } from './caller-stack.ts' // lazy
import { PoolCore, type PoolStats } from './core.ts' // lazy
import type { Task } from './dispatcher.ts'
import type { IMapIterator } from './imap.ts'
import {
  type ApplyOptions,
  chunkOptions,
  type IMapOptions,
  type MapOptions,
  methodFrom,
  type PoolOptions
} from './options.ts'
import { MAP, STARMAP } from './shared/task-kinds.ts' // lazy

/**
 * Worker processes that run functions. Tasks wait in one queue that all workers share; a worker that dies takes down the
 * task that it ran, with WorkerDiedError, and a fresh one takes its place. A pool with nothing to do lets the program end.
 */
export class Pool implements AsyncDisposable {
  /** What its workers are. */
  protected static readonly method: StartMethod = 'spawn'
  readonly #core: PoolCore

  /**
   * @throws ValueError, TypeError for options that make no sense
   * @throws SerializationError when the initializer or its arguments cannot cross
   */
  constructor(processes?: number, options?: PoolOptions)
  constructor(options?: PoolOptions)
  constructor(first?: number | PoolOptions, second: PoolOptions = {}) {
    checkObject(second, '{ initializer }')
    const options = typeof first === 'object' && first !== null ? first : second
    const processes = first === options ? options.processes : (first ?? options.processes)
    this.#core = new PoolCore(this, methodFrom(options, methodOf(this)), { ...options, processes } as PoolOptions)
  }

  /** Runs `fn(...args)` in a worker. Rejects with what it throws. */
  apply<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): Promise<Awaited<R>> {
    return new Promise(resolve => {
      this.#core.apply(fn as Target, args, withCallbacks(options, settling(resolve)), options)
    })
  }

  /**
   * The same; answers at once.
   * @throws SerializationError when the function or an argument cannot cross
   * @throws ValueError after `close()`, PoolTerminatedError after `terminate()`
   */
  applyAsync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): AsyncResult<Awaited<R>> {
    const task = new ResultTask<Awaited<R>>()
    this.#core.apply(fn as Target, args, withCallbacks(options, task), options)
    return task.result
  }

  /**
   * The same, blocking this thread until the result is there: its event loop stands still meanwhile, the workers do not.
   * @param options the timeout, in milliseconds; left out: wait for ever
   * @throws TimeoutError when the timeout ran out; the task goes on
   */
  applySync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options: { timeout?: number } = {}): Awaited<R> {
    const timeout = timeoutOf(options)
    const task = new BlockingTask<Awaited<R>>()
    this.#core.apply(fn as Target, args, task)
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
  map<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: number | MapOptions
  ): Promise<Awaited<R>[]> {
    return this.#map(MAP, fn as Target, items, options)
  }

  /**
   * The same; answers at once.
   * @throws TypeError, ValueError for arguments that make no sense
   * @throws SerializationError when the function cannot cross
   * @throws ValueError after `close()`, PoolTerminatedError after `terminate()`
   */
  mapAsync<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions & ApplyOptions<Awaited<R>[]>
  ): AsyncResult<Awaited<R>[]> {
    return this.#mapAsync(MAP, fn as Target, items, options)
  }

  /** As `map`, each item being an array of arguments: `fn(...item)`. */
  starmap<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A> | AsyncIterable<A>,
    options?: number | MapOptions
  ): Promise<Awaited<R>[]> {
    return this.#map(STARMAP, fn as Target, items, options)
  }

  /** The same; answers at once. @throws as `mapAsync` */
  starmapAsync<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A> | AsyncIterable<A>,
    options?: MapOptions & ApplyOptions<Awaited<R>[]>
  ): AsyncResult<Awaited<R>[]> {
    return this.#mapAsync(STARMAP, fn as Target, items, options)
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
    return this.#core.imap(fn as Target, items, chunkOptions<IMapOptions>(options), true)
  }

  /** The same, each result as soon as it is there. */
  imapUnordered<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: number | IMapOptions
  ): IMapIterator<Awaited<R>> {
    return this.#core.imap(fn as Target, items, chunkOptions<IMapOptions>(options), false)
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
    return this.#core.stats
  }

  /** terminate() and join(), as leaving Python's `with Pool()` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate()
    await this.join()
  }

  #map<R>(
    kind: number,
    fn: Target,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: number | MapOptions | undefined
  ): Promise<R[]> {
    return new Promise(resolve => {
      this.#core.map(kind, fn, items, chunkOptions<MapOptions>(options), settling(resolve))
    })
  }

  #mapAsync<R>(
    kind: number,
    fn: Target,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: (MapOptions & ApplyOptions<R[]>) | undefined
  ): AsyncResult<R[]> {
    const task = new ResultTask<R[]>()
    const settings = chunkOptions<MapOptions & ApplyOptions<R[]>>(options)
    this.#core.map(kind, fn, items, settings, withCallbacks(settings, task))
    return task.result
  }
}

/** The task that settles a promise. */
function settling<R>(resolve: (value: R | Promise<R>) => void): Task {
  return { succeed: value => resolve(value as R), fail: error => resolve(rejection(error)) }
}
