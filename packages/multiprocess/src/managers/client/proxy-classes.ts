/** The classes of proxies, one for each kind of object, and one for each set of methods of one's own. */
import { timeoutOf, type WaitOptions } from '../../ground/waitable.ts'
import { isKind, type Kind, METHODS, methodOf } from '../protocol/methods.ts'
import type { ProxyType } from '../protocol/proxy-data.ts'
import { BarrierProxy, ConditionProxy, EventProxy, LockProxy, RLockProxy, SemaphoreProxy } from './lock-proxies.ts'
import { BaseProxy, defineMethods, insideProxy, type ProxyParts } from './proxy.ts'
import { sendable } from './sendable.ts'

type ProxyClass = new (parts: ProxyParts) => BaseProxy

const { call, callSync } = insideProxy

class DictProxy extends BaseProxy {
  async update(other: unknown): Promise<unknown> {
    return call(this, methodOf('dict', 'update'), [sendable(other)])
  }

  updateSync(other: unknown): unknown {
    return callSync(this, methodOf('dict', 'update'), [sendable(other)])
  }

  /** The entries of this moment. */
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    yield* (await call(this, methodOf('dict', 'entries'), [])) as unknown[]
  }
}

class ListProxy extends BaseProxy {
  /** The items of this moment. */
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    yield* (await call(this, methodOf('list', 'copy'), [])) as unknown[]
  }
}

class SetProxy extends BaseProxy {
  async update(values: unknown): Promise<unknown> {
    return call(this, methodOf('set', 'update'), [sendable(values)])
  }

  updateSync(values: unknown): unknown {
    return callSync(this, methodOf('set', 'update'), [sendable(values)])
  }

  /** The values of this moment. */
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    yield* (await call(this, methodOf('set', 'values'), [])) as unknown[]
  }
}

class NamespaceProxy extends BaseProxy {}
class ValueProxy extends BaseProxy {}
class CallableProxy extends BaseProxy {}

class QueueProxy extends BaseProxy {
  async put(item: unknown, options?: WaitOptions): Promise<unknown> {
    return call(this, methodOf('queue', 'put'), [item, timeoutOf(options)], options?.signal)
  }

  putSync(item: unknown, options?: WaitOptions): unknown {
    return callSync(this, methodOf('queue', 'put'), [item, timeoutOf(options)])
  }

  async get(options?: WaitOptions): Promise<unknown> {
    return call(this, methodOf('queue', 'get'), [timeoutOf(options)], options?.signal)
  }

  getSync(options?: WaitOptions): unknown {
    return callSync(this, methodOf('queue', 'get'), [timeoutOf(options)])
  }

  /** Items as they come, without end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    for (;;) yield await this.get()
  }
}

class JoinableQueueProxy extends QueueProxy {
  async join(options?: WaitOptions): Promise<unknown> {
    return call(this, methodOf('joinableQueue', 'join'), [timeoutOf(options)], options?.signal)
  }

  joinSync(options?: WaitOptions): unknown {
    return callSync(this, methodOf('joinableQueue', 'join'), [timeoutOf(options)])
  }
}

class PoolProxy extends BaseProxy {}

const TASKS = ['apply', 'map', 'starmap', 'applyAsync', 'mapAsync', 'starmapAsync', 'imap', 'imapUnordered'] as const
/** Those that take all items before they answer: here, where an iterator can be iterated. */
const TAKING_ALL: ReadonlySet<string> = new Set(['map', 'starmap', 'mapAsync', 'starmapAsync'])
for (const name of TASKS) {
  const number = methodOf('pool', name)
  const ready = TAKING_ALL.has(name) ? sendable : (input: unknown) => input
  const value = async function (this: PoolProxy, fn: unknown, input: unknown, options?: unknown) {
    if (typeof options !== 'object' || options === null) return call(this, number, [fn, ready(input), options])
    const { signal, ...others } = options as { signal?: AbortSignal }
    return call(this, number, [fn, ready(input), others], signal)
  }
  const blocking = function (this: PoolProxy, fn: unknown, input: unknown, options?: unknown) {
    return callSync(this, number, [fn, ready(input), options])
  }
  Object.defineProperty(PoolProxy.prototype, name, { value, writable: true, configurable: true })
  Object.defineProperty(PoolProxy.prototype, `${name}Sync`, { value: blocking, writable: true, configurable: true })
}

class AsyncResultProxy extends BaseProxy {
  async get(options?: WaitOptions): Promise<unknown> {
    return call(this, methodOf('asyncResult', 'get'), [timeoutOf(options)], options?.signal)
  }

  getSync(options?: WaitOptions): unknown {
    return callSync(this, methodOf('asyncResult', 'get'), [timeoutOf(options)])
  }

  async wait(options?: WaitOptions): Promise<unknown> {
    return call(this, methodOf('asyncResult', 'wait'), [timeoutOf(options)], options?.signal)
  }

  waitSync(options?: WaitOptions): unknown {
    return callSync(this, methodOf('asyncResult', 'wait'), [timeoutOf(options)])
  }
}

class IteratorProxy extends BaseProxy {
  [Symbol.asyncIterator](): this {
    return this
  }
}

const CLASSES: Readonly<Partial<Record<Kind, ProxyClass>>> = {
  dict: DictProxy,
  list: ListProxy,
  set: SetProxy,
  namespace: NamespaceProxy,
  value: ValueProxy,
  queue: QueueProxy,
  joinableQueue: JoinableQueueProxy,
  lock: LockProxy,
  rlock: RLockProxy,
  semaphore: SemaphoreProxy,
  condition: ConditionProxy,
  event: EventProxy,
  barrier: BarrierProxy,
  pool: PoolProxy,
  asyncResult: AsyncResultProxy,
  iterator: IteratorProxy,
  callable: CallableProxy
}

for (const [kind, type] of Object.entries(CLASSES)) defineMethods(type, METHODS[kind as Kind])

const own = new Map<string, ProxyClass>()

/** The class of a type's proxies. */
export function proxyClass({ kind, typeid, methods }: ProxyType): ProxyClass {
  if (isKind(kind)) return CLASSES[kind] as ProxyClass
  const key = JSON.stringify([typeid, methods])
  let type = own.get(key)
  if (type === undefined) {
    type = class extends BaseProxy {}
    Object.defineProperty(type, 'name', { value: `${typeid}Proxy` })
    defineMethods(type, methods as readonly string[])
    own.set(key, type)
  }
  return type
}
