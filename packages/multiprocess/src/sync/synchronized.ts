/** Shared arrays and values that come with a lock: Python's `multiprocessing.Array` and `Value`. */

import { checkOptions, optionNames } from '../checks.ts'
import type { Awaitable } from '../ground/awaitable.ts'
import { boundTo } from '../ground/bound-class.ts'
import type { StartMethod } from '../ground/members/platform.ts'
import { createArray, setText, shapeOf, textOf } from '../memory/shared-array.ts'
import { createCell, SharedCell } from '../memory/shared-value.ts'
import { type AnyTypedArray, type ElementOf, type TypeCode, type TypedArrayOf, typeOf } from '../memory/type-codes.ts'
import { Condition } from './condition.ts'
import { Lock } from './lock.ts'
import { RLock } from './rlock.ts'
import { Semaphore } from './semaphore.ts'

export interface Synchronized {
  getLock(): RLock
  /** What the lock is for, without it. */
  getObj(): unknown
  /** Runs `fn` while the lock is held. */
  runExclusive<R>(fn: () => Awaitable<R>): Promise<R>
  runExclusiveSync<R>(fn: () => R): R
}

/** A typed array over shared memory, with a lock. Its elements are read and written as those of any typed array. */
export type SharedArray<C extends TypeCode> = TypedArrayOf<C> &
  Synchronized & {
    /** Of the codes c and u: the text, up to the first zero. */
    value: string
  }

export type SharedValue<C extends TypeCode> = Synchronized & { value: ElementOf<C> }

export interface LockOption {
  /** true, the default: an RLock of its own; false: none */
  lock?: boolean | Lock | RLock
}

const locks = new WeakMap<object, Lock>()

/** Of an array or a value that has one. */
export function lockOf(object: object): Lock | undefined {
  return locks.get(object)
}

/** Gives an array or a value its lock. */
export function synchronize<T extends object>(object: T, lock: Lock): T {
  locks.set(object, lock)
  const methods: Synchronized = {
    getLock: () => lock as RLock,
    getObj: () => object,
    runExclusive: fn => lock.runExclusive(fn),
    runExclusiveSync: fn => lock.runExclusiveSync(fn)
  }
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(object, name, { value, configurable: true, writable: true })
  }
  return object
}

/** Arrays of text have it as `value`. */
export function withText<T extends AnyTypedArray>(array: T): T {
  const { code } = shapeOf(array) as { code: TypeCode }
  if (typeOf(code).text === undefined) return array
  return Object.defineProperty(array, 'value', {
    get: () => textOf(array as ArrayLike<number>),
    set: (text: string) => setText(array, code, text),
    configurable: true
  })
}

const LOCK_OPTIONS = optionNames('{ lock: false }', 'lock')

/** The lock that an option names, or undefined for none. */
export function lockFor(options: LockOption, method: StartMethod): Lock | undefined {
  if (options instanceof Lock) throw new TypeError('options must be an object such as { lock }, got the lock itself')
  checkOptions(options, LOCK_OPTIONS)
  const { lock = true } = options
  if (lock === true) return new (boundTo(RLock, method))()
  if (lock === false) return undefined
  if (!(lock instanceof Lock) || lock instanceof Semaphore || lock instanceof Condition) {
    throw new TypeError('lock must be true, false, a Lock or an RLock')
  }
  return lock
}

export interface Factories {
  /**
   * A shared typed array.
   * @param init its length, all zeros, or its elements
   * @throws ValueError when the code, the length, or an element is none; TypeError for what is no such thing at all
   */
  Array<C extends TypeCode>(code: C, init: number | Iterable<ElementOf<C>>, options?: LockOption): SharedArray<C>
  /** A shared value. @param init left out: 0 @throws as `Array` */
  Value<C extends TypeCode>(code: C, init?: ElementOf<C>, options?: LockOption): SharedValue<C>
  /** The same without a lock. */
  RawArray<C extends TypeCode>(code: C, init: number | Iterable<ElementOf<C>>): TypedArrayOf<C> & { value: string }
  RawValue<C extends TypeCode>(code: C, init?: ElementOf<C>): { value: ElementOf<C> }
}

/** @param methodNow answers the start method whose memory is taken */
export function factoriesFor(methodNow: () => StartMethod): Factories {
  const RawArray = <C extends TypeCode>(code: C, init: number | Iterable<ElementOf<C>>) =>
    withText(createArray(methodNow(), code, init)) as TypedArrayOf<C> & { value: string }
  const RawValue = <C extends TypeCode>(code: C, init?: ElementOf<C>) => createCell(methodNow(), code, init)
  return {
    RawArray,
    RawValue,
    Array: (code, init, options = {}) => {
      const lock = lockFor(options, methodNow())
      const array = RawArray(code, init)
      return (lock === undefined ? array : synchronize(array, lock)) as never
    },
    Value: (code, init, options = {}) => {
      const lock = lockFor(options, methodNow())
      const cell = RawValue(code, init)
      return (lock === undefined ? cell : synchronize(cell, lock)) as never
    }
  }
}

export { SharedCell }
