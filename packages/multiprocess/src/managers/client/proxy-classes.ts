/** The classes of proxies: one for each kind of object, and one for each set of methods of a registered object. */
import { isObjectKind, methodNumber, type ObjectKind } from '../protocol/methods.ts'
import type { ProxyType } from '../protocol/proxy-data.ts'
import { defineKind, defineRegistered } from './calls.ts'
import { ExclusiveProxy, NestingProxy, WaitingProxy } from './lock-proxies.ts'
import { BaseProxy, insideProxy, type ProxyParts } from './proxy.ts'

type ProxyClass = new (parts: ProxyParts) => BaseProxy

const { call } = insideProxy

/** Returns a class whose `for await` iterates over what a method of its kind returns when the loop begins. */
function iteratedBy<K extends ObjectKind>(kind: K, name: Parameters<typeof methodNumber<K>>[1]): ProxyClass {
  const number = methodNumber(kind, name)
  return class extends BaseProxy {
    async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
      yield* (await call(this, number, [])) as unknown[]
    }
  }
}

/** Returns a class whose `for await` takes one item after another, without end. */
function endless(kind: 'queue' | 'joinableQueue'): ProxyClass {
  const number = methodNumber(kind, 'get')
  return class extends BaseProxy {
    async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
      for (;;) yield await call(this, number, [])
    }
  }
}

class SelfIterating extends BaseProxy {
  [Symbol.asyncIterator](): this {
    return this
  }
}

/** For each kind, the name of its class, as `console.log` shows it, and its base class, with what the table does not have. */
const KINDS: Readonly<Record<Exclude<ObjectKind, 'manager'>, readonly [name: string, base: ProxyClass]>> = {
  dict: ['DictProxy', iteratedBy('dict', 'entries')],
  list: ['ListProxy', iteratedBy('list', 'copy')],
  set: ['SetProxy', iteratedBy('set', 'values')],
  namespace: ['NamespaceProxy', BaseProxy],
  value: ['ValueProxy', BaseProxy],
  queue: ['QueueProxy', endless('queue')],
  joinableQueue: ['JoinableQueueProxy', endless('joinableQueue')],
  lock: ['LockProxy', ExclusiveProxy],
  rlock: ['RLockProxy', NestingProxy],
  semaphore: ['SemaphoreProxy', ExclusiveProxy],
  condition: ['ConditionProxy', WaitingProxy],
  event: ['EventProxy', BaseProxy],
  barrier: ['BarrierProxy', BaseProxy],
  pool: ['PoolProxy', BaseProxy],
  asyncResult: ['AsyncResultProxy', BaseProxy],
  iterator: ['IteratorProxy', SelfIterating],
  callable: ['CallableProxy', BaseProxy]
}

const classes = new Map<string, ProxyClass>()

/** Returns the class of a type's proxies. @throws TypeError for an unknown kind */
export function proxyClass({ kind, typeid, methods }: ProxyType): ProxyClass {
  const isBuiltIn = isObjectKind(kind) && kind !== 'manager'
  const key = isBuiltIn ? kind : JSON.stringify([typeid, methods])
  let type = classes.get(key)
  if (type === undefined) {
    if (isBuiltIn) {
      const [name, base] = KINDS[kind]
      type = named(class extends base {}, name)
      defineKind(type, kind)
    } else {
      type = named(class extends BaseProxy {}, `${typeid}Proxy`)
      defineRegistered(type, methods as readonly string[])
    }
    classes.set(key, type)
  }
  return type
}

function named(type: ProxyClass, name: string): ProxyClass {
  return Object.defineProperty(type, 'name', { value: name })
}
