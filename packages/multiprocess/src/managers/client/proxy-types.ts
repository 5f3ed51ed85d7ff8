/** The types of the proxies of what every manager has. */

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

/** A Map at the server. Keys are compared as Map does it, so that objects, which arrive as copies, are no keys to find again. */
export type DictProxy<K = unknown, V = unknown> = Proxied<DictObject<K, V>, 'dict', 'get' | 'pop' | 'compute'> & {
  /** The value of the key, or the fallback, or undefined. */
  get(key: K): Promise<V | undefined>
  get<F>(key: K, fallback: F): Promise<V | F>
  getSync(key: K): V | undefined
  getSync<F>(key: K, fallback: F): V | F
  /** Removes an entry and returns its value, or the fallback, or undefined. */
  pop(key: K): Promise<V | undefined>
  pop<F>(key: K, fallback: F): Promise<V | F>
  popSync(key: K): V | undefined
  popSync<F>(key: K, fallback: F): V | F
  /**
   * Reads, changes and writes in one step: `fn` runs at the server, with a copy of what it captured. Its result becomes the value;
   * undefined removes the key.
   * @throws TypeError if `fn` returns a promise
   */
  compute<R extends V | undefined>(key: K, fn: (value: V | undefined, key: K) => R): Promise<R>
  computeSync<R extends V | undefined>(key: K, fn: (value: V | undefined, key: K) => R): R
  /** Iterates over the entries of the moment when it begins. */
  [Symbol.asyncIterator](): AsyncIterableIterator<[K, V]>
}

/** An array at the server. */
export type ListProxy<T = unknown> = Proxied<ListObject<T>, 'list'> & {
  /** Iterates over the items of the moment when it begins. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>
}

/** A Set at the server. */
export type SetProxy<T = unknown> = Proxied<SetObject<T>, 'set'> & {
  /** Iterates over the values of the moment when it begins. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>
}

/** Fields at the server. */
export type NamespaceProxy<T extends object = Record<string, unknown>> = Proxied<
  NamespaceObject<T>,
  'namespace',
  'get' | 'set'
> & {
  get<K extends keyof T & string>(name: K): Promise<T[K]>
  getSync<K extends keyof T & string>(name: K): T[K]
  set<K extends keyof T & string>(name: K, value: T[K]): Promise<void>
  setSync<K extends keyof T & string>(name: K, value: T[K]): void
}

/** A value at the server. */
export type ValueProxy<T> = Proxied<ValueObject<T>, 'value'>

interface Endless<T> {
  /** Iterates over the items as they come, without end. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>
}

/** A queue at the server. What a client had taken when it died is lost with it. */
export type QueueProxy<T = unknown> = Proxied<QueueObject<T>, 'queue'> & Endless<T>

/** A queue at the server that knows how many of its items are yet to be done. */
export type JoinableQueueProxy<T = unknown> = Proxied<JoinableQueueObject<T>, 'joinableQueue'> & Endless<T>

interface Exclusive {
  /** Runs `fn` while this process holds the lock. @throws TimeoutError, OwnerDiedError: `fn` has not run then, and the lock is free again */
  runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R>
  runExclusiveSync<R>(fn: () => R, options?: BlockingOptions): R
}

/** A lock at the server: any client may release it. */
export type LockProxy = Proxied<LockMethods, 'lock'> & Exclusive

/** A lock that its holder, a process and inside it what `runExclusive` runs, may acquire again, and only the holder releases. */
export type RLockProxy = LockProxy

export type SemaphoreProxy = Proxied<SemaphoreMethods, 'semaphore'> & Exclusive

/** A condition at the server. */
export type ConditionProxy = Proxied<ConditionMethods, 'condition'> &
  Exclusive & {
    /** Waits until `predicate`, which runs in this process, returns something true. Resolves to what it returned last. */
    waitFor<R>(predicate: () => R, options?: WaitOptions): Promise<R>
    waitForSync<R>(predicate: () => R, options?: BlockingOptions): R
  }

/** An event at the server. */
export type EventProxy = Proxied<EventObject, 'event'>

/** A barrier at the server. A party that gives up, or dies, while it waits breaks it. */
export type BarrierProxy = Proxied<BarrierObject, 'barrier'>

/** A result that is still to come, at the server. */
export type AsyncResultProxy<R> = Proxied<AsyncResultObject<R>, 'asyncResult'>

type Call = Omit<TaskOptions, 'signal'>
type Mapped = Omit<MapOptions, 'signal' | 'progress'>
type Iterated = Omit<IMapOptions, 'signal' | 'progress' | 'settled'>
type MappedLater = Omit<MapOptions, 'progress'>

/** A pool at the server, whose workers are the server's children. */
export type PoolProxy = Proxied<PoolObject, 'pool', keyof PoolTasks> & PoolTasks

interface PoolTasks {
  apply<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: TaskOptions): Promise<Awaited<R>>
  applySync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: Call): Awaited<R>
  map<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: number | MappedLater): Promise<Awaited<R>[]>
  mapSync<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: number | Mapped): Awaited<R>[]
  starmap<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A>,
    options?: number | MappedLater
  ): Promise<Awaited<R>[]>
  starmapSync<A extends unknown[], R>(fn: Target<A, R>, items: Iterable<A>, options?: number | Mapped): Awaited<R>[]
  applyAsync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: Call): Promise<AsyncResultProxy<Awaited<R>>>
  mapAsync<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: Mapped): Promise<AsyncResultProxy<Awaited<R>[]>>
  starmapAsync<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A>,
    options?: Mapped
  ): Promise<AsyncResultProxy<Awaited<R>[]>>
  imap<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: number | Iterated): Promise<IteratorProxy<Awaited<R>>>
  imapUnordered<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T>,
    options?: number | Iterated
  ): Promise<IteratorProxy<Awaited<R>>>
}
