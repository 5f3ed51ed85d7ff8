import { checkOptions, describe, optionNames } from '../checks.ts'

/** The key of objects that `wait` accepts. */
export const waitable: unique symbol = Symbol.for('multiprocess.waitable')

/** An object that `wait` accepts: a Connection, a Listener, a Queue, an Event, or the `sentinel` of a Process. */
export interface Waitable {
  /** What the object waits for; private to the library. */
  readonly [waitable]: unknown
}

/** The options of everything that waits. */
export interface WaitOptions {
  /** Milliseconds; 0 does not wait. Default: Infinity. */
  timeout?: number
  /** Ends the wait when it is aborted: the wait then rejects with the signal's reason. */
  signal?: AbortSignal
}

const WAIT_OPTIONS = optionNames('{ timeout: 1000 }, in milliseconds', 'timeout', 'signal')

/** @throws TypeError if `signal` is not an AbortSignal */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return
  if (typeof (signal as AbortSignal | null)?.addEventListener === 'function' && 'aborted' in (signal as object)) return
  throw new TypeError(`signal must be an AbortSignal, got ${describe(signal)}`)
}

/**
 * Checks the options of a wait, and returns the timeout in milliseconds.
 * @param otherwise the timeout if the options have none. Default: Infinity
 * @param names the options that the caller takes. Default: `timeout` and `signal`
 * @throws TypeError, RangeError as `checkTimeout`; TypeError for values that are not options, as in `wait(1)` or `get(false)`: if
 * they were ignored, these calls would wait without end
 */
export function timeoutOf(options: WaitOptions | undefined, otherwise?: number, names = WAIT_OPTIONS): number {
  if (options === undefined) return checkTimeout(otherwise)
  checkOptions(options, names)
  const { timeout = otherwise, signal } = options
  checkSignal(signal)
  return checkTimeout(timeout)
}

/** @throws TypeError, RangeError for a timeout that is not a number of milliseconds */
export function checkTimeout(timeout: number | undefined): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY
  if (typeof timeout !== 'number')
    throw new TypeError(`timeout must be a number of milliseconds, got ${describe(timeout)}`)
  if (Number.isNaN(timeout)) throw new RangeError('timeout must be a number of milliseconds, got NaN')
  return Math.max(0, timeout)
}
