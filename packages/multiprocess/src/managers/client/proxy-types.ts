/** The types of the proxies of what every manager has. */
import type { WaitOptions } from '../../ground/waitable.ts'
import type { IMapOptions, MapOptions, TaskOptions } from '../../pool/options.ts'
import type { Awaitable, Target } from '../../process/target.ts'
import type { BaseProxy } from './proxy.ts'
import type { IteratorProxy } from './remote.ts'

type Timeout = Pick<WaitOptions, 'timeout'>
type Method = (...args: never[]) => unknown
type Twin<F> = F extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never

/** Every asynchronous method with a blocking twin. */
type WithTwins<T> = T & { [K in keyof T & string as T[K] extends Method ? `${K}Sync` : never]: Twin<T[K]> }

type Entries<K, V> = Iterable<readonly [K, V]> | Readonly<Record<string, V>>

interface DictMethods<K, V> {
  /** undefined when there is no such key */
  get(key: K): Promise<V | undefined>
  set(key: K, value: V): Promise<void>
  has(key: K): Promise<boolean>
  /** Whether it was there. */
  delete(key: K): Promise<boolean>
  clear(): Promise<void>
  size(): Promise<number>
  keys(): Promise<K[]>
  values(): Promise<V[]>
  entries(): Promise<[K, V][]>
  update(other: Entries<K, V>): Promise<void>
  /** Takes an entry out; answers its value, or the fallback. */
  pop(key: K): Promise<V | undefined>
  pop<F>(key: K, fallback: F): Promise<V | F>
  /** Takes out what was set last; undefined when there is nothing. */
  popItem(): Promise<[K, V] | undefined>
  /** The value of the key, which it gets if it has none. */
  setDefault(key: K, value: V): Promise<V>
  copy(): Promise<Map<K, V>>
  /**
   * Reads, changes and writes in one step: `fn` runs at the server, with a copy of what it captured. Its result becomes the
   * value, and undefined takes the key out.
   * @throws TypeError when it answers a promise
   */
  compute<R extends V | undefined>(key: K, fn: (value: V | undefined, key: K) => R): Promise<R>
}

/** A Map at the server. Keys are compared as Map does it, so that objects, which arrive as copies, are no keys to find again. */
export type DictProxy<K = unknown, V = unknown> = BaseProxy &
  WithTwins<Omit<DictMethods<K, V>, 'pop' | 'compute'>> &
  Pick<DictMethods<K, V>, 'pop' | 'compute'> & {
    popSync(key: K): V | undefined
    popSync<F>(key: K, fallback: F): V | F
    computeSync<R extends V | undefined>(key: K, fn: (value: V | undefined, key: K) => R): R
    /** The entries of the moment when it begins. */
    [Symbol.asyncIterator](): AsyncIterableIterator<[K, V]>
  }

interface ListMethods<T> {
  at(index: number): Promise<T | undefined>
  /** @throws RangeError when there is no such item; negative ones count from the end */
  set(index: number, value: T): Promise<void>
  push(...values: T[]): Promise<number>
  pop(): Promise<T | undefined>
  shift(): Promise<T | undefined>
  unshift(...values: T[]): Promise<number>
  splice(start: number, count?: number, ...values: T[]): Promise<T[]>
  slice(start?: number, end?: number): Promise<T[]>
  /** Of the first item that is equal, in what it holds: -1 when there is none. */
  indexOf(value: T, from?: number): Promise<number>
  lastIndexOf(value: T): Promise<number>
  includes(value: T): Promise<boolean>
  /** `compare` runs at the server. */
  sort(compare?: (a: T, b: T) => number): Promise<void>
  reverse(): Promise<void>
  length(): Promise<number>
  clear(): Promise<void>
  copy(): Promise<T[]>
}

/** An array at the server. */
export type ListProxy<T = unknown> = BaseProxy &
  WithTwins<ListMethods<T>> & {
    /** The items of the moment when it begins. */
    [Symbol.asyncIterator](): AsyncIterableIterator<T>
  }

interface SetMethods<T> {
  add(value: T): Promise<void>
  has(value: T): Promise<boolean>
  /** Whether it was there. */
  delete(value: T): Promise<boolean>
  clear(): Promise<void>
  size(): Promise<number>
  values(): Promise<T[]>
  update(values: Iterable<T>): Promise<void>
  copy(): Promise<Set<T>>
}

/** A Set at the server. */
export type SetProxy<T = unknown> = BaseProxy &
  WithTwins<SetMethods<T>> & {
    /** The values of the moment when it begins. */
    [Symbol.asyncIterator](): AsyncIterableIterator<T>
  }

/** Fields at the server. */
export interface NamespaceProxy<T extends object = Record<string, unknown>> extends BaseProxy {
  get<K extends keyof T & string>(name: K): Promise<T[K]>
  getSync<K extends keyof T & string>(name: K): T[K]
  set<K extends keyof T & string>(name: K, value: T[K]): Promise<void>
  setSync<K extends keyof T & string>(name: K, value: T[K]): void
  has(name: string): Promise<boolean>
  hasSync(name: string): boolean
  /** Whether it was there. */
  delete(name: keyof T & string): Promise<boolean>
  deleteSync(name: keyof T & string): boolean
  keys(): Promise<(keyof T & string)[]>
  keysSync(): (keyof T & string)[]
  copy(): Promise<T>
  copySync(): T
}

/** A value at the server. */
export interface ValueProxy<T> extends BaseProxy {
  get(): Promise<T>
  getSync(): T
  set(value: T): Promise<void>
  setSync(value: T): void
}

interface QueueMethods<T> {
  /** @throws Full when the timeout ran out */
  put(item: T, options?: WaitOptions): Promise<void>
  putNowait(item: T): Promise<void>
  /** @throws Empty when the timeout ran out */
  get(options?: WaitOptions): Promise<T>
  getNowait(): Promise<T>
  qsize(): Promise<number>
  empty(): Promise<boolean>
  full(): Promise<boolean>
}

/** A queue at the server. What a client had taken when it died is lost with it. */
export type QueueProxy<T = unknown> = BaseProxy &
  WithTwins<QueueMethods<T>> & {
    /** Items as they come, without end. */
    [Symbol.asyncIterator](): AsyncIterableIterator<T>
  }

/** The same, and it knows how many of its items are yet to be done. */
export type JoinableQueueProxy<T = unknown> = QueueProxy<T> &
  WithTwins<{
    /** @throws ValueError when as many items were done as ever were put */
    taskDone(): Promise<void>
    /** @throws TimeoutError when the timeout ran out */
    join(options?: WaitOptions): Promise<void>
  }>

interface LockMethods {
  /**
   * false when the timeout ran out.
   * @throws OwnerDiedError when the client that held it died: the caller holds it now
   */
  acquire(options?: WaitOptions): Promise<boolean>
  /** @throws ValueError when nobody holds it */
  release(): Promise<void>
  locked(): Promise<boolean>
}

/** A lock at the server: any client may release it. */
export type LockProxy = BaseProxy &
  WithTwins<LockMethods> & {
    /** @throws TimeoutError, OwnerDiedError: `fn` has not run then, and the lock is free again */
    runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R>
    runExclusiveSync<R>(fn: () => R, options?: Timeout): R
  }

/** A lock that its holder, a process and inside it what `runExclusive` runs, may take again, and it alone releases. */
export type RLockProxy = LockProxy

export type SemaphoreProxy = LockProxy & WithTwins<{ value(): Promise<number> }>

/** A condition at the server. */
export type ConditionProxy = LockProxy &
  WithTwins<{
    /** Gives the lock away meanwhile; false when the timeout ran out. Throws ValueError when the caller does not hold it. */
    wait(options?: WaitOptions): Promise<boolean>
    notify(count?: number): Promise<void>
    notifyAll(): Promise<void>
  }> & {
    /** The predicate runs in this process. Resolves to what it answered last. */
    waitFor<R>(predicate: () => R, options?: WaitOptions): Promise<R>
    waitForSync<R>(predicate: () => R, options?: Timeout): R
  }

/** An event at the server. */
export type EventProxy = BaseProxy &
  WithTwins<{
    isSet(): Promise<boolean>
    set(): Promise<void>
    clear(): Promise<void>
    /** false when the timeout ran out */
    wait(options?: WaitOptions): Promise<boolean>
  }>

/** A barrier at the server. A party that gives up, or dies, while it waits breaks it. */
export type BarrierProxy = BaseProxy &
  WithTwins<{
    /** 0 … parties - 1, each once. Throws BrokenBarrierError. */
    wait(options?: WaitOptions): Promise<number>
    reset(): Promise<void>
    abort(): Promise<void>
    parties(): Promise<number>
    nWaiting(): Promise<number>
    broken(): Promise<boolean>
  }>

/** A result that is still to come, at the server. */
export type AsyncResultProxy<R> = BaseProxy &
  WithTwins<{
    get(options?: WaitOptions): Promise<R>
    wait(options?: WaitOptions): Promise<boolean>
    ready(): Promise<boolean>
    /** @throws ValueError while not ready */
    successful(): Promise<boolean>
  }>

type Task = Omit<TaskOptions, 'signal'>
type Mapping = Omit<MapOptions, 'signal' | 'progress'>

/** A pool at the server, whose workers are the server's children. */
export interface PoolProxy extends BaseProxy {
  apply<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: TaskOptions): Promise<Awaited<R>>
  applySync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: Task): Awaited<R>
  map<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T>,
    options?: number | Omit<MapOptions, 'progress'>
  ): Promise<Awaited<R>[]>
  mapSync<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: number | Mapping): Awaited<R>[]
  starmap<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A>,
    options?: number | Omit<MapOptions, 'progress'>
  ): Promise<Awaited<R>[]>
  starmapSync<A extends unknown[], R>(fn: Target<A, R>, items: Iterable<A>, options?: number | Mapping): Awaited<R>[]
  applyAsync<A extends unknown[], R>(fn: Target<A, R>, args?: A, options?: Task): Promise<AsyncResultProxy<Awaited<R>>>
  mapAsync<T, R>(fn: Target<[T], R>, items: Iterable<T>, options?: Mapping): Promise<AsyncResultProxy<Awaited<R>[]>>
  starmapAsync<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A>,
    options?: Mapping
  ): Promise<AsyncResultProxy<Awaited<R>[]>>
  imap<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T>,
    options?: number | Omit<IMapOptions, 'signal' | 'progress'>
  ): Promise<IteratorProxy<Awaited<R>>>
  imapUnordered<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T>,
    options?: number | Omit<IMapOptions, 'signal' | 'progress'>
  ): Promise<IteratorProxy<Awaited<R>>>
  close(): Promise<void>
  terminate(): Promise<void>
  /** @throws ValueError before `close()` or `terminate()` */
  join(): Promise<void>
}
