/** Dicts, sets, namespaces and single values, as a server keeps them. */
import { checkFunction, describe } from '../../checks.ts'
import { ValueError } from '../../errors.ts'
import { type TypeCode, toElement } from '../../memory/type-codes.ts'
import { atOnce } from './at-once.ts'

type Entries<K, V> = Iterable<readonly [K, V]> | Readonly<Record<string, V>>

export class DictObject<K = unknown, V = unknown> {
  readonly #map: Map<K, V>

  /** @throws TypeError if `init` is neither entries nor an object */
  constructor(init?: Entries<K, V>) {
    this.#map = new Map(entriesOf(init))
  }

  get(key: K, fallback?: V): V | undefined {
    const value = this.#map.get(key)
    return value === undefined && fallback !== undefined && !this.#map.has(key) ? fallback : value
  }

  set(key: K, value: V): void {
    this.#map.set(key, value)
  }

  has(key: K): boolean {
    return this.#map.has(key)
  }

  /** Removes an entry; returns false if the dict has no such key. */
  delete(key: K): boolean {
    return this.#map.delete(key)
  }

  clear(): void {
    this.#map.clear()
  }

  size(): number {
    return this.#map.size
  }

  /** Returns the keys of this moment, in the order in which they were first set. */
  keys(): K[] {
    return [...this.#map.keys()]
  }

  values(): V[] {
    return [...this.#map.values()]
  }

  entries(): [K, V][] {
    return [...this.#map.entries()]
  }

  update(other: Entries<K, V>): void {
    for (const [key, value] of entriesOf(other)) this.#map.set(key, value)
  }

  pop(key: K, fallback?: V): V | undefined {
    if (!this.#map.has(key)) return fallback
    const value = this.#map.get(key)
    this.#map.delete(key)
    return value
  }

  /** Removes the entry that was set last, as in Python, and returns it; undefined if the dict is empty. */
  popItem(): [K, V] | undefined {
    const last = [...this.#map].at(-1)
    if (last !== undefined) this.#map.delete(last[0])
    return last
  }

  /** Returns the value of the key, after setting it to `value` if there was none. */
  setDefault(key: K, value: V): V {
    if (!this.#map.has(key)) this.#map.set(key, value)
    return this.#map.get(key) as V
  }

  copy(): Map<K, V> {
    return this.#map
  }

  /** Nobody else's call comes between the read and the write. */
  compute(key: K, fn: (value: V | undefined, key: K) => V | undefined): V | undefined {
    checkFunction('fn', fn)
    const value = atOnce(fn(this.#map.get(key), key), 'fn')
    if (value === undefined) this.#map.delete(key)
    else this.#map.set(key, value)
    return value
  }
}

function entriesOf<K, V>(init: Entries<K, V> | null | undefined): Iterable<readonly [K, V]> {
  if (init === undefined || init === null) return []
  if (typeof init === 'object' && Symbol.iterator in init) return init as Iterable<readonly [K, V]>
  if (typeof init === 'object') return Object.entries(init) as unknown as [K, V][]
  throw new TypeError(`init must be entries or an object, got ${describe(init)}`)
}

export class SetObject<T = unknown> {
  readonly #set: Set<T>

  constructor(init?: Iterable<T>) {
    this.#set = new Set(init)
  }

  add(value: T): void {
    this.#set.add(value)
  }

  has(value: T): boolean {
    return this.#set.has(value)
  }

  /** Removes a value; returns false if the set does not have it. */
  delete(value: T): boolean {
    return this.#set.delete(value)
  }

  /** Removes a value, the one that was added first, and returns it. @throws ValueError if the set is empty */
  pop(): T {
    for (const value of this.#set) {
      this.#set.delete(value)
      return value
    }
    throw new ValueError('cannot pop from the set: it is empty')
  }

  clear(): void {
    this.#set.clear()
  }

  size(): number {
    return this.#set.size
  }

  /** Returns the values of this moment, in the order in which they were added. */
  values(): T[] {
    return [...this.#set]
  }

  update(values: Iterable<T>): void {
    for (const value of values) this.#set.add(value)
  }

  /** Returns a set of the values that this set or `values` have. */
  union(values: Iterable<T>): Set<T> {
    return new Set([...this.#set, ...values])
  }

  /** Returns a set of the values that both have. */
  intersection(values: Iterable<T>): Set<T> {
    const others = new Set(values)
    return new Set([...this.#set].filter(value => others.has(value)))
  }

  /** Returns a set of the values that this set has and `values` lack. */
  difference(values: Iterable<T>): Set<T> {
    const others = new Set(values)
    return new Set([...this.#set].filter(value => !others.has(value)))
  }

  /** Returns a set of the values that just one of both has. */
  symmetricDifference(values: Iterable<T>): Set<T> {
    const others = new Set(values)
    return new Set([...this.difference(others), ...[...others].filter(value => !this.#set.has(value))])
  }

  isSubsetOf(values: Iterable<T>): boolean {
    const others = new Set(values)
    return [...this.#set].every(value => others.has(value))
  }

  isSupersetOf(values: Iterable<T>): boolean {
    return [...values].every(value => this.#set.has(value))
  }

  isDisjointFrom(values: Iterable<T>): boolean {
    return ![...values].some(value => this.#set.has(value))
  }

  copy(): Set<T> {
    return this.#set
  }
}

export class NamespaceObject<T extends object = Record<string, unknown>> {
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

  /** Removes a field; returns false if the namespace has no such field. */
  delete(name: keyof T & string): boolean {
    return this.#fields.delete(name)
  }

  keys(): (keyof T & string)[] {
    return [...this.#fields.keys()] as (keyof T & string)[]
  }

  copy(): T {
    return Object.fromEntries(this.#fields) as T
  }
}

export class ValueObject<T = unknown> {
  readonly #code: TypeCode
  #value: T

  /** @throws ValueError, TypeError if the code or the value makes no sense */
  constructor(code: TypeCode, init: T) {
    this.#code = code
    toElement(code, init, 'the value')
    this.#value = init
  }

  get(): T {
    return this.#value
  }

  /** @throws ValueError, TypeError if the value does not have the type of the code */
  set(value: T): void {
    toElement(this.#code, value, 'the value')
    this.#value = value
  }
}
