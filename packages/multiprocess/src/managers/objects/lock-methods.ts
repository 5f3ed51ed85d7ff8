/** What clients may call of locks: the classes at the server have more. */

export interface LockMethods {
  /**
   * Returns true once the caller holds it, false if the timeout ran out.
   * @throws OwnerDiedError if the client that held it died: the caller holds it now
   */
  acquire(timeout?: number): boolean | Promise<boolean>
  /** @throws ValueError if nobody holds it */
  release(): void
  locked(): boolean
}

export interface SemaphoreMethods extends LockMethods {
  value(): number
}

export interface ConditionMethods extends LockMethods {
  /** Gives the lock away meanwhile; returns false if the timeout ran out. @throws ValueError if the caller does not hold the lock */
  wait(timeout?: number): Promise<boolean>
  /** Wakes up to `count` of those who wait. @throws ValueError if the caller does not hold the lock */
  notify(count?: number): void
  notifyAll(): void
}
