/** What a task may be given beyond its arguments: a time to run, tries, a signal that stops it. */
import { checkInteger } from '../../checks.ts'
import { checkSignal, checkTimeout } from '../../ground/waitable.ts'
import type { TaskOptions } from '../options.ts'

const KILL_AFTER_MS = 1000

export interface Control {
  /** Milliseconds; Infinity: any time. */
  readonly timeout: number
  readonly killAfter: number
  readonly retries: number
  readonly signal: AbortSignal | undefined
}

/**
 * undefined when nothing was asked for, as for most.
 * @throws TypeError, ValueError, RangeError for options that make no sense
 */
export function controlOf(options: TaskOptions | undefined): Control | undefined {
  if (options === undefined) return undefined
  const { timeout, killAfter, retries, signal } = options
  if (timeout === undefined && killAfter === undefined && retries === undefined && signal === undefined)
    return undefined
  if (retries !== undefined) checkRetries(retries)
  checkSignal(signal)
  return {
    timeout: checkTimeout(timeout),
    killAfter: killAfter === undefined ? KILL_AFTER_MS : checkTimeout(killAfter),
    retries: retries ?? 0,
    signal
  }
}

function checkRetries(retries: unknown): void {
  if (retries !== Number.POSITIVE_INFINITY) checkInteger('retries', retries, 0)
}
