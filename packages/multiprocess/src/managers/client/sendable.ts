import { describe } from '../../checks.ts'

/** Returns the items of an iterable as an array: iterators, such as those of a Map, and generators cannot cross. */
export function sendable(items: unknown): unknown {
  const isIterable = typeof items === 'object' && items !== null && Symbol.iterator in items
  return isIterable && !Array.isArray(items) ? [...(items as Iterable<unknown>)] : items
}

/** Returns the items of `init`. @throws TypeError if it is not iterable */
export function itemsOf(init: unknown, name: string): unknown[] {
  if (init === undefined || init === null || typeof (init as Iterable<unknown>)[Symbol.iterator] !== 'function') {
    throw new TypeError(`${name} must be iterable, got ${describe(init)}`)
  }
  return [...(init as Iterable<unknown>)]
}
