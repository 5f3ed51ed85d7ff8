/** What another process can run. */
import { describe } from '../checks.ts'
import type { FunctionReferenceData } from '../codec/references/data.ts'
import { explicitReference } from '../codec/references/reference.ts' // lazy
import type { Awaitable } from '../ground/awaitable.ts'

/** Names a function instead of passing it: for bundles, and where the V8 inspector is not available. */
export interface FunctionReference<A extends unknown[] = never[], R = unknown> {
  /** The module: an absolute URL, such as `import.meta.url`, or the name of a package. */
  module: string | URL
  /** The name of the export. Default: `default`. */
  export?: string
  /** Never set: it connects the name with the function's type. */
  readonly type?: (...args: A) => R
}

/** A function that another process can run: the function itself, or its name. */
export type Target<A extends unknown[] = never[], R = unknown> =
  | ((...args: A) => Awaitable<R>)
  | FunctionReference<A, R>

/** @throws TypeError if `target` is neither a function nor a name of one */
export function checkTarget(target: unknown, name: string): void {
  if (typeof target === 'function') return
  if (typeof target === 'object' && target !== null && 'module' in target) return
  throw new TypeError(`${name} must be a function or { module, export }, got ${describe(target)}`)
}

/** A target in a message: a function crosses as functions do in any message. */
export type SentTarget = FunctionReferenceData | ((...args: never[]) => unknown)

/**
 * Returns what a message contains for a target.
 * @throws SerializationError if the target is a name that cannot be resolved
 */
export function sentTarget(target: Target, path: string): SentTarget {
  return typeof target === 'function' ? target : explicitReference(target, path)
}
