/** Python's `Condition.wait_for`, over a condition of any kind. */
import { monotonicMs } from '../ground/os/time.ts'
import { timeoutOf, type WaitOptions } from '../ground/waitable.ts'

/** What is waited on: its `wait` ends with a notification, or when the timeout has run out. */
interface Notified {
  wait(options: WaitOptions): Promise<unknown>
}

interface NotifiedSync {
  waitSync(options: { timeout?: number }): unknown
}

/** Waits until `predicate` answers something true, or the timeout has run out; answers its last answer. */
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

/** The same, blocking the thread. */
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

/** @throws TypeError for a promise, which is true whatever it will be */
function answerOf<R>(predicate: () => R): R {
  const result = predicate()
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    throw new TypeError('the predicate of waitForSync answered a promise: use waitFor, which waits for it')
  }
  return result
}
