/**
 * A lock that any process may take and any may release: Python's `multiprocessing.Lock`.
 *
 *     HOLDER   0 free → id of a process     by it, compare-and-exchange; the lock is its from then on
 *              id → 0                       by whoever releases, who then wakes the first that sleeps here
 *              id of a dead process → id    by one who finds it so: the lock is its, and OwnerDiedError tells it
 *     TURN     see turns.ts
 *
 * A death before a change of HOLDER leaves it as it was; after it the lock is the dead one's, or free with nobody woken yet:
 * sleepers are woken when the dead one is reaped, and look by themselves after a slice.
 */
import { OwnerDiedError, TimeoutError, ValueError } from '../errors.ts'
import type { Family } from '../ground/family.ts'
import { checkTimeout, type WaitOptions } from '../ground/waitable.ts'
import { handleOf, payloadAt, SharedObject } from '../memory/shared-object.ts'
import type { Awaitable } from './awaitable.ts'
import { isGone, type Turn, Turns } from './turns.ts'
import { type Step, WaitWord } from './waiting.ts'

export type Outcome = 'acquired' | 'owner-died'

const HOLDER = 0
const TURN = 1

/** What a Condition asks of its lock. */
export let inside: {
  readonly isMine: (lock: Lock) => boolean
  /** Releases it, however often it is held; answers that. */
  readonly releaseAll: (lock: Lock) => number
  readonly restore: (lock: Lock, count: number) => void
}

export class Lock extends SharedObject {
  static {
    inside = {
      isMine: lock => lock.isMine(),
      releaseAll: lock => lock.releaseAll(),
      restore: (lock, count) => lock.restore(count)
    }
  }

  protected static override readonly size: number = 8
  protected readonly family: Family
  /** The first word: what is waited on. */
  protected readonly word: WaitWord
  protected readonly words: Int32Array
  protected readonly index: number
  protected readonly turns: Turns

  constructor() {
    super()
    const handle = handleOf(this)
    this.family = handle.family
    this.word = new WaitWord(handle.family, payloadAt(handle))
    this.words = this.word.words
    this.index = this.word.index
    this.turns = new Turns(handle.family, this.words, this.index + TURN, this.word)
  }

  /**
   * Takes the lock, waiting in the event loop while it is held.
   * @returns false when the timeout ran out
   * @throws OwnerDiedError when the process that held it has died: the caller holds it now, and what it guards may be
   *   half-changed
   * @throws the signal's reason when it is aborted: the lock is not taken
   */
  async acquire(options: WaitOptions = {}): Promise<boolean> {
    const timeout = checkTimeout(options.timeout)
    options.signal?.throwIfAborted()
    const outcome = this.tryOnce(false, undefined)
    if (outcome !== undefined) return this.#answer(outcome)
    const turn = this.turns.begin()
    let isOver: Outcome | undefined
    try {
      isOver = await this.word.wait(this.#step(turn), timeout, options.signal)
    } finally {
      turn.end(isOver !== undefined)
    }
    return this.#answer(isOver)
  }

  /** The same, blocking the thread. @param options.timeout milliseconds */
  acquireSync(options: { timeout?: number } = {}): boolean {
    const timeout = checkTimeout(options.timeout)
    const outcome = this.tryOnce(false, undefined)
    if (outcome !== undefined) return this.#answer(outcome)
    const turn = this.turns.begin()
    let isOver: Outcome | undefined
    try {
      isOver = this.word.waitSync(this.#step(turn), timeout)
    } finally {
      turn.end(isOver !== undefined)
    }
    return this.#answer(isOver)
  }

  /** @throws ValueError when nobody holds it */
  release(): void {
    if (Atomics.exchange(this.words, this.index + HOLDER, 0) === 0) {
      throw new ValueError('cannot release a lock that nobody holds')
    }
    this.wakeNext()
  }

  /** Whether somebody holds it, dead or alive. */
  get locked(): boolean {
    return Atomics.load(this.words, this.index + HOLDER) !== 0
  }

  /**
   * Runs `fn` while it holds the lock, and releases it whatever happens.
   * @throws TimeoutError when the timeout ran out, OwnerDiedError when the holder had died: `fn` has not run then, and the
   *   lock is free again
   */
  async runExclusive<R>(fn: () => Awaitable<R>, options: WaitOptions = {}): Promise<R> {
    let isAcquired: boolean
    try {
      isAcquired = await this.acquire(options)
    } catch (error) {
      if (error instanceof OwnerDiedError) this.release()
      throw error
    }
    if (!isAcquired) throw notAcquired(options)
    try {
      return await fn()
    } finally {
      this.release()
    }
  }

  /** The same, blocking the thread while it waits. */
  runExclusiveSync<R>(fn: () => R, options: { timeout?: number } = {}): R {
    let isAcquired: boolean
    try {
      isAcquired = this.acquireSync(options)
    } catch (error) {
      if (error instanceof OwnerDiedError) this.release()
      throw error
    }
    if (!isAcquired) throw notAcquired(options)
    try {
      return fn()
    } finally {
      this.release()
    }
  }

  /** Whether this process holds it. */
  protected isMine(): boolean {
    return Atomics.load(this.words, this.index + HOLDER) === this.family.self
  }

  protected releaseAll(): number {
    this.release()
    return 1
  }

  protected restore(_count: number): void {}

  protected tryOnce(looksClosely: boolean, turn: Turn | undefined): Outcome | undefined {
    if (this.turns.isTaken(turn, looksClosely)) return undefined
    const { self } = this.family
    const holder = Atomics.compareExchange(this.words, this.index + HOLDER, 0, self)
    if (holder === 0) return 'acquired'
    if (holder === self || !isGone(this.family, holder, looksClosely)) return undefined
    return Atomics.compareExchange(this.words, this.index + HOLDER, holder, self) === holder ? 'owner-died' : undefined
  }

  /** After the lock was made free. */
  protected wakeNext(): void {
    this.word.wake(this.turns.isClaimed ? Number.POSITIVE_INFINITY : 1)
  }

  #step(turn: Turn): Step<Outcome> {
    return (looksClosely, wakeups) => {
      const outcome = this.tryOnce(looksClosely, turn)
      if (outcome === undefined) turn.fail(wakeups)
      return outcome
    }
  }

  #answer(outcome: Outcome | undefined): boolean {
    if (outcome === 'owner-died') throw new OwnerDiedError()
    return outcome !== undefined
  }
}

function notAcquired({ timeout }: { timeout?: number }): TimeoutError {
  return new TimeoutError(`the lock was not free within ${timeout} ms`)
}
