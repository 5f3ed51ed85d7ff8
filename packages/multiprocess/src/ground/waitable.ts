import { checkObject } from '../checks.ts'

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

/** @throws TypeError for what is none */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return
  if (typeof (signal as AbortSignal | null)?.addEventListener === 'function' && 'aborted' in (signal as object)) return
  throw new TypeError(`signal must be an AbortSignal, not ${signal === null ? 'null' : typeof signal}`)
}

/**
 * The timeout of a wait's options, all of which are checked.
 * @param otherwise milliseconds where they name none; left out: for ever
 * @throws TypeError, RangeError as `checkTimeout`; TypeError for options that are none, such as `wait(1)` or `get(false)`: read as no
 *   options at all, they would be waits without end
 */
export function timeoutOf(options: WaitOptions | undefined, otherwise?: number): number {
  if (options === undefined) return checkTimeout(otherwise)
  checkObject(options, '{ timeout: 1000 }, in milliseconds')
  const { timeout = otherwise, signal } = options
  checkSignal(signal)
  return checkTimeout(timeout)
}

/** @throws TypeError, RangeError for a timeout that is no number of milliseconds */
export function checkTimeout(timeout: number | undefined): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY
  if (typeof timeout !== 'number')
    throw new TypeError(`timeout must be a number of milliseconds, not ${typeof timeout}`)
  if (Number.isNaN(timeout)) throw new RangeError('timeout must be a number of milliseconds, not NaN')
  return Math.max(0, timeout)
}
