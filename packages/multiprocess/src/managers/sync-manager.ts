/** The manager of dicts, lists, locks and the like: Python's `SyncManager`. */
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

export class SyncManager extends BaseManager {
  /** Makes a dict. @param init its entries, or an object whose fields are its entries. Default: no entries */
  async dict<K = string, V = unknown>(
    init?: Iterable<readonly [K, V]> | Readonly<Record<string, V>>
  ): Promise<DictProxy<K, V>> {
    return this.#make('dict', init === undefined ? [] : [sendable(init)])
  }

  async list<T = unknown>(init?: Iterable<T>): Promise<ListProxy<T>> {
    return this.#make('list', init === undefined ? [] : [itemsOf(init, 'init')])
  }

  async set<T = unknown>(init?: Iterable<T>): Promise<SetProxy<T>> {
    return this.#make('set', init === undefined ? [] : [itemsOf(init, 'init')])
  }

  async Namespace<T extends object = Record<string, unknown>>(init?: T): Promise<NamespaceProxy<T>> {
    if (init !== undefined && (typeof init !== 'object' || init === null)) {
      throw new TypeError(`init must be an object whose fields the namespace gets, got ${describe(init)}`)
    }
    return this.#make('Namespace', init === undefined ? [] : [{ ...init }])
  }

  /** Makes a value. It and its `set` throw ValueError or TypeError for a value that does not have the code's type. */
  Value<T>(code: TypeCode, init: T): Promise<ValueProxy<T>> {
    return this.#make('Value', [code, init])
  }

  /** Makes a list of items of one type. It and the list's methods throw ValueError or TypeError for an item of another type. */
  async Array<T>(code: TypeCode, init: Iterable<T>): Promise<ListProxy<T>> {
    return this.#make('Array', [code, itemsOf(init, 'init')])
  }

  /** Makes a queue. @param maxsize the most items that it holds; 0: as many as fit into memory. Default: 0 */
  Queue<T = unknown>(maxsize?: number): Promise<QueueProxy<T>> {
    return this.#make('Queue', optional(maxsize))
  }

  JoinableQueue<T = unknown>(maxsize?: number): Promise<JoinableQueueProxy<T>> {
    return this.#make('JoinableQueue', optional(maxsize))
  }

  Lock(): Promise<LockProxy> {
    return this.#make('Lock', [])
  }

  RLock(): Promise<RLockProxy> {
    return this.#make('RLock', [])
  }

  /** @param value the first value, an integer of 0 or more. Default: 1 */
  Semaphore(value?: number): Promise<SemaphoreProxy> {
    return this.#make('Semaphore', optional(value))
  }

  /** @param value the first value, an integer of 0 or more. Default: 1 */
  BoundedSemaphore(value?: number): Promise<SemaphoreProxy> {
    return this.#make('BoundedSemaphore', optional(value))
  }

  /** @param lock a Lock or RLock of this manager. Default: a new RLock */
  Condition(lock?: LockProxy | RLockProxy): Promise<ConditionProxy> {
    return this.#make('Condition', optional(lock))
  }

  Event(): Promise<EventProxy> {
    return this.#make('Event', [])
  }

  /**
   * Makes a barrier.
   * @param parties the number of parties that pass together, 1 or more
   * @param options.action runs at the server, each time that all parties have arrived
   * @param options.timeout the timeout of waits that name none, in milliseconds. Default: Infinity
   */
  Barrier(parties: number, options?: BarrierOptions): Promise<BarrierProxy> {
    return this.#make('Barrier', options === undefined ? [parties] : [parties, options])
  }

  /**
   * Makes a pool whose workers are children of the server.
   * @param processes default: `cpuCount()`
   * @param options as those of `new Pool`, without `context`: the workers are of the manager's kind
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
 * A class of managers that have, besides all that SyncManager has, a method for each factory, whose proxies are typed from what
 * it makes: `defineManager({ Math: MathServer })` has `Math(...)`.
 * @throws TypeError for what is neither a class nor a function
 */
export function defineManagerOver<F extends Readonly<Record<string, unknown>>>(
  base: typeof SyncManager,
  factories: F
): ManagerClass<F> {
  const type = class Manager extends base {}
  for (const [typeid, factory] of Object.entries(factories)) type.register(typeid, factory)
  return type as unknown as ManagerClass<F>
}
