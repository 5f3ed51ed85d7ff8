/**
 * The clock and the timers of this package. They are taken once, when the package is loaded, so that tests that fake or freeze those of
 * their program later (Jest, Vitest, Sinon) do not stop what this package waits for. No other module may use the globals: the linter
 * refuses them.
 */

const { hrtime, nextTick } = process
const { queueMicrotask: enqueue } = globalThis

/** The globals may be faked already where a test runner loads the package; those of the module are Node's own. */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } =
  process.getBuiltinModule('node:timers')

/** A spin that the clock should end ends after so many looks at the clock, too: no clock, however odd, can make it spin for ever. */
export const MOST_SPINS = 4096

/** Milliseconds on the clock that all processes and threads of a machine share: CLOCK_MONOTONIC, clock_gettime(2). */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

const WORD_MASK = 2 ** 31 - 1

/** A time of that clock in a word, never 0; it comes round after 24 days. */
export function toWord(ms: number): number {
  return (Math.floor(ms) % 2 ** 31) | 1
}

/** Milliseconds from one such word to a later one. */
export function wordsBetween(from: number, to: number): number {
  return (to - from) & WORD_MASK
}

export function queueMicrotask(callback: () => void): void {
  enqueue(callback)
}

/** Runs the callback before the event loop goes on; an error of it is an uncaught one. */
export function runNext(callback: () => void): void {
  nextTick(callback)
}
