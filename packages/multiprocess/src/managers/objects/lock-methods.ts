/** The methods of locks that clients may call; the classes at the server have more. */

/** The methods of a lock at the server. */
export interface LockMethods {
  /**
   * Returns true once the caller holds the lock, or false if the timeout expires first.
   * @throws OwnerDiedError if the client that held the lock died: the caller holds the lock now
   */
  acquire(timeout?: number): boolean | Promise<boolean>
  /** Releases the lock. @throws ValueError if no client holds it */
  release(): void
  /** Returns true if a client holds the lock. */
  locked(): boolean
}

/** The methods of a semaphore at the server. */
export interface SemaphoreMethods extends LockMethods {
  /** Returns the number of times that the semaphore can be acquired without waiting. */
  value(): number
}

/** The methods of a condition at the server. */
export interface ConditionMethods extends LockMethods {
  /**
   * Waits until notified, and releases the lock meanwhile. Returns false if the timeout expires first. @throws ValueError if the caller
   * does not hold the lock
   */
  wait(timeout?: number): Promise<boolean>
  /** Wakes up to `count` waiting clients. Default: 1. @throws ValueError if the caller does not hold the lock */
  notify(count?: number): void
  /** Wakes all waiting clients. @throws ValueError if the caller does not hold the lock */
  notifyAll(): void
}
