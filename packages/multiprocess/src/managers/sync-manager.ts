/** The manager of dicts, lists, locks and similar objects: Python's `SyncManager`. */
import { describe } from '../checks.ts'
import type { TypeCode } from '../memory/type-codes.ts'
import type { PoolOptions } from '../pool/options.ts'
import type { BarrierOptions } from '../sync/barrier-options.ts'
import { BaseManager, type ManagerOptions } from './base-manager.ts'
import type {
  BarrierProxy,
  ConditionProxy,
  DictProxy,
  EventProxy,
  JoinableQueueProxy,
  ListProxy,
  LockProxy,
  NamespaceProxy,
  PoolProxy,
  QueueProxy,
  RLockProxy,
  SemaphoreProxy,
  SetProxy,
  ValueProxy
} from './client/proxy-types.ts'
import type { RemoteOf } from './client/remote.ts'
import { itemsOf, sendable } from './client/sendable.ts'

/**
 * A manager with dicts, lists, locks and other types. Each method creates an object at the server and returns its proxy; it rejects with
 * ValueError before `start()` or `connect()`. See Python's `multiprocessing.managers.SyncManager`.
 * @example
 * import { SyncManager } from 'multiprocess'
 *
 * await using manager = new SyncManager()
 * await manager.start()
 * const dict = await manager.dict({ a: 1 })
 * await dict.set('b', 2)
 * console.log(await dict.size()) // 2
 */
export class SyncManager extends BaseManager {
  /** Creates a dict. @param init its entries, or an object whose fields are its entries. Default: no entries */
  async dict<K = string, V = unknown>(
    init?: Iterable<readonly [K, V]> | Readonly<Record<string, V>>
  ): Promise<DictProxy<K, V>> {
    return this.#make('dict', init === undefined ? [] : [sendable(init)])
  }

  /** Creates a list. @param init its items. Default: no items */
  async list<T = unknown>(init?: Iterable<T>): Promise<ListProxy<T>> {
    return this.#make('list', init === undefined ? [] : [itemsOf(init, 'init')])
  }

  /** Creates a set. @param init its values. Default: no values */
  async set<T = unknown>(init?: Iterable<T>): Promise<SetProxy<T>> {
    return this.#make('set', init === undefined ? [] : [itemsOf(init, 'init')])
  }

  /** Creates a namespace. @param init an object with its first fields. Default: no fields */
  async Namespace<T extends object = Record<string, unknown>>(init?: T): Promise<NamespaceProxy<T>> {
    if (init !== undefined && (typeof init !== 'object' || init === null)) {
      throw new TypeError(`init must be an object whose fields the namespace gets, got ${describe(init)}`)
    }
    return this.#make('Namespace', init === undefined ? [] : [{ ...init }])
  }

  /** Creates a value. It and its `set` throw ValueError or TypeError for a value that does not have the code's type. */
  Value<T>(code: TypeCode, init: T): Promise<ValueProxy<T>> {
    return this.#make('Value', [code, init])
  }

  /** Creates a list of items of one type. It and the list's methods throw ValueError or TypeError for an item of another type. */
  async Array<T>(code: TypeCode, init: Iterable<T>): Promise<ListProxy<T>> {
    return this.#make('Array', [code, itemsOf(init, 'init')])
  }

  /** Creates a queue. @param maxsize the maximum number of items. Default: 0; with 0, only memory limits the queue */
  Queue<T = unknown>(maxsize?: number): Promise<QueueProxy<T>> {
    return this.#make('Queue', optional(maxsize))
  }

  /** Creates a queue with `taskDone` and `join`. @param maxsize as for `Queue` */
  JoinableQueue<T = unknown>(maxsize?: number): Promise<JoinableQueueProxy<T>> {
    return this.#make('JoinableQueue', optional(maxsize))
  }

  /** Creates a lock. */
  Lock(): Promise<LockProxy> {
    return this.#make('Lock', [])
  }

  /** Creates a lock that its holder may acquire again. */
  RLock(): Promise<RLockProxy> {
    return this.#make('RLock', [])
  }

  /** Creates a semaphore. @param value the first value, an integer of 0 or more. Default: 1 */
  Semaphore(value?: number): Promise<SemaphoreProxy> {
    return this.#make('Semaphore', optional(value))
  }

  /** Creates a semaphore whose value never exceeds the first. @param value the first value, an integer of 0 or more. Default: 1 */
  BoundedSemaphore(value?: number): Promise<SemaphoreProxy> {
    return this.#make('BoundedSemaphore', optional(value))
  }

  /** Creates a condition. @param lock a Lock or RLock of this manager. Default: a new RLock */
  Condition(lock?: LockProxy | RLockProxy): Promise<ConditionProxy> {
    return this.#make('Condition', optional(lock))
  }

  /** Creates an event, which is not set. */
  Event(): Promise<EventProxy> {
    return this.#make('Event', [])
  }

  /**
   * Creates a barrier.
   * @param parties the number of parties that pass together, 1 or more
   * @param options.action runs at the server each time that all parties have arrived
   * @param options.timeout the timeout of waits that have none, in milliseconds. Default: Infinity
   */
  Barrier(parties: number, options?: BarrierOptions): Promise<BarrierProxy> {
    return this.#make('Barrier', options === undefined ? [parties] : [parties, options])
  }

  /**
   * Creates a pool whose workers are children of the server.
   * @param processes the number of workers. Default: `cpuCount()`
   * @param options the options of `new Pool`, without `context`: the workers have the manager's start method
   */
  Pool(processes?: number, options?: Omit<PoolOptions, 'context'>): Promise<PoolProxy>
  Pool(options?: Omit<PoolOptions, 'context'>): Promise<PoolProxy>
  Pool(...args: unknown[]): Promise<PoolProxy> {
    return this.#make('Pool', args)
  }

  async #make<P>(typeid: string, args: readonly unknown[]): Promise<P> {
    return (await this.create(typeid, args)) as P
  }
}

function optional(value: unknown): unknown[] {
  return value === undefined ? [] : [value]
}

type Product<F> = F extends new (
  ...args: never[]
) => infer T
  ? T
  : F extends (...args: never[]) => infer T
    ? Awaited<T>
    : unknown
type ArgumentsOf<F> = F extends new (
  ...args: infer A
) => unknown
  ? A
  : F extends (...args: infer A) => unknown
    ? A
    : never

/** A manager with a method for each factory. */
export type Managing<F> = {
  [K in keyof F]: (...args: ArgumentsOf<F[K]>) => Promise<RemoteOf<Product<F[K]>>>
}

/** The constructor of such managers. */
export type ManagerClass<F> = (new (
  options?: ManagerOptions
) => SyncManager & Managing<F>) &
  Pick<typeof BaseManager, 'register'>

/**
 * Creates a class of managers that have, besides all members of SyncManager, a method for each factory. The types of the proxies follow
 * from what the factories create: `defineManager({ Math: MathServer })` has `Math(...)`.
 * @throws TypeError if a factory is neither a class nor a function
 */
export function defineManagerOver<F extends Readonly<Record<string, unknown>>>(
  base: typeof SyncManager,
  factories: F
): ManagerClass<F> {
  const type = class Manager extends base {}
  for (const [typeid, factory] of Object.entries(factories)) type.register(typeid, factory)
  return type as unknown as ManagerClass<F>
}
