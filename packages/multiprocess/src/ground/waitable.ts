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

const NONE: WaitOptions = {}

/**
 * The options of a wait; its timeout is checked by `checkTimeout`.
 * @throws TypeError for what are none, such as a number by itself: read as no options at all, it would have the wait last for ever
 */
export function checkOptions(options: WaitOptions | undefined): WaitOptions {
  if (options === undefined) return NONE
  if (typeof options !== 'object' || options === null) {
    const what = options === null ? 'null' : typeof options
    throw new TypeError(`the options of a wait must be an object, such as { timeout: 1000 } for a second, not ${what}`)
  }
  const { signal } = options
  if (signal !== undefined && signal !== null && typeof signal.throwIfAborted !== 'function') {
    throw new TypeError('signal must be an AbortSignal')
  }
  return options
}

/** @throws TypeError, RangeError for a timeout that is no number of milliseconds */
export function checkTimeout(timeout: number | undefined): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY
  if (typeof timeout !== 'number')
    throw new TypeError(`timeout must be a number of milliseconds, not ${typeof timeout}`)
  if (Number.isNaN(timeout)) throw new RangeError('timeout must be a number of milliseconds, not NaN')
  return Math.max(0, timeout)
}
