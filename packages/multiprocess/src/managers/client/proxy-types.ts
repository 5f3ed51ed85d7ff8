/** The types of the proxies of objects that every manager has. */

import type { Awaitable } from '../../ground/awaitable.ts'
import type { WaitOptions } from '../../ground/waitable.ts'
import type { IMapOptions, MapOptions, TaskOptions } from '../../pool/options.ts'
import type { Target } from '../../process/target.ts'
import type { DictObject, NamespaceObject, SetObject, ValueObject } from '../objects/collections.ts'
import type { ListObject } from '../objects/lists.ts'
import type { ConditionMethods, LockMethods, SemaphoreMethods } from '../objects/lock-methods.ts'
import type { BarrierObject, EventObject } from '../objects/meetings.ts'
import type { AsyncResultObject, PoolObject } from '../objects/pool.ts'
import type { JoinableQueueObject, QueueObject } from '../objects/queue.ts'
import type { BlockingOptions, Proxied } from './proxied.ts'
import type { IteratorProxy } from './remote.ts'

/**
 * A dict at the server. Keys are compared as in a Map, so an object as a key is never found again, because it arrives as a copy. See
 * Python's `SyncManager.dict`.
 */
export type DictProxy<K = unknown, V = unknown> = Proxied<DictObject<K, V>, 'dict', 'get' | 'pop' | 'compute'> & {
  /** Returns the value of the key, or the fallback (default: undefined) if there is none. */
  get(key: K): Promise<V | undefined>
  get<F>(key: K, fallback: F): Promise<V | F>
  /** Does the same as `get`, and blocks the thread. */
  getSync(key: K): V | undefined
  getSync<F>(key: K, fallback: F): V | F
  /** Removes an entry and returns its value, or the fallback (default: undefined) if there is none. */
  pop(key: K): Promise<V | undefined>
  pop<F>(key: K, fallback: F): Promise<V | F>
  /** Does the same as `pop`, and blocks the thread. */
  popSync(key: K): V | undefined
  popSync<F>(key: K, fallback: F): V | F
  /**
   * Reads, changes and writes a value in one step: `fn` runs at the server, with a copy of what it captured. Its result becomes the value;
   * undefined removes the key.
   * @returns the result of `fn`
   * @throws TypeError if `fn` returns a promise
   */
  compute<R extends V | undefined>(key: K, fn: (value: V | undefined, key: K) => R): Promise<R>
  /** Does the same as `compute`, and blocks the thread. */
  computeSync<R extends V | undefined>(key: K, fn: (value: V | undefined, key: K) => R): R
  /** Iterates over the entries that the dict has when the loop begins. */
  [Symbol.asyncIterator](): AsyncIterableIterator<[K, V]>
}

/** A list at the server. See Python's `SyncManager.list`. */
export type ListProxy<T = unknown> = Proxied<ListObject<T>, 'list'> & {
  /** Iterates over the items that the list has when the loop begins. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>
}

/** A set at the server. */
export type SetProxy<T = unknown> = Proxied<SetObject<T>, 'set'> & {
  /** Iterates over the values that the set has when the loop begins. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>
}

/** A namespace at the server: fields with values. See Python's `SyncManager.Namespace`. */
export type NamespaceProxy<T extends object = Record<string, unknown>> = Proxied<
  NamespaceObject<T>,
  'namespace',
  'get' | 'set'
> & {
  /** Returns the value of a field; undefined if there is no such field. */
  get<K extends keyof T & string>(name: K): Promise<T[K]>
  /** Does the same as `get`, and blocks the thread. */
  getSync<K extends keyof T & string>(name: K): T[K]
  /** Sets the value of a field. */
  set<K extends keyof T & string>(name: K, value: T[K]): Promise<void>
  /** Does the same as `set`, and blocks the thread. */
  setSync<K extends keyof T & string>(name: K, value: T[K]): void
}

/** A value at the server. See Python's `SyncManager.Value`. */
export type ValueProxy<T> = Proxied<ValueObject<T>, 'value'>

/** A queue that is read in a loop. */
interface Endless<T> {
  /** Iterates over the items as they arrive, without end. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>
}

/** A queue at the server. If a client dies, the items that it had taken are lost with it. See Python's `SyncManager.Queue`. */
export type QueueProxy<T = unknown> = Proxied<QueueObject<T>, 'queue'> & Endless<T>

/** A queue at the server that counts unfinished items. */
export type JoinableQueueProxy<T = unknown> = Proxied<JoinableQueueObject<T>, 'joinableQueue'> & Endless<T>

/** A lock around a callback. */
interface Exclusive {
  /**
   * Runs `fn` while this process holds the lock. @throws TimeoutError, OwnerDiedError: then `fn` has not run, and the lock is free again
   */
  runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R>
  /** Does the same as `runExclusive`, and blocks the thread. `fn` must not be async. */
  runExclusiveSync<R>(fn: () => R, options?: BlockingOptions): R
}

/** A lock at the server: any client may release it. See Python's `SyncManager.Lock`. */
export type LockProxy = Proxied<LockMethods, 'lock'> & Exclusive

/** A lock that only its holder may release, and that its holder (a process, or a `runExclusive` inside it) may acquire again. */
export type RLockProxy = LockProxy

/** A semaphore at the server. See Python's `SyncManager.Semaphore`. */
export type SemaphoreProxy = Proxied<SemaphoreMethods, 'semaphore'> & Exclusive

/** A condition at the server. See Python's `SyncManager.Condition`. */
export type ConditionProxy = Proxied<ConditionMethods, 'condition'> &
  Exclusive & {
    /** Waits until `predicate` returns a true value; it runs in this process. Resolves to that value. */
    waitFor<R>(predicate: () => R, options?: WaitOptions): Promise<R>
    /** Does the same as `waitFor`, and blocks the thread. */
    waitForSync<R>(predicate: () => R, options?: BlockingOptions): R
  }

/** An event at the server. See Python's `SyncManager.Event`. */
export type EventProxy = Proxied<EventObject, 'event'>

/** A barrier at the server. A party that gives up waiting, or dies, breaks the barrier. See Python's `SyncManager.Barrier`. */
export type BarrierProxy = Proxied<BarrierObject, 'barrier'>

/** The result of a pool's task at the server. */
export type AsyncResultProxy<R> = Proxied<AsyncResultObject<R>, 'asyncResult'>

type Call = Omit<TaskOptions, 'signal'>
type Mapped = Omit<MapOptions, 'signal' | 'progress'>
type Iterated = Omit<IMapOptions, 'signal' | 'progress' | 'settled'>
type MappedLater = Omit<MapOptions, 'progress'>

/** A pool at the server. Its workers are children of the server. */
export type PoolProxy = Proxied<PoolObject, 'pool', keyof PoolTasks> & PoolTasks

/** The methods of a pool at the server that take tasks. */
interface PoolTasks {
  /** Runs `fn` in a worker. Resolves to its result, or rejects with its error. */
  apply<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: TaskOptions): Promise<Awaited<R>>
  /** Does the same as `apply`, and blocks the thread. */
  applySync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: Call): Awaited<R>
  /**
   * Runs `fn` for each item. Resolves to the results in the order of the items, or rejects with the first error.
   * @param options a number is the chunksize
   */
  map<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: number | MappedLater): Promise<Awaited<R>[]>
  /** Does the same as `map`, and blocks the thread. */
  mapSync<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: number | Mapped): Awaited<R>[]
  /** Does the same as `map`, with a list of arguments for each item. */
  starmap<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A>,
    options?: number | MappedLater
  ): Promise<Awaited<R>[]>
  /** Does the same as `starmap`, and blocks the thread. */
  starmapSync<A extends unknown[], R>(fn: Target<A, R>, items: Iterable<A>, options?: number | Mapped): Awaited<R>[]
  /** Submits a task. Resolves to the proxy of its result, without waiting for the task. */
  applyAsync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: Call): Promise<AsyncResultProxy<Awaited<R>>>
  /** Submits the tasks of `map`. Resolves to the proxy of their results, without waiting for them. */
  mapAsync<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: Mapped): Promise<AsyncResultProxy<Awaited<R>[]>>
  /** Submits the tasks of `starmap`. Resolves to the proxy of their results, without waiting for them. */
  starmapAsync<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A>,
    options?: Mapped
  ): Promise<AsyncResultProxy<Awaited<R>[]>>
  /** Runs `fn` for each item. Resolves to an iterator over the results in the order of the items. */
  imap<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: number | Iterated): Promise<IteratorProxy<Awaited<R>>>
  /** Does the same as `imap`, with the results in the order in which they arrive. */
  imapUnordered<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T>,
    options?: number | Iterated
  ): Promise<IteratorProxy<Awaited<R>>>
}
