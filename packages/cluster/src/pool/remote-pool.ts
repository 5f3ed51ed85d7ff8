/** A pool whose tasks run on the machines of a cluster: the methods of Pool over `RemoteCore`. */
import {
  type ApplyOptions,
  type AsyncResult,
  type IMapIterator,
  type IMapOptions,
  type MapOptions,
  MultiprocessError,
  type Target
} from 'multiprocess'
import {
  chunkOptions,
  IMAP_OPTIONS,
  MAP_ASYNC_OPTIONS,
  MAP_OPTIONS,
  ResultTask,
  rejection,
  type Task,
  withCallbacks
} from 'multiprocess/pooling'
import type { Passing } from '../wire/batch.ts'
import type { RemotePoolOptions } from './options.ts'
import { RemoteCore } from './remote-core.ts'
import type { ClusterStats } from './stats.ts'
import { statsOf } from './stats.ts'

export type RemoteMapOptions = IMapOptions
export type ProgressOption = IMapOptions['progress']

type Items<T> = Iterable<T> | AsyncIterable<T>

export class RemotePool {
  readonly #core: RemoteCore
  readonly #rate = { at: performance.now(), completed: 0, value: 0 }

  constructor(options: RemotePoolOptions) {
    this.#core = new RemoteCore(options)
  }

  apply<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): Promise<Awaited<R>> {
    return new Promise(resolve => {
      this.#core.apply(fn as Target, args, withCallbacks(options, settling(resolve)), options)
    })
  }

  applyAsync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: ApplyOptions<R>): AsyncResult<Awaited<R>> {
    const task = new ResultTask<Awaited<R>>()
    this.#core.apply(fn as Target, args, withCallbacks(options, task), options)
    return task.result
  }

  applySync(): never {
    throw new MultiprocessError(
      'cannot block this thread for a result from another machine: its connection needs the event loop; use apply',
      { code: 'ERR_CLUSTER_SYNC' }
    )
  }

  map<T, R>(fn: Target<[T], R>, items: Items<T>, options?: number | MapOptions): Promise<Awaited<R>[]> {
    return this.#map('one', fn as Target, items, options)
  }

  mapAsync<T, R>(
    fn: Target<[T], R>,
    items: Items<T>,
    options?: MapOptions & ApplyOptions<Awaited<R>[]>
  ): AsyncResult<Awaited<R>[]> {
    return this.#mapAsync('one', fn as Target, items, options)
  }

  starmap<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Items<A>,
    options?: number | MapOptions
  ): Promise<Awaited<R>[]> {
    return this.#map('all', fn as Target, items, options)
  }

  starmapAsync<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Items<A>,
    options?: MapOptions & ApplyOptions<Awaited<R>[]>
  ): AsyncResult<Awaited<R>[]> {
    return this.#mapAsync('all', fn as Target, items, options)
  }

  imap<T, R>(fn: Target<[T], R>, items: Items<T>, options?: number | IMapOptions): IMapIterator<Awaited<R>> {
    const settings = chunkOptions<IMapOptions>(options, IMAP_OPTIONS)
    return this.#core.run(fn as Target, items, settings, { passing: 'one', isOrdered: true })
  }

  imapUnordered<T, R>(fn: Target<[T], R>, items: Items<T>, options?: number | IMapOptions): IMapIterator<Awaited<R>> {
    const settings = chunkOptions<IMapOptions>(options, IMAP_OPTIONS)
    return this.#core.run(fn as Target, items, settings, { passing: 'one', isOrdered: false })
  }

  close(): void {
    this.#core.close()
  }

  terminate(): void {
    this.#core.terminate()
  }

  join(): Promise<void> {
    return this.#core.join()
  }

  get stats(): ClusterStats {
    return statsOf(this.#core.submitter, this.#rate)
  }

  #map<R>(passing: Passing, fn: Target, items: Items<unknown>, options?: number | MapOptions): Promise<R[]> {
    return new Promise(resolve => {
      this.#collect(passing, fn, items, chunkOptions<MapOptions>(options, MAP_OPTIONS), settling(resolve))
    })
  }

  #mapAsync<R>(
    passing: Passing,
    fn: Target,
    items: Items<unknown>,
    options?: MapOptions & ApplyOptions<R[]>
  ): AsyncResult<R[]> {
    const task = new ResultTask<R[]>()
    const settings = chunkOptions<MapOptions & ApplyOptions<R[]>>(options, MAP_ASYNC_OPTIONS)
    this.#collect(passing, fn, items, settings, withCallbacks(settings, task))
    return task.result
  }

  /** Collects the results in the order of the items. The first error ends the run; items that have not begun by then are dropped. */
  #collect(passing: Passing, fn: Target, items: Items<unknown>, options: MapOptions, task: Task): void {
    const run = this.#core.run<[number, unknown]>(fn, items, options, {
      passing,
      isOrdered: false,
      wrap: (index, value) => [index, value],
      hasOrderedErrors: true
    })
    void (async () => {
      const results: unknown[] = []
      let settle = () => task.succeed(results)
      try {
        for await (const [index, value] of run) results[index] = value
      } catch (error) {
        settle = () => task.fail(error)
        await run.return().catch(() => {})
      }
      settle()
    })()
  }
}

/** Returns a task that settles a promise. */
function settling<R>(resolve: (value: R | Promise<R>) => void): Task {
  return { succeed: value => resolve(value as R), fail: error => resolve(rejection(error)) }
}
