/**
 * Waiting for a change of what a lock guards: Python's `multiprocessing.Condition`. Its block is a list of waiters (see wait-list.ts),
 * which only the holder of the lock changes.
 *
 * A notification wakes one waiter that was waiting when `notify` was called. A waiter that comes later takes no notification away. A
 * waiter that leaves after a timeout or a death either had no notification, or counts as one that left before `notify`.
 */
import { checkInteger, describe } from '../checks.ts'
import { OwnerDiedError, ValueError } from '../errors.ts'
import type { BlockKind } from '../ground/arena/block-kinds.ts'
import type { Awaitable } from '../ground/awaitable.ts'
import { boundTo, methodOf } from '../ground/bound-class.ts'
import { inspectAs } from '../ground/inspect.ts'
import type { WaitOptions } from '../ground/waitable.ts'
import { handleOf } from '../memory/shared-object.ts'
import { insideLock, Lock } from './lock.ts'
import { RLock } from './rlock.ts'
import { Semaphore } from './semaphore.ts'
import { waitFor, waitForSync } from './wait-for.ts'
import { FIRST_DECISION, type Waiter, WaitList } from './wait-list.ts'
import { waitOptions } from './waiting.ts'

const TAIL = 0
const NOTIFIED = FIRST_DECISION

/** Waits for a change that another process announces, under a lock. See Python's `multiprocessing.Condition`. */
export class Condition extends Lock {
  protected static override readonly kind: BlockKind = 'Condition'
  readonly #lock: Lock
  readonly #waiters: WaitList

  static {
    inspectAs(Condition, (condition, show) => `lock: ${show(condition.#lock)}`)
  }

  /**
   * @param lock a Lock or an RLock. Default: a new RLock
   * @throws TypeError if `lock` is neither
   * @example
   * import { Condition, Value } from 'multiprocess'
   *
   * const condition = new Condition()
   * const state = Value('i', 0)
   * const waiting = condition.runExclusive(() => condition.waitFor(() => state.value === 1))
   * await condition.runExclusive(() => {
   *   state.value = 1
   *   condition.notifyAll()
   * })
   * console.log(await waiting) // true
   */
  constructor(lock?: Lock | RLock) {
    if (lock !== undefined && (!(lock instanceof Lock) || lock instanceof Semaphore || lock instanceof Condition)) {
      throw new TypeError(`lock must be a Lock or an RLock, got ${describe(lock)}`)
    }
    super()
    this.#lock = lock ?? new (boundTo(RLock, methodOf(this)))()
    const subject =
      this.family.waits &&
      `to be notified by {block ${handleOf(this).at}}, whose lock is ${insideLock.stateOf(this.#lock)}`
    this.#waiters = new WaitList(handleOf(this), TAIL, subject)
  }

  /** The lock of the condition. */
  get lock(): Lock {
    return this.#lock
  }

  /** Acquires the lock of the condition; see `Lock.acquire`. */
  override acquire(options?: WaitOptions): Promise<boolean> {
    return this.#lock.acquire(options)
  }

  /** Does the same and blocks the thread. */
  override acquireSync(options?: { timeout?: number }): boolean {
    return this.#lock.acquireSync(options)
  }

  /** Releases the lock of the condition. @throws ValueError as the lock's own `release` */
  override release(): void {
    this.#lock.release()
  }

  /** True if a process holds the lock of the condition, dead or alive. */
  override get locked(): boolean {
    return this.#lock.locked
  }

  /** Runs `fn` while the lock of the condition is held; see `Lock.runExclusive`. */
  override runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    return this.#lock.runExclusive(fn, options)
  }

  /** Does the same and blocks the thread while it waits. @throws TypeError if `fn` is async */
  override runExclusiveSync<R>(fn: () => R, options?: { timeout?: number }): R {
    return this.#lock.runExclusiveSync(fn, options)
  }

  /**
   * Releases the lock, waits for a notification, and acquires the lock again, whatever happens.
   * @returns false if the timeout, in milliseconds, ran out first
   * @throws ValueError if the caller does not hold the lock
   * @throws OwnerDiedError if the last holder of the lock died: the caller holds the lock now
   * @throws the signal's reason once it is aborted
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    this.#checkMine('wait')
    const waiter = this.#waiters.append()
    const count = insideLock.releaseAll(this.#lock)
    let decision: number | undefined
    try {
      decision = await waiter.word.wait(() => this.#waiters.decision(waiter), timeout, signal)
    } catch (error) {
      decision = this.#waiters.leave(waiter)
      // If it is notified and aborted at once, the notification counts.
      if (decision === undefined) {
        await this.#retake(waiter, count)
        throw error
      }
    }
    decision ??= this.#waiters.leave(waiter)
    await this.#retake(waiter, count)
    return decision === NOTIFIED
  }

  /** Does the same and blocks the thread. */
  waitSync(options?: { timeout?: number }): boolean {
    const { timeout } = waitOptions(options)
    this.#checkMine('wait')
    const waiter = this.#waiters.append()
    const count = insideLock.releaseAll(this.#lock)
    const decision = waiter.word.waitSync(() => this.#waiters.decision(waiter), timeout) ?? this.#waiters.leave(waiter)
    try {
      this.#lock.acquireSync()
    } catch (error) {
      if (error instanceof OwnerDiedError) this.#returned(waiter, count)
      throw error
    }
    this.#returned(waiter, count)
    return decision === NOTIFIED
  }

  /**
   * Waits until `predicate` returns a true value, and returns its last value. The lock is held while `predicate` runs, and while a
   * promise that it returns is pending.
   */
  async waitFor<R>(predicate: () => R, options?: WaitOptions): Promise<R> {
    return waitFor(this, predicate, options)
  }

  /** Does the same and blocks the thread. @throws TypeError if `predicate` returns a promise */
  waitForSync<R>(predicate: () => R, options?: { timeout?: number }): R {
    return waitForSync(this, predicate, options)
  }

  /**
   * Wakes up to `n` waiters, those first that came first.
   * @throws ValueError if the caller does not hold the lock, or `n` is not an integer of 0 or more; TypeError if `n` is not a number
   */
  notify(n = 1): void {
    if (n !== Number.POSITIVE_INFINITY) checkInteger('n', n, 0)
    this.#checkMine('notify')
    this.#waiters.decide(NOTIFIED, n)
  }

  /** Wakes all waiters. @throws ValueError if the caller does not hold the lock */
  notifyAll(): void {
    this.notify(Number.POSITIVE_INFINITY)
  }

  async #retake(waiter: Waiter, count: number): Promise<void> {
    try {
      await this.#lock.acquire()
    } catch (error) {
      if (error instanceof OwnerDiedError) this.#returned(waiter, count)
      throw error
    }
    this.#returned(waiter, count)
  }

  /** The caller has the lock again, even if its last holder died. */
  #returned(waiter: Waiter, count: number): void {
    insideLock.restore(this.#lock, count)
    this.#waiters.remove(waiter)
  }

  #checkMine(what: string): void {
    if (!insideLock.isMine(this.#lock)) throw new ValueError(`cannot ${what} without holding the lock of the condition`)
  }
}
