/** The lists of a server. */

import { isDeepStrictEqual } from 'node:util'
import { checkFunction } from '../../checks.ts'
import { ValueError } from '../../errors.ts'
import { type TypeCode, toElement } from '../../memory/type-codes.ts'
import { atOnce } from './at-once.ts'
import { compareAsPython } from './python-order.ts'

/** A list at the server. */
export class ListObject<T = unknown> {
  protected readonly items: T[]

  constructor(init?: Iterable<T>) {
    this.items = [...(init ?? [])]
  }

  /** Returns an item; undefined if the list has none at the index. A negative index counts from the end. */
  at(index: number): T | undefined {
    return this.items.at(index)
  }

  /** Sets an item. A negative index counts from the end. @throws RangeError if the list has no item at the index */
  set(index: number, value: T): void {
    this.items[this.#place(index)] = this.checked(value)
  }

  /** Appends values and returns the new length. */
  push(...values: T[]): number {
    return this.extend(values)
  }

  /** Appends the values of an iterable, however many, and returns the new length. */
  extend(values: Iterable<T>): number {
    // One by one: there may be more values than arguments that a call can have.
    for (const value of values) this.items.push(this.checked(value))
    return this.items.length
  }

  /**
   * Removes an item, the last one by default, and returns it; undefined if the list is empty.
   * @throws RangeError if an index is passed and the list has no item there
   */
  pop(index?: number): T | undefined {
    return index === undefined ? this.items.pop() : this.items.splice(this.#place(index), 1)[0]
  }

  /** Removes the first item and returns it; undefined if the list is empty. */
  shift(): T | undefined {
    return this.items.shift()
  }

  /** Inserts values at the beginning and returns the new length. */
  unshift(...values: T[]): number {
    return this.items.unshift(...values.map(value => this.checked(value)))
  }

  /** Inserts a value before the item at `index`, as Python's `insert`: an index beyond an end means that end. */
  insert(index: number, value: T): void {
    this.items.splice(index, 0, this.checked(value))
  }

  /** Removes `count` items from `start` on (all, by default), inserts values in their place, and returns the removed items. */
  splice(start: number, ...rest: [count?: number, ...values: T[]]): T[] {
    if (rest.length === 0) return this.items.splice(start)
    const [count, ...values] = rest
    return this.items.splice(start, count as number, ...values.map(value => this.checked(value)))
  }

  /** Returns the items from `start` (0, by default) to `end` (the length, by default), without the item at `end`. */
  slice(start?: number, end?: number): T[] {
    return this.items.slice(start, end)
  }

  /** Returns the index of the first item that equals `value`; −1 if there is none. Objects are equal if they have the same content. */
  indexOf(value: T, from = 0): number {
    if (isPrimitive(value)) return this.items.indexOf(value, from)
    const start = from < 0 ? Math.max(0, from + this.items.length) : from
    return this.items.findIndex((item, i) => i >= start && isEqual(item, value))
  }

  /** Returns the index of the last item that equals `value`; −1 if there is none. */
  lastIndexOf(value: T): number {
    return isPrimitive(value) ? this.items.lastIndexOf(value) : this.items.findLastIndex(item => isEqual(item, value))
  }

  /** Returns true if an item equals `value`. */
  includes(value: T): boolean {
    return isPrimitive(value) ? this.items.includes(value) : this.indexOf(value) >= 0
  }

  /** Returns the number of items that equal `value`. */
  count(value: T): number {
    let count = 0
    for (const item of this.items) if (isEqual(item, value)) count++
    return count
  }

  /** Removes the first item that equals `value`. @throws ValueError if there is none */
  remove(value: T): void {
    const at = this.indexOf(value)
    if (at < 0) throw new ValueError('cannot remove the value: it is not in the list')
    this.items.splice(at, 1)
  }

  /**
   * Sorts in place, and keeps the order of items that compare as equal. Without `compare`, items are compared as in Python, and not by
   * their texts as in Array.sort: numbers by value, strings by their characters, arrays item by item.
   * @param compare runs at the server
   * @throws TypeError if the items are of kinds that Python does not compare; the list then stays as it was
   */
  sort(compare?: (a: T, b: T) => number): void {
    if (compare !== undefined) checkFunction('compare', compare)
    const order = compare === undefined ? compareAsPython : (a: T, b: T) => atOnce(compare(a, b), 'compare')
    const sorted = this.items.toSorted(order)
    for (const [index, item] of sorted.entries()) this.items[index] = item
  }

  /** Reverses the order of the items. */
  reverse(): void {
    this.items.reverse()
  }

  /** Returns the number of items. */
  length(): number {
    return this.items.length
  }

  /** Removes all items. */
  clear(): void {
    this.items.length = 0
  }

  /** Returns a copy as an array. */
  copy(): T[] {
    return this.items
  }

  protected checked(value: T): T {
    return value
  }

  #place(index: number): number {
    const at = index < 0 ? index + this.items.length : index
    if (!Number.isInteger(at) || at < 0 || at >= this.items.length) {
      throw new RangeError(`item ${index} does not exist in a list of length ${this.items.length}`)
    }
    return at
  }
}

function isPrimitive(value: unknown): boolean {
  return (typeof value !== 'object' && typeof value !== 'function') || value === null
}

/** Compares by content, because values that crossed are copies. */
function isEqual(a: unknown, b: unknown): boolean {
  return a === b || (!isPrimitive(b) && isDeepStrictEqual(a, b))
}

/** A list whose items have the type of a code. */
export class ArrayObject<T = unknown> extends ListObject<T> {
  readonly #code: TypeCode

  /** @throws ValueError, TypeError if the code is unknown, or an item does not have its type */
  constructor(code: TypeCode, init: Iterable<T> = []) {
    super()
    this.#code = code
    this.extend(init)
  }

  protected override checked(value: T): T {
    toElement(this.#code, value, 'the item')
    return value
  }
}
