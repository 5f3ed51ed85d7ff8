/** Dicts, lists, sets and single values, as a server keeps them. */
import { isDeepStrictEqual } from 'node:util'
import { type TypeCode, toElement } from '../../memory/type-codes.ts'
import { atOnce } from './at-once.ts'

export class DictObject {
  readonly #map: Map<unknown, unknown>

  /** @throws TypeError for what are neither entries nor an object */
  constructor(init?: unknown) {
    this.#map = new Map(entriesOf(init))
  }

  get(key: unknown): unknown {
    return this.#map.get(key)
  }

  set(key: unknown, value: unknown): void {
    this.#map.set(key, value)
  }

  has(key: unknown): boolean {
    return this.#map.has(key)
  }

  delete(key: unknown): boolean {
    return this.#map.delete(key)
  }

  clear(): void {
    this.#map.clear()
  }

  size(): number {
    return this.#map.size
  }

  keys(): unknown[] {
    return [...this.#map.keys()]
  }

  values(): unknown[] {
    return [...this.#map.values()]
  }

  entries(): unknown[] {
    return [...this.#map.entries()]
  }

  update(other: unknown): void {
    for (const [key, value] of entriesOf(other)) this.#map.set(key, value)
  }

  pop(key: unknown, fallback?: unknown): unknown {
    if (!this.#map.has(key)) return fallback
    const value = this.#map.get(key)
    this.#map.delete(key)
    return value
  }

  /** The entry that was set last, as in Python. */
  popItem(): unknown {
    const last = [...this.#map].at(-1)
    if (last !== undefined) this.#map.delete(last[0])
    return last
  }

  setDefault(key: unknown, value: unknown): unknown {
    if (!this.#map.has(key)) this.#map.set(key, value)
    return this.#map.get(key)
  }

  copy(): unknown {
    return this.#map
  }

  /** Nobody else's call comes between. */
  compute(key: unknown, fn: unknown): unknown {
    if (typeof fn !== 'function') throw new TypeError(`fn must be a function, not ${typeof fn}`)
    const value: unknown = atOnce(fn(this.#map.get(key), key), 'fn')
    if (value === undefined) this.#map.delete(key)
    else this.#map.set(key, value)
    return value
  }
}

function entriesOf(init: unknown): [unknown, unknown][] {
  if (init === undefined || init === null) return []
  if (typeof init === 'object' && Symbol.iterator in init) return [...(init as Iterable<[unknown, unknown]>)]
  if (typeof init === 'object') return Object.entries(init)
  throw new TypeError(`a dict is made of entries, or of an object, not of ${typeof init}`)
}

export class ListObject {
  protected readonly items: unknown[]

  constructor(init?: Iterable<unknown>) {
    this.items = [...(init ?? [])]
  }

  at(index: number): unknown {
    return this.items.at(index)
  }

  set(index: number, value: unknown): void {
    const at = index < 0 ? index + this.items.length : index
    if (!Number.isInteger(at) || at < 0 || at >= this.items.length) {
      throw new RangeError(`the list has no item ${index}: it has ${this.items.length}`)
    }
    this.items[at] = this.checked(value)
  }

  push(...values: unknown[]): number {
    // One by one: there may be more of them than a call takes.
    for (const value of values) this.items.push(this.checked(value))
    return this.items.length
  }

  pop(): unknown {
    return this.items.pop()
  }

  shift(): unknown {
    return this.items.shift()
  }

  unshift(...values: unknown[]): number {
    return this.items.unshift(...values.map(value => this.checked(value)))
  }

  splice(start: number, ...rest: [count?: number, ...values: unknown[]]): unknown[] {
    if (rest.length === 0) return this.items.splice(start)
    const [count, ...values] = rest
    return this.items.splice(start, count as number, ...values.map(value => this.checked(value)))
  }

  slice(start?: number, end?: number): unknown[] {
    return this.items.slice(start, end)
  }

  indexOf(value: unknown, from = 0): number {
    if (isPrimitive(value)) return this.items.indexOf(value, from)
    const start = from < 0 ? Math.max(0, from + this.items.length) : from
    return this.items.findIndex((item, i) => i >= start && isEqual(item, value))
  }

  lastIndexOf(value: unknown): number {
    return isPrimitive(value) ? this.items.lastIndexOf(value) : this.items.findLastIndex(item => isEqual(item, value))
  }

  includes(value: unknown): boolean {
    return isPrimitive(value) ? this.items.includes(value) : this.indexOf(value) >= 0
  }

  sort(compare?: (a: unknown, b: unknown) => number): void {
    this.items.sort(typeof compare === 'function' ? (a, b) => atOnce(compare(a, b), 'compare') : compare)
  }

  reverse(): void {
    this.items.reverse()
  }

  length(): number {
    return this.items.length
  }

  clear(): void {
    this.items.length = 0
  }

  copy(): unknown[] {
    return this.items
  }

  protected checked(value: unknown): unknown {
    return value
  }
}

function isPrimitive(value: unknown): boolean {
  return (typeof value !== 'object' && typeof value !== 'function') || value === null
}

/** What crossed is a copy: what looks the same is the same. */
function isEqual(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b)
}

/** A list whose items have the type of a code. */
export class ArrayObject extends ListObject {
  readonly #code: TypeCode

  /** @throws ValueError, TypeError for a code or an item that makes no sense */
  constructor(code: TypeCode, init: Iterable<unknown> = []) {
    super()
    this.#code = code
    for (const value of init) this.push(value)
  }

  protected override checked(value: unknown): unknown {
    toElement(this.#code, value, 'the item')
    return value
  }
}

export class SetObject {
  readonly #set: Set<unknown>

  constructor(init?: Iterable<unknown>) {
    this.#set = new Set(init)
  }

  add(value: unknown): void {
    this.#set.add(value)
  }

  has(value: unknown): boolean {
    return this.#set.has(value)
  }

  delete(value: unknown): boolean {
    return this.#set.delete(value)
  }

  clear(): void {
    this.#set.clear()
  }

  size(): number {
    return this.#set.size
  }

  values(): unknown[] {
    return [...this.#set]
  }

  update(values: Iterable<unknown>): void {
    for (const value of values) this.#set.add(value)
  }

  copy(): unknown {
    return this.#set
  }
}

export class NamespaceObject {
  readonly #fields: Map<string, unknown>

  constructor(init: object = {}) {
    this.#fields = new Map(Object.entries(init))
  }

  get(name: string): unknown {
    return this.#fields.get(name)
  }

  set(name: string, value: unknown): void {
    this.#fields.set(name, value)
  }

  has(name: string): boolean {
    return this.#fields.has(name)
  }

  delete(name: string): boolean {
    return this.#fields.delete(name)
  }

  keys(): string[] {
    return [...this.#fields.keys()]
  }

  copy(): object {
    return Object.fromEntries(this.#fields)
  }
}

export class ValueObject {
  readonly #code: TypeCode
  #value: unknown

  /** @throws ValueError, TypeError for a code or a value that makes no sense */
  constructor(code: TypeCode, init: unknown) {
    this.#code = code
    this.set(init)
  }

  get(): unknown {
    return this.#value
  }

  set(value: unknown): void {
    toElement(this.#code, value, 'the value')
    this.#value = value
  }
}
