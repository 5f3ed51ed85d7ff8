import { checkOptions, describe, optionNames } from '../checks.ts'

/** What `wait` can wait for. */
export const waitable: unique symbol = Symbol.for('multiprocess.waitable')

export interface Waitable {
  readonly [waitable]: unknown
}

/** Milliseconds and a signal: what every wait takes. */
export interface WaitOptions {
  /** Milliseconds; left out: wait for ever. 0: do not wait. */
  timeout?: number
  signal?: AbortSignal
}

const WAIT_OPTIONS = optionNames('{ timeout: 1000 }, in milliseconds', 'timeout', 'signal')

/** @throws TypeError for what is not an AbortSignal */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return
  if (typeof (signal as AbortSignal | null)?.addEventListener === 'function' && 'aborted' in (signal as object)) return
  throw new TypeError(`signal must be an AbortSignal, got ${describe(signal)}`)
}

/**
 * The timeout of a wait's options, all of which are checked.
 * @param otherwise milliseconds where they name none; left out: for ever
 * @param names the options that the caller takes; left out: a timeout and a signal
 * @throws TypeError, RangeError as `checkTimeout`; TypeError for options that are none, such as `wait(1)` or `get(false)`: read as no
 *   options at all, they would be waits without end
 */
export function timeoutOf(options: WaitOptions | undefined, otherwise?: number, names = WAIT_OPTIONS): number {
  if (options === undefined) return checkTimeout(otherwise)
  checkOptions(options, names)
  const { timeout = otherwise, signal } = options
  checkSignal(signal)
  return checkTimeout(timeout)
}

/** @throws TypeError, RangeError for a timeout that is no number of milliseconds */
export function checkTimeout(timeout: number | undefined): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY
  if (typeof timeout !== 'number')
    throw new TypeError(`timeout must be a number of milliseconds, got ${describe(timeout)}`)
  if (Number.isNaN(timeout)) throw new RangeError('timeout must be a number of milliseconds, got NaN')
  return Math.max(0, timeout)
}
