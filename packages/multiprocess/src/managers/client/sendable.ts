/** Iterators, such as those of a Map, and generators can't cross; what they give can. */
export function sendable(items: unknown): unknown {
  const isIterable = typeof items === 'object' && items !== null && Symbol.iterator in items
  return isIterable && !Array.isArray(items) ? [...(items as Iterable<unknown>)] : items
}

/** @throws TypeError when it can't be iterated */
export function itemsOf(init: unknown, name: string): unknown[] {
  if (init === undefined || init === null || typeof (init as Iterable<unknown>)[Symbol.iterator] !== 'function') {
    throw new TypeError(`${name} must be iterable, not ${init === null ? 'null' : typeof init}`)
  }
  return [...(init as Iterable<unknown>)]
}
