/** Python's `Condition.wait_for`, over a condition of any kind. */
import { monotonicMs } from '../ground/os/time.ts'
import { timeoutOf, type WaitOptions } from '../ground/waitable.ts'

/** A condition of any kind: its `wait` ends with a notification or a timeout. */
interface Notified {
  wait(options: WaitOptions): Promise<unknown>
}

interface NotifiedSync {
  waitSync(options: { timeout?: number }): unknown
}

/** Waits until `predicate` returns a true value or the timeout runs out, and returns its last value. */
export async function waitFor<R>(on: Notified, predicate: () => R, options?: WaitOptions): Promise<R> {
  const end = monotonicMs() + timeoutOf(options)
  let result = await predicate()
  while (!result) {
    const timeout = end - monotonicMs()
    if (timeout <= 0) break
    await on.wait({ timeout, signal: options?.signal })
    result = await predicate()
  }
  return result
}

/** Does the same and blocks the thread. */
export function waitForSync<R>(on: NotifiedSync, predicate: () => R, options?: { timeout?: number }): R {
  const end = monotonicMs() + timeoutOf(options)
  let result = answerOf(predicate)
  while (!result) {
    const timeout = end - monotonicMs()
    if (timeout <= 0) break
    on.waitSync({ timeout })
    result = answerOf(predicate)
  }
  return result
}

/** @throws TypeError if `predicate` returns a promise, which is true whatever it resolves to */
function answerOf<R>(predicate: () => R): R {
  const result = predicate()
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    throw new TypeError('the predicate of waitForSync returned a promise: use waitFor, which waits for it')
  }
  return result
}
