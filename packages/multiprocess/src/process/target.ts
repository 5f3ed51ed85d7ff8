/** What can be run elsewhere. */
import { describe } from '../checks.ts'
import type { FunctionReferenceData } from '../codec/references/data.ts'
import { explicitReference } from '../codec/references/reference.ts' // lazy
import type { Awaitable } from '../ground/awaitable.ts'

/** The same function, named instead of given: for bundles, and where the V8 inspector is not available. */
export interface FunctionReference<A extends unknown[] = never[], R = unknown> {
  /** An absolute URL, such as `import.meta.url`, or a package's name. */
  module: string | URL
  /** Left out: `default`. */
  export?: string
  /** Never set: it ties the name to the function's type. */
  readonly type?: (...args: A) => R
}

/** A function that another process can be asked to run. */
export type Target<A extends unknown[] = never[], R = unknown> =
  | ((...args: A) => Awaitable<R>)
  | FunctionReference<A, R>

/** @throws TypeError when it is neither a function nor a name of one */
export function checkTarget(target: unknown, name: string): void {
  if (typeof target === 'function') return
  if (typeof target === 'object' && target !== null && 'module' in target) return
  throw new TypeError(`${name} must be a function or { module, export }, got ${describe(target)}`)
}

/** A target on its way: a function crosses as functions do in any message. */
export type SentTarget = FunctionReferenceData | ((...args: never[]) => unknown)

/**
 * What to put into a message for it.
 * @throws SerializationError when it is the name of something that cannot be named
 */
export function sentTarget(target: Target, path: string): SentTarget {
  return typeof target === 'function' ? target : explicitReference(target, path)
}
