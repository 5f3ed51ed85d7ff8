/** What `map` and `imap` take their items from. */
import { describe } from '../checks.ts'
import type { Awaitable } from '../ground/awaitable.ts'

/** @throws TypeError when it is neither an iterable nor an asynchronous one */
export function checkIterable(items: unknown): void {
  if (items !== null && items !== undefined) {
    const object = Object(items)
    if (Symbol.asyncIterator in object || Symbol.iterator in object) return
  }
  throw new TypeError(`items must be iterable, got ${describe(items)}`)
}

/** @throws TypeError as `checkIterable` */
export function iterate<T>(items: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  checkIterable(items)
  if (Symbol.asyncIterator in Object(items)) return (items as AsyncIterable<T>)[Symbol.asyncIterator]()
  return (items as Iterable<T>)[Symbol.iterator]()
}

/** @param isOver is asked after each item that had to be awaited: true leaves the input */
export function collect<T>(items: Iterable<T> | AsyncIterable<T>, isOver: () => boolean): Awaitable<readonly T[]> {
  if (Array.isArray(items)) return items
  const input = iterate(items)
  if (Symbol.asyncIterator in Object(items)) return collectAsync(items as AsyncIterable<T>, isOver)
  return Array.from({ [Symbol.iterator]: () => input as Iterator<T> })
}

async function collectAsync<T>(items: AsyncIterable<T>, isOver: () => boolean): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) {
    if (isOver()) break
    all.push(item)
  }
  return all
}
