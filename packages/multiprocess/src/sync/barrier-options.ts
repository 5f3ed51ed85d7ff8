/** What a barrier is made with, of shared memory or at a manager's server. */
import { checkFunction, checkInteger, checkOptions, optionNames } from '../checks.ts'
import { checkTimeout } from '../ground/waitable.ts'

/** The options of a barrier. */
export interface BarrierOptions {
  /** Runs in the party that comes last, or at the manager's server, before any party goes on. */
  action?: () => unknown
  /** The timeout of waits that name none, in milliseconds. Default: Infinity. */
  timeout?: number
}

const NAMES = optionNames('{ action, timeout: 1000 }', 'action', 'timeout')

/** @throws TypeError, ValueError, RangeError that name what is wrong */
export function checkBarrier(parties: number, options: BarrierOptions): void {
  checkInteger('parties', parties, 1)
  checkOptions(options, NAMES)
  if (options.action !== undefined) checkFunction('action', options.action)
  checkTimeout(options.timeout)
}
