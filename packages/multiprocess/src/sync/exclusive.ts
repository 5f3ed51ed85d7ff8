/** What may be run while a lock is held; said before it is waited for. */
import { types } from 'node:util'

/** @throws TypeError */
export function checkFunction(fn: unknown): void {
  if (typeof fn !== 'function') throw new TypeError(`fn must be a function, not ${typeof fn}`)
}

/** The same, for a lock that goes back when the function returns. @throws TypeError */
export function checkSyncFunction(fn: unknown): void {
  checkFunction(fn)
  if (!types.isAsyncFunction(fn)) return
  throw new TypeError(
    'fn must not be async here: the lock would be given back at its first await. Use runExclusive, which waits for its end'
  )
}
