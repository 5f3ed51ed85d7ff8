/** Python's `Condition.wait_for`, over a condition of any kind. */
import { timeoutOf, type WaitOptions } from '../ground/waitable.ts'

/** What is waited on: its `wait` ends with a notification, or when the timeout has run out. */
interface Notified {
  wait(options: WaitOptions): Promise<unknown>
}

interface NotifiedSync {
  waitSync(options: { timeout?: number }): unknown
}

/** Waits until `predicate` answers something true, or the timeout has run out; answers its last answer. */
export async function waitFor<R>(on: Notified, predicate: () => R, options: WaitOptions): Promise<R> {
  const end = performance.now() + timeoutOf(options)
  let result = predicate()
  while (!result) {
    const timeout = end - performance.now()
    if (timeout <= 0) break
    await on.wait({ timeout, signal: options.signal })
    result = predicate()
  }
  return result
}

/** The same, blocking the thread. */
export function waitForSync<R>(on: NotifiedSync, predicate: () => R, options: { timeout?: number }): R {
  const end = performance.now() + timeoutOf(options)
  let result = predicate()
  while (!result) {
    const timeout = end - performance.now()
    if (timeout <= 0) break
    on.waitSync({ timeout })
    result = predicate()
  }
  return result
}
