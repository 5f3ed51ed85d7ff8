/** A method's result that stays at the server: the caller gets a proxy of it. */
import { describe } from '../../checks.ts'
import { methodNames, type ObjectKind, REGISTERED } from './methods.ts'
import type { ProxyType } from './proxy-data.ts'
import type { Referent } from './referents.ts'

export class Served {
  readonly type: ProxyType
  readonly object: object
  readonly methods: readonly string[]

  constructor(type: ProxyType, object: object, methods: readonly string[]) {
    this.type = type
    this.object = object
    this.methods = methods
  }
}

export function serveKind(kind: ObjectKind, object: object, typeid: string = kind): Served {
  return new Served({ kind, typeid, methods: null }, object, methodNames(kind))
}

export function serveIterator(typeid: string, iterator: AnyIterator): Served {
  return serveKind('iterator', new IteratorObject(iterator), typeid)
}

/**
 * Serves what a registered factory created, or a method of such an object returned: iterators and functions in their own ways, all other
 * objects with their methods.
 */
export function serveObject(typeid: string, object: unknown, exposed: readonly string[] | undefined): Served {
  if (exposed === undefined && isIterator(object)) return serveIterator(typeid, object)
  if (exposed === undefined && typeof object === 'function') {
    return serveKind('callable', { call: (...args: unknown[]) => object(...args) }, typeid)
  }
  if ((typeof object !== 'object' && typeof object !== 'function') || object === null) {
    throw new TypeError(`the factory of ${JSON.stringify(typeid)} must return an object, got ${describe(object)}`)
  }
  const methods = exposed ?? publicMethods(object)
  for (const name of methods) {
    if (typeof (object as Record<string, unknown>)[name] !== 'function') {
      throw new TypeError(
        `${JSON.stringify(typeid)} exposes ${JSON.stringify(name)}, which is not a method of its object`
      )
    }
  }
  return new Served({ kind: REGISTERED, typeid, methods }, object, methods)
}

/** Returns the names of an object's methods, own and inherited. Names that begin with `_` are private. */
export function publicMethods(object: object): string[] {
  const names = new Set<string>()
  for (
    let link: object | null = object;
    link !== null && link !== Object.prototype;
    link = Object.getPrototypeOf(link)
  ) {
    if (link === Function.prototype) break
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(link))) {
      if (typeof value === 'function' && name !== 'constructor' && !name.startsWith('_') && name !== 'then')
        names.add(name)
    }
  }
  return [...names]
}

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>

/** Returns true for an object that has `next` and can itself be iterated: a generator, an iterator of a Map, and the like. */
export function isIterator(value: unknown): value is AnyIterator {
  if (typeof value !== 'object' || value === null) return false
  const candidate = value as Partial<AsyncIterable<unknown> & Iterable<unknown> & AnyIterator>
  return (
    typeof candidate.next === 'function' &&
    (typeof candidate[Symbol.asyncIterator] === 'function' || typeof candidate[Symbol.iterator] === 'function')
  )
}

/** Serves generators and iterators; plain iterables, such as arrays, cross as copies. */
export function serveIterators(value: unknown, { type }: Referent): unknown {
  return isIterator(value) ? serveIterator(`${type.typeid} iterator`, value) : value
}

/** The methods of an iterator, including those that it lacks. */
class IteratorObject {
  readonly #iterator: AnyIterator

  constructor(iterator: AnyIterator) {
    this.#iterator = iterator
  }

  next(...args: [] | [unknown]): unknown {
    return this.#iterator.next(...args)
  }

  return(value?: unknown): unknown {
    return this.#iterator.return?.(value) ?? { value, done: true }
  }

  throw(error: unknown): unknown {
    if (this.#iterator.throw !== undefined) return this.#iterator.throw(error)
    throw error
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
