/** A Pool whose tasks run on the machines of a cluster or, without a server, on this one. */
import {
  type ApplyOptions,
  type AsyncResult,
  type IMapIterator,
  type IMapOptions,
  type MapOptions,
  Pool,
  type PoolOptions,
  type SettledItem,
  type Target
} from 'multiprocess'
import { type ClusterPoolOptions, checkClusterPool, checkRemote, type RemotePoolOptions } from './options.ts'
import { RemotePool } from './remote-pool.ts'
import type { ClusterStats } from './stats.ts'

type Items<T> = Iterable<T> | AsyncIterable<T>
/** The names of the methods that Pools have in common. What a pool reports about its own workers is not among them. */
type PoolMethods = Readonly<
  Record<Exclude<keyof Pool, 'stats' | 'options' | 'insights'>, (...args: never[]) => unknown>
>

/**
 * The methods of Pool over several machines. With a `url`, tasks run in the processes of `ClusterWorker`s (or of the command
 * `multiprocess-worker`) that have the same `name` and `key`; without a `url`, they run in a local Pool.
 *
 * Tasks run at least once, and each result is delivered exactly once: if a machine is lost, its tasks run again elsewhere, so their side
 * effects may happen twice.
 * @example
 * import { ClusterPool } from 'multiprocess-cluster'
 *
 * const key = 'the same 16 bytes or more for all programs'
 * await using pool = new ClusterPool({ url: 'redis://localhost', name: 'thumbs', key })
 * console.log(await pool.map((n: number) => n * n, [1, 2, 3])) // [ 1, 4, 9 ]
 */
export class ClusterPool implements PoolMethods, AsyncDisposable {
  readonly #pool: Pool
  /** The pool again, if there is a server. */
  readonly #remote: RemotePool | undefined

  /**
   * @throws TypeError, ValueError if an option is invalid, with its name and value
   * @throws SerializationError if the initializer or its arguments cannot cross
   */
  constructor(options: ClusterPoolOptions = {}) {
    checkClusterPool(options)
    if (options.url === undefined) {
      this.#pool = new Pool(localOptions(options))
    } else {
      checkRemote(options)
      this.#remote = new RemotePool(options)
      // It has the methods that are called here.
      this.#pool = this.#remote as unknown as Pool
    }
  }

  /** Runs `fn(...args)` in a worker. Rejects with the error that `fn` throws. */
  apply<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): Promise<Awaited<R>> {
    return this.#pool.apply(fn, args, options)
  }

  /**
   * Does the same as `apply`, and returns at once.
   * @throws SerializationError if the function or an argument cannot cross
   * @throws ValueError after `close()`, PoolTerminatedError after `terminate()`
   */
  applyAsync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): AsyncResult<Awaited<R>> {
    return this.#pool.applyAsync(fn, args, options)
  }

  /**
   * Does the same as `apply`, and blocks the thread until the result is available. Works only without a `url`.
   * @param options.timeout milliseconds. Default: Infinity
   * @throws MultiprocessError (`ERR_CLUSTER_SYNC`) with a `url`
   * @throws TimeoutError if the timeout expires; the task continues
   */
  applySync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: { timeout?: number }): Awaited<R> {
    return this.#remote === undefined ? this.#pool.applySync(fn, args, options) : this.#remote.applySync()
  }

  /**
   * Calls `fn` with each item, and resolves to the results in the order of the items. Rejects with the first error; items that have not
   * begun by then are dropped.
   */
  map<T, R>(fn: Target<[T], R>, items: Items<T>, options?: number | MapOptions): Promise<Awaited<R>[]> {
    return this.#pool.map(fn, items, options)
  }

  /** Does the same as `map`, and returns at once. @throws the errors of `applyAsync` */
  mapAsync<T, R>(
    fn: Target<[T], R>,
    items: Items<T>,
    options?: MapOptions & ApplyOptions<Awaited<R>[]>
  ): AsyncResult<Awaited<R>[]> {
    return this.#pool.mapAsync(fn, items, options)
  }

  /** Does the same as `map` for items that are arrays of arguments: `fn(...item)`. */
  starmap<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Items<A>,
    options?: number | MapOptions
  ): Promise<Awaited<R>[]> {
    return this.#pool.starmap(fn, items, options)
  }

  /** Does the same as `starmap`, and returns at once. @throws the errors of `applyAsync` */
  starmapAsync<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Items<A>,
    options?: MapOptions & ApplyOptions<Awaited<R>[]>
  ): AsyncResult<Awaited<R>[]> {
    return this.#pool.starmapAsync(fn, items, options)
  }

  /** Iterates over the results in the order of the items. The `next()` of an item that failed rejects with its error. */
  imap<T, R>(
    fn: Target<[T], R>,
    items: Items<T>,
    options: IMapOptions & { settled: true }
  ): IMapIterator<SettledItem<T, Awaited<R>>>
  imap<T, R>(fn: Target<[T], R>, items: Items<T>, options?: number | IMapOptions): IMapIterator<Awaited<R>>
  imap<R>(fn: Target<[never], R>, items: Items<never>, options?: number | IMapOptions): IMapIterator<unknown> {
    return this.#pool.imap(fn, items, options)
  }

  /** Iterates over the results, each as soon as it is available. */
  imapUnordered<T, R>(
    fn: Target<[T], R>,
    items: Items<T>,
    options: IMapOptions & { settled: true }
  ): IMapIterator<SettledItem<T, Awaited<R>>>
  imapUnordered<T, R>(fn: Target<[T], R>, items: Items<T>, options?: number | IMapOptions): IMapIterator<Awaited<R>>
  imapUnordered<R>(fn: Target<[never], R>, items: Items<never>, options?: number | IMapOptions): IMapIterator<unknown> {
    return this.#pool.imapUnordered(fn, items, options)
  }

  /** Refuses new tasks; those that were submitted are finished. */
  close(): void {
    this.#pool.close()
  }

  /** Rejects everything pending with PoolTerminatedError. The workers stop the tasks of this pool. */
  terminate(): void {
    this.#pool.terminate()
  }

  /** Waits until everything is done and the connections are closed. A server that does not answer delays it by at most two seconds. */
  join(): Promise<void> {
    return this.#pool.join()
  }

  /** What the pool has done, and what the machines do: a snapshot that is at most two seconds old. */
  get stats(): ClusterStats {
    if (this.#remote !== undefined) return this.#remote.stats
    const { stats } = this.#pool
    return { ...stats, machines: [], queued: 0, resubmitted: 0, duplicates: 0, rate: 0 }
  }

  /** Calls `terminate()` and `join()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate()
    await this.join()
  }
}

/** Returns Pool's options, without those of a cluster. */
function localOptions(options: PoolOptions & Partial<RemotePoolOptions>): PoolOptions {
  const { url, name, key, redis, serverTimeout, expire, telemetry, ...rest } = options
  return rest
}
