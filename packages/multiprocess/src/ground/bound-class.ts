/**
 * The classes of each start method. The class of `spawn` is the class itself. The class of `thread` extends it, once for each
 * process. Its instances are all instances of the class, and of its subclasses, whose start method is `thread`: a Semaphore over
 * threads is a Lock over threads, although neither class extends the other.
 */
import type { StartMethod } from './members/platform.ts'

type Class = abstract new (...args: never[]) => object

const bound = new Map<StartMethod, WeakMap<Class, Class>>()

/** Returns the start method of an instance, according to its class. */
export function methodOf(object: object): StartMethod {
  return (object.constructor as unknown as { method: StartMethod }).method
}

/** Returns the class for a start method. @param type a class with a static `method`, 'spawn' */
export function boundTo<T extends Class>(type: T, method: StartMethod): T {
  if (method === 'spawn') return type
  let classes = bound.get(method)
  if (classes === undefined) {
    classes = new WeakMap()
    bound.set(method, classes)
  }
  let found = classes.get(type) as T | undefined
  if (found === undefined) {
    found = extend(type, method)
    classes.set(type, found)
  }
  return found
}

function extend<T extends Class>(type: T, method: StartMethod): T {
  const extended = class extends (type as unknown as new (...args: unknown[]) => object) {
    static readonly method = method
  }
  Object.defineProperty(extended, 'name', { value: type.name })
  Object.defineProperty(extended, Symbol.hasInstance, {
    value(this: unknown, object: unknown): boolean {
      // A user's class that extends this one has its instances as any class does.
      if (this !== extended) return Function.prototype[Symbol.hasInstance].call(this, object)
      return object instanceof type && methodOf(object) === method
    }
  })
  return extended as unknown as T
}
