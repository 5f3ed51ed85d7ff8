/** A pool whose workers are children of the server. */
import { boundTo } from '../../ground/bound-class.ts'
import type { StartMethod } from '../../ground/members/platform.ts'
import type { AsyncResult } from '../../pool/async-result.ts'
import type { IMapOptions, MapOptions, PoolOptions } from '../../pool/options.ts'
import { Pool } from '../../pool/pool.ts'
import type { Target } from '../../process/target.ts'
import { currentCall } from '../protocol/call.ts'
import { type Served, serveIterator, serveKind } from '../protocol/served.ts'

/** The options that a client can send: no signal and no progress. */
type Options<T> = (Omit<T, 'signal'> & { progress?: undefined }) | number | undefined

/** A pool at the server. */
export class PoolObject {
  readonly #pool: Pool

  /** @throws TypeError, ValueError if an option is invalid */
  constructor(method: StartMethod, ...args: [number | undefined, PoolOptions?] | [PoolOptions?]) {
    this.#pool = new (boundTo(Pool, method))(...(args as [number, PoolOptions?]))
  }

  /** Runs `fn` in a worker. Resolves to its result, or rejects with its error. */
  apply(fn: Target, args?: never[], options?: object): unknown {
    return this.#pool.apply(fn, args, { ...options, signal: currentCall().signal })
  }

  /** Runs `fn` for each item. Resolves to the results in the order of the items. @param options a number is the chunksize */
  map(fn: Target, items: Iterable<never>, options?: Options<MapOptions>): unknown {
    return this.#pool.map(fn as Target<[never]>, items, withSignal(options))
  }

  /** Does the same as `map`, with a list of arguments for each item. */
  starmap(fn: Target, items: Iterable<never[]>, options?: Options<MapOptions>): unknown {
    return this.#pool.starmap(fn, items, withSignal(options))
  }

  /** Submits a task. Returns its result, which the client reads through a proxy. */
  applyAsync(fn: Target, args?: never[], options?: object): Served {
    return serveResult(this.#pool.applyAsync(fn, args, options))
  }

  /** Submits the tasks of `map`. Returns their results, which the client reads through a proxy. */
  mapAsync(fn: Target, items: Iterable<never>, options?: object): Served {
    return serveResult(this.#pool.mapAsync(fn as Target<[never]>, items, options))
  }

  /** Submits the tasks of `starmap`. Returns their results, which the client reads through a proxy. */
  starmapAsync(fn: Target, items: Iterable<never[]>, options?: object): Served {
    return serveResult(this.#pool.starmapAsync(fn, items, options))
  }

  /** Runs `fn` for each item. Returns an iterator over the results in the order of the items. */
  imap(fn: Target, items: Iterable<never>, options?: number | IMapOptions): Served {
    return serveIterator('imap', this.#pool.imap(fn as Target<[never]>, items, options))
  }

  /** Does the same as `imap`, with the results in the order in which they arrive. */
  imapUnordered(fn: Target, items: Iterable<never>, options?: number | IMapOptions): Served {
    return serveIterator('imapUnordered', this.#pool.imapUnordered(fn as Target<[never]>, items, options))
  }

  /** Refuses further tasks; the workers end after the pending ones. */
  close(): void {
    this.#pool.close()
  }

  /** Ends the workers at once; pending tasks fail. */
  terminate(): void {
    this.#pool.terminate()
  }

  /** Resolves once all workers have ended. Call `close` or `terminate` first. */
  join(): Promise<void> {
    return this.#pool.join()
  }
}

function withSignal(options: Options<MapOptions>): MapOptions {
  const { signal } = currentCall()
  return typeof options === 'number' ? { chunksize: options, signal } : { ...options, signal }
}

function serveResult(result: AsyncResult<unknown>): Served {
  return serveKind('asyncResult', new AsyncResultObject(result))
}

/** The result of a pool at the server. The AsyncResult itself is a promise, which a method cannot return. */
export class AsyncResultObject<R = unknown> {
  readonly #result: AsyncResult<R>

  constructor(result: AsyncResult<R>) {
    this.#result = result
  }

  /** Returns the result once it is available, or throws the task's error. */
  get(timeout?: number): Promise<R> {
    return this.#result.get({ timeout, signal: currentCall().signal })
  }

  /** Returns true once the result is available, or false if the timeout expires first. */
  wait(timeout?: number): Promise<boolean> {
    return this.#result.wait({ timeout, signal: currentCall().signal })
  }

  /** Returns true if the result is available. */
  ready(): boolean {
    return this.#result.ready()
  }

  /** Returns true if the task succeeded. @throws ValueError if the result is not available yet */
  successful(): boolean {
    return this.#result.successful()
  }
}
