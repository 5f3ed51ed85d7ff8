/** Creates the objects of a server: the types that every manager has, and the registered ones. */
import { describe } from '../../checks.ts'
import { ValueError } from '../../errors.ts'
import type { StartMethod } from '../../ground/members/platform.ts'
import { receivedTarget } from '../../process/received-target.ts'
import { BaseProxy, insideProxy } from '../client/proxy.ts'
import type { ObjectKind } from '../protocol/methods.ts'
import { Referent } from '../protocol/referents.ts'
import { type Served, serveKind, serveObject } from '../protocol/served.ts'
import { DictObject, NamespaceObject, SetObject, ValueObject } from './collections.ts'
import { ArrayObject, ListObject } from './lists.ts'
import { BoundedSemaphoreObject, ConditionObject, LockObject, RLockObject, SemaphoreObject } from './locks.ts'
import { BarrierObject, EventObject } from './meetings.ts'
import { PoolObject } from './pool.ts'
import { JoinableQueueObject, QueueObject } from './queue.ts'

/** A registered type. */
export interface Factory {
  /** A class, a function that returns the object or a promise of it, or the name of either. */
  readonly factory: unknown
  /** The methods that proxies have. Default: all public methods. */
  readonly exposed?: readonly string[]
}

type Args = readonly never[]
type MakeObject = (args: Args, method: StartMethod) => object

const of =
  (type: new (...args: never[]) => object): MakeObject =>
  args =>
    new type(...args)

const BUILT_IN: Readonly<Record<string, readonly [ObjectKind, MakeObject]>> = {
  dict: ['dict', of(DictObject)],
  list: ['list', of(ListObject)],
  set: ['set', of(SetObject)],
  Namespace: ['namespace', of(NamespaceObject)],
  Value: ['value', of(ValueObject)],
  Array: ['list', of(ArrayObject)],
  Queue: ['queue', of(QueueObject)],
  JoinableQueue: ['joinableQueue', of(JoinableQueueObject)],
  Lock: ['lock', of(LockObject)],
  RLock: ['rlock', of(RLockObject)],
  Semaphore: ['semaphore', of(SemaphoreObject)],
  BoundedSemaphore: ['semaphore', of(BoundedSemaphoreObject)],
  Condition: ['condition', ([lock]) => new ConditionObject(lockOf(lock))],
  Event: ['event', of(EventObject)],
  Barrier: ['barrier', of(BarrierObject)],
  Pool: ['pool', (args, method) => new PoolObject(method, ...(args as readonly []))]
}

/** Returns the lock of a proxy. */
function lockOf(lock: unknown): LockObject | undefined {
  if (lock === undefined) return undefined
  const holder = lock instanceof BaseProxy ? insideProxy.parts(lock).holder : undefined
  if (holder instanceof Referent && holder.object instanceof LockObject) return holder.object
  throw new TypeError(`lock must be a Lock or an RLock of the same manager, got ${describe(lock)}`)
}

export class ObjectFactories {
  readonly #method: StartMethod
  readonly #own: ReadonlyMap<string, Factory>

  constructor(method: StartMethod, own: ReadonlyMap<string, Factory>) {
    this.#method = method
    this.#own = own
  }

  create(typeid: string, args: readonly unknown[]): Served | Promise<Served> {
    const factory = this.#own.get(typeid)
    if (factory !== undefined) return createOwn(typeid, factory, args)
    const builtIn = Object.hasOwn(BUILT_IN, typeid) ? BUILT_IN[typeid] : undefined
    if (builtIn === undefined) throw new ValueError(`the manager has no type ${JSON.stringify(typeid)}: register it`)
    const [kind, make] = builtIn
    return serveKind(kind, make(args as Args, this.#method), typeid)
  }
}

async function createOwn(typeid: string, { factory, exposed }: Factory, args: readonly unknown[]): Promise<Served> {
  const make = await receivedTarget(factory)
  const object: unknown = isClass(make) ? Reflect.construct(make, args) : await make(...args)
  return serveObject(typeid, object, exposed)
}

function isClass(make: (...args: unknown[]) => unknown): boolean {
  const text = Function.prototype.toString.call(make)
  if (text.startsWith('class')) return true
  // Built-in classes such as Map cannot be called; those that can, such as Array, return the same as with `new`.
  return text.endsWith('{ [native code] }') && make.prototype !== undefined
}
