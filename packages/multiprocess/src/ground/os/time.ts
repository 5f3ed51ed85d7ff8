/**
 * The clock and the timers of this package. This module takes them once, when the package is loaded, so that tests which later
 * fake or freeze the timers of their program (Jest, Vitest, Sinon) do not stop the waits of this package. The linter refuses the
 * globals in all other modules.
 */

/** The timers of `node:timers`: the globals may already be faked when a test runner loads the package. */
const timers = process.getBuiltinModule('node:timers')
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = timers

/** Jest runs programs in a realm of their own, whose globals it makes itself. The realm of Node's own modules has the true ones. */
const isOwnRealm = timers instanceof Object
const realm: typeof globalThis = isOwnRealm
  ? globalThis
  : process.getBuiltinModule('node:vm').runInThisContext('globalThis')
const { hrtime, nextTick } = realm.process
const { queueMicrotask: enqueue } = realm
const { now } = realm.Date

/**
 * A spin that waits for the clock also ends after this many looks at the clock, so that no clock, however odd, makes it spin for
 * ever.
 */
export const MOST_SPINS = 4096

/** Returns milliseconds on the clock that all processes and threads of a machine share: CLOCK_MONOTONIC, clock_gettime(2). */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** Milliseconds since 1970: for people alone, since it may be set. */
export function wallMs(): number {
  return now()
}

const WORD_MASK = 2 ** 31 - 1

/** Returns a time of this clock as one word, never 0. The word wraps around after 24 days. */
export function toWord(ms: number): number {
  return (Math.floor(ms) % 2 ** 31) | 1
}

/** Returns the milliseconds from one word of `toWord` to a later one. */
export function wordsBetween(from: number, to: number): number {
  return (to - from) & WORD_MASK
}

export function queueMicrotask(callback: () => void): void {
  enqueue(callback)
}

/** Runs the callback before the event loop continues. An error that it throws is an uncaught exception. */
export function runNext(callback: () => void): void {
  nextTick(callback)
}
