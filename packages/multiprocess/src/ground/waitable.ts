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
  checkSignal(options.signal)
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
