/**
 * Waiting for a change of what a lock guards: Python's `multiprocessing.Condition`. Its block is a list of those who wait
 * (see wait-list.ts), which is changed by who holds the lock.
 *
 * Who is notified was waiting when `notify` was called, and each notification wakes one: a waiter that comes later takes none
 * away, and one that leaves, because its time ran out or it died, has none or passes for one that came too late.
 */
import { OwnerDiedError, ValueError } from '../errors.ts'
import type { Awaitable } from '../ground/awaitable.ts'
import { boundTo, methodOf } from '../ground/bound-class.ts'
import { inspectAs } from '../ground/inspect.ts'
import type { WaitOptions } from '../ground/waitable.ts'
import { handleOf } from '../memory/shared-object.ts'
import { inside, Lock } from './lock.ts'
import { RLock } from './rlock.ts'
import { Semaphore } from './semaphore.ts'
import { waitFor, waitForSync } from './wait-for.ts'
import { FIRST_DECISION, type Waiter, WaitList } from './wait-list.ts'
import { waitOptions } from './waiting.ts'

const TAIL = 0
const NOTIFIED = FIRST_DECISION

export class Condition extends Lock {
  readonly #lock: Lock
  readonly #waiters: WaitList

  static {
    inspectAs(Condition, (condition, show) => `lock: ${show(condition.#lock)}`)
  }

  /** @param lock left out: an RLock of its own @throws TypeError when it is no Lock and no RLock */
  constructor(lock?: Lock | RLock) {
    if (lock !== undefined && (!(lock instanceof Lock) || lock instanceof Semaphore || lock instanceof Condition)) {
      throw new TypeError('the lock of a condition must be a Lock or an RLock')
    }
    super()
    this.#lock = lock ?? new (boundTo(RLock, methodOf(this)))()
    const subject =
      this.family.waits && `to be notified by {block ${handleOf(this).at}}, whose lock is ${inside.stateOf(this.#lock)}`
    this.#waiters = new WaitList(handleOf(this), TAIL, subject)
  }

  get lock(): Lock {
    return this.#lock
  }

  override acquire(options?: WaitOptions): Promise<boolean> {
    return this.#lock.acquire(options)
  }

  override acquireSync(options?: { timeout?: number }): boolean {
    return this.#lock.acquireSync(options)
  }

  override release(): void {
    this.#lock.release()
  }

  override get locked(): boolean {
    return this.#lock.locked
  }

  override runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    return this.#lock.runExclusive(fn, options)
  }

  override runExclusiveSync<R>(fn: () => R, options?: { timeout?: number }): R {
    return this.#lock.runExclusiveSync(fn, options)
  }

  /**
   * Releases the lock, waits to be notified, and takes the lock again, whatever happens.
   * @returns false when the timeout, in milliseconds, ran out first
   * @throws ValueError when the caller does not hold the lock; OwnerDiedError when who held it last has died: the caller holds
   *   it now; the signal's reason, once it is aborted
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    this.#checkMine('wait')
    const waiter = this.#waiters.append()
    const count = inside.releaseAll(this.#lock)
    let decision: number | undefined
    try {
      decision = await waiter.word.wait(() => this.#waiters.decision(waiter), timeout, signal)
    } catch (error) {
      decision = this.#waiters.leave(waiter)
      // Notified and aborted at once: it is notified.
      if (decision === undefined) {
        await this.#retake(waiter, count)
        throw error
      }
    }
    decision ??= this.#waiters.leave(waiter)
    await this.#retake(waiter, count)
    return decision === NOTIFIED
  }

  /** The same, blocking the thread. */
  waitSync(options?: { timeout?: number }): boolean {
    const { timeout } = waitOptions(options)
    this.#checkMine('wait')
    const waiter = this.#waiters.append()
    const count = inside.releaseAll(this.#lock)
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
   * Waits until `predicate`, which is asked while the lock is held, answers something true; answers its last answer. One that
   * answers a promise is waited for, with the lock held.
   */
  async waitFor<R>(predicate: () => R, options?: WaitOptions): Promise<R> {
    return waitFor(this, predicate, options)
  }

  /** The same, blocking the thread. @throws TypeError when the predicate answers a promise */
  waitForSync<R>(predicate: () => R, options?: { timeout?: number }): R {
    return waitForSync(this, predicate, options)
  }

  /** Wakes `n` of those who wait. @throws ValueError when the caller does not hold the lock, or `n` is no number of them */
  notify(n = 1): void {
    if (!(Number.isInteger(n) || n === Number.POSITIVE_INFINITY) || n < 0) {
      throw new ValueError(`notify wakes a whole number of those who wait, 0 or more, not ${String(n)}`)
    }
    this.#checkMine('notify')
    this.#waiters.decide(NOTIFIED, n)
  }

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

  /** The lock is the caller's, also when its last holder had died. */
  #returned(waiter: Waiter, count: number): void {
    inside.restore(this.#lock, count)
    this.#waiters.remove(waiter)
  }

  #checkMine(what: string): void {
    if (!inside.isMine(this.#lock)) throw new ValueError(`cannot ${what} without holding the lock of the condition`)
  }
}
