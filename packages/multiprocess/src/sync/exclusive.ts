/** Running a function while a lock is held: a lock of shared memory, or the proxy of a lock that a manager keeps. */
import { types } from 'node:util'
import { checkFunction } from '../checks.ts'
import { OwnerDiedError, TimeoutError } from '../errors.ts'
import type { Awaitable } from '../ground/awaitable.ts'
import type { WaitOptions } from '../ground/waitable.ts'

interface ExclusiveLock {
  acquire(options?: WaitOptions): Promise<boolean>
  /** May return a promise. */
  release(): unknown
}

interface ExclusiveLockSync {
  acquireSync(options?: { timeout?: number }): boolean
  release(): void
}

/** Runs `fn` once the lock is acquired, and releases the lock when `fn` has ended, however it ends. */
export async function runExclusive<R>(lock: ExclusiveLock, fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
  checkFunction('fn', fn)
  let isAcquired: boolean
  try {
    isAcquired = await lock.acquire(options)
  } catch (error) {
    if (error instanceof OwnerDiedError) await lock.release()
    throw error
  }
  if (!isAcquired) throw notAcquired(options)
  try {
    return await fn()
  } finally {
    const released = lock.release()
    // Awaiting what is no promise would cost a turn of the microtask queue.
    if (released !== undefined) await released
  }
}

/** Does the same, and blocks the thread while it waits. */
export function runExclusiveSync<R>(lock: ExclusiveLockSync, fn: () => R, options?: { timeout?: number }): R {
  checkFunction('fn', fn)
  if (types.isAsyncFunction(fn)) {
    throw new TypeError(
      'fn must not be async here: the lock would be released at its first await. Use runExclusive, which waits until fn has ended'
    )
  }
  let isAcquired: boolean
  try {
    isAcquired = lock.acquireSync(options)
  } catch (error) {
    if (error instanceof OwnerDiedError) lock.release()
    throw error
  }
  if (!isAcquired) throw notAcquired(options)
  try {
    return fn()
  } finally {
    lock.release()
  }
}

function notAcquired(options: { timeout?: number } | undefined): TimeoutError {
  return new TimeoutError(`the lock was not free within ${options?.timeout} ms`)
}
