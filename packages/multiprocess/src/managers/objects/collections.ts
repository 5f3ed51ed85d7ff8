/** The dicts, sets, namespaces and single values of a server. */
import { checkFunction, describe } from '../../checks.ts'
import { ValueError } from '../../errors.ts'
import { type TypeCode, toElement } from '../../memory/type-codes.ts'
import { atOnce } from './at-once.ts'

type Entries<K, V> = Iterable<readonly [K, V]> | Readonly<Record<string, V>>

/** A dict at the server. */
export class DictObject<K = unknown, V = unknown> {
  readonly #map: Map<K, V>

  /** @throws TypeError if `init` is neither entries nor an object */
  constructor(init?: Entries<K, V>) {
    this.#map = new Map(entriesOf(init))
  }

  /** Returns the value of the key; if there is none, returns `fallback`. */
  get(key: K, fallback?: V): V | undefined {
    const value = this.#map.get(key)
    return value === undefined && fallback !== undefined && !this.#map.has(key) ? fallback : value
  }

  /** Sets the value of a key. */
  set(key: K, value: V): void {
    this.#map.set(key, value)
  }

  /** Returns true if the dict has the key. */
  has(key: K): boolean {
    return this.#map.has(key)
  }

  /** Removes an entry. Returns false if the dict has no such key. */
  delete(key: K): boolean {
    return this.#map.delete(key)
  }

  /** Removes all entries. */
  clear(): void {
    this.#map.clear()
  }

  /** Returns the number of entries. */
  size(): number {
    return this.#map.size
  }

  /** Returns the present keys, in the order in which they were first set. */
  keys(): K[] {
    return [...this.#map.keys()]
  }

  /** Returns the present values, in the order of the keys. */
  values(): V[] {
    return [...this.#map.values()]
  }

  /** Returns the present entries, in the order of the keys. */
  entries(): [K, V][] {
    return [...this.#map.entries()]
  }

  /** Sets all entries of an iterable or an object. */
  update(other: Entries<K, V>): void {
    for (const [key, value] of entriesOf(other)) this.#map.set(key, value)
  }

  /** Removes an entry and returns its value; if there is none, returns `fallback`. */
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

  /** Returns a copy as a Map. */
  copy(): Map<K, V> {
    return this.#map
  }

  /** Calls `fn` with the value of the key and sets its result. No other call comes between the read and the write. */
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

/** A set at the server. */
export class SetObject<T = unknown> {
  readonly #set: Set<T>

  constructor(init?: Iterable<T>) {
    this.#set = new Set(init)
  }

  /** Adds a value. */
  add(value: T): void {
    this.#set.add(value)
  }

  /** Returns true if the set has the value. */
  has(value: T): boolean {
    return this.#set.has(value)
  }

  /** Removes a value. Returns false if the set does not have it. */
  delete(value: T): boolean {
    return this.#set.delete(value)
  }

  /** Removes the value that was added first, and returns it. @throws ValueError if the set is empty */
  pop(): T {
    for (const value of this.#set) {
      this.#set.delete(value)
      return value
    }
    throw new ValueError('cannot pop from the set: it is empty')
  }

  /** Removes all values. */
  clear(): void {
    this.#set.clear()
  }

  /** Returns the number of values. */
  size(): number {
    return this.#set.size
  }

  /** Returns the present values, in the order in which they were added. */
  values(): T[] {
    return [...this.#set]
  }

  /** Adds all values of an iterable. */
  update(values: Iterable<T>): void {
    for (const value of values) this.#set.add(value)
  }

  /** Returns the values that are in this set or in `values`. */
  union(values: Iterable<T>): Set<T> {
    return new Set([...this.#set, ...values])
  }

  /** Returns the values that are in both. */
  intersection(values: Iterable<T>): Set<T> {
    const others = new Set(values)
    return new Set([...this.#set].filter(value => others.has(value)))
  }

  /** Returns the values that are in this set and not in `values`. */
  difference(values: Iterable<T>): Set<T> {
    const others = new Set(values)
    return new Set([...this.#set].filter(value => !others.has(value)))
  }

  /** Returns the values that are in exactly one of both. */
  symmetricDifference(values: Iterable<T>): Set<T> {
    const others = new Set(values)
    return new Set([...this.difference(others), ...[...others].filter(value => !this.#set.has(value))])
  }

  /** Returns true if all values of this set are in `values`. */
  isSubsetOf(values: Iterable<T>): boolean {
    const others = new Set(values)
    return [...this.#set].every(value => others.has(value))
  }

  /** Returns true if all of `values` are in this set. */
  isSupersetOf(values: Iterable<T>): boolean {
    return [...values].every(value => this.#set.has(value))
  }

  /** Returns true if none of `values` is in this set. */
  isDisjointFrom(values: Iterable<T>): boolean {
    return ![...values].some(value => this.#set.has(value))
  }

  /** Returns a copy as a Set. */
  copy(): Set<T> {
    return this.#set
  }
}

/** A namespace at the server. */
export class NamespaceObject<T extends object = Record<string, unknown>> {
  readonly #fields: Map<string, unknown>

  constructor(init: object = {}) {
    this.#fields = new Map(Object.entries(init))
  }

  /** Returns the value of a field; undefined if there is no such field. */
  get(name: string): unknown {
    return this.#fields.get(name)
  }

  /** Sets the value of a field. */
  set(name: string, value: unknown): void {
    this.#fields.set(name, value)
  }

  /** Returns true if the namespace has the field. */
  has(name: string): boolean {
    return this.#fields.has(name)
  }

  /** Removes a field. Returns false if the namespace has no such field. */
  delete(name: keyof T & string): boolean {
    return this.#fields.delete(name)
  }

  /** Returns the names of the fields. */
  keys(): (keyof T & string)[] {
    return [...this.#fields.keys()] as (keyof T & string)[]
  }

  /** Returns a copy as an object. */
  copy(): T {
    return Object.fromEntries(this.#fields) as T
  }
}

/** A single value at the server. */
export class ValueObject<T = unknown> {
  readonly #code: TypeCode
  #value: T

  /** @throws ValueError, TypeError if the code is unknown, or the value does not have its type */
  constructor(code: TypeCode, init: T) {
    this.#code = code
    toElement(code, init, 'the value')
    this.#value = init
  }

  /** Returns the value. */
  get(): T {
    return this.#value
  }

  /** Sets the value. @throws ValueError, TypeError if it does not have the type of the code */
  set(value: T): void {
    toElement(this.#code, value, 'the value')
    this.#value = value
  }
}
