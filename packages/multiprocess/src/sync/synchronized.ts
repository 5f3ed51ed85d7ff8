/** Shared arrays and values that come with a lock: Python's `multiprocessing.Array` and `Value`. */

import { checkOptions, describe, optionNames } from '../checks.ts'
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

/** What shared arrays and values have besides their elements: a lock. */
export interface Synchronized {
  /** Returns the lock: an RLock, or the lock that was passed as an option. */
  getLock(): RLock
  /** The array or value itself, without the lock. */
  getObj(): unknown
  /** Runs `fn` while the lock is held. */
  runExclusive<R>(fn: () => Awaitable<R>): Promise<R>
  /** Does the same and blocks the thread while it waits. @throws TypeError if `fn` is async */
  runExclusiveSync<R>(fn: () => R): R
}

/** A typed array over shared memory, with a lock. Its elements are read and written as those of any typed array. */
export type SharedArray<C extends TypeCode> = TypedArrayOf<C> & Synchronized & WithText

/** An array that can be text. */
export interface WithText {
  /** The text up to the first zero, for the codes c and u. */
  value: string
}

/** A number, or a character, in shared memory, with a lock. `value` reads and writes it. */
export type SharedValue<C extends TypeCode> = Synchronized & RawCell<C>

/** A number, or a character, in shared memory, without a lock. */
export interface RawCell<C extends TypeCode> {
  /** The number or the character. */
  value: ElementOf<C>
}

/** The option of `Value` and `Array`. */
export interface LockOption {
  /** `true` for a new RLock, `false` for no lock, or a Lock or RLock to use. Default: true. */
  lock?: boolean | Lock | RLock
}

const locks = new WeakMap<object, Lock>()

/** Returns the lock of an array or a value. */
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

/** Gives arrays of text their `value`. */
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

/** Returns the lock that an option names; undefined: no lock. */
export function lockFor(options: LockOption, method: StartMethod): Lock | undefined {
  if (options instanceof Lock) throw new TypeError('options must be an object such as { lock }, got the lock itself')
  checkOptions(options, LOCK_OPTIONS)
  const { lock = true } = options
  if (lock === true) return new (boundTo(RLock, method))()
  if (lock === false) return undefined
  if (!(lock instanceof Lock) || lock instanceof Semaphore || lock instanceof Condition) {
    throw new TypeError(`lock must be true, false, a Lock or an RLock, got ${describe(lock)}`)
  }
  return lock
}

/** The functions that make arrays and values in shared memory. */
export interface Factories {
  /**
   * Makes a shared typed array. See Python's `multiprocessing.Array`.
   * @param init its length, for an array of zeros, or its elements
   * @throws ValueError for an unknown code, a length that is not an integer of 0 or more, or an element that does not fit; TypeError for
   * arguments of another type
   * @example
   * import { Array } from 'multiprocess'
   *
   * const numbers = Array('i', [1, 2, 3])
   * numbers[0] += 10
   * console.log(numbers[0]) // 11
   */
  Array<C extends TypeCode>(code: C, init: number | Iterable<ElementOf<C>>, options?: LockOption): SharedArray<C>
  /**
   * Makes a shared value. See Python's `multiprocessing.Value`.
   * @param init the first value. Default: 0
   * @throws the errors of `Array`
   * @example
   * import { Value } from 'multiprocess'
   *
   * const count = Value('i', 41)
   * await count.runExclusive(() => count.value++)
   * console.log(count.value) // 42
   */
  Value<C extends TypeCode>(code: C, init?: ElementOf<C>, options?: LockOption): SharedValue<C>
  /** Does the same as `Array`, without a lock. See Python's `multiprocessing.sharedctypes.RawArray`. */
  RawArray<C extends TypeCode>(code: C, init: number | Iterable<ElementOf<C>>): TypedArrayOf<C> & WithText
  /** Does the same as `Value`, without a lock. See Python's `multiprocessing.sharedctypes.RawValue`. */
  RawValue<C extends TypeCode>(code: C, init?: ElementOf<C>): RawCell<C>
}

/** @param methodNow returns the start method whose memory is used */
export function factoriesFor(methodNow: () => StartMethod): Factories {
  const RawArray = <C extends TypeCode>(code: C, init: number | Iterable<ElementOf<C>>) =>
    withText(createArray(methodNow(), code, init)) as TypedArrayOf<C> & WithText
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
