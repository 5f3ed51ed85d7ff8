/**
 * A lock that any process may take and any may release: Python's `multiprocessing.Lock`.
 *
 *     HOLDER   0 free → id of a process     by it, compare-and-exchange; the lock is its from then on
 *              id → 0                       by whoever releases, who then wakes the first that sleeps here, or all while
 *                                           somebody claims the next turn
 *              id of a dead process → id    by one who finds it so: the lock is its, and OwnerDiedError tells it
 *              its sign is the FLAG, and TURN and UNUSED the words after it, as turns.ts tells; none of these changes touches the flag
 *
 * A death before a change of HOLDER leaves it as it was; after it the lock is the dead one's, or free with nobody woken yet:
 * sleepers are woken when the dead one is reaped, and look by themselves after a slice.
 */
import { OwnerDiedError, TimeoutError, ValueError } from '../errors.ts'
import type { Instructions } from '../ground/arena/instructions.ts'
import { WINDOW_BYTES } from '../ground/arena/layout.ts'
import type { Awaitable } from '../ground/awaitable.ts'
import type { Family } from '../ground/family.ts'
import { inspectAs } from '../ground/inspect.ts'
import { ownerText } from '../ground/owner-names.ts'
import type { WaitOptions } from '../ground/waitable.ts'
import { handleOf, payloadAt, SharedObject } from '../memory/shared-object.ts'
import { checkFunction, checkSyncFunction } from './exclusive.ts'
import { type Claims, FLAG, isGone, markUnused, REST, Turn } from './turns.ts'
import { type Step, WaitWord, waitOptions } from './waiting.ts'

export type Outcome = 'acquired' | 'owner-died'

const HOLDER = 0
const TURN = 1

/** What a Condition asks of its lock. */
export let inside: {
  readonly isMine: (lock: Lock) => boolean
  /** Releases it, however often it is held; answers that. */
  readonly releaseAll: (lock: Lock) => number
  readonly restore: (lock: Lock, count: number) => void
  /** For reports. */
  readonly stateOf: (lock: Lock) => string
  /** For `util.inspect`. */
  readonly lineOf: (lock: Lock) => string
}

export class Lock extends SharedObject {
  static {
    inside = {
      isMine: lock => lock.isMine(),
      releaseAll: lock => lock.releaseAll(),
      restore: (lock, count) => lock.restore(count),
      stateOf: lock => lock.stateAt(payloadAt(handleOf(lock))),
      lineOf: lock => {
        const holder = Atomics.load(lock.words, lock.index + HOLDER) & REST
        return holder === 0 ? 'free' : `owner: ${ownerText(lock.family, holder)}`
      }
    }
    inspectAs(Lock, inside.lineOf)
  }

  protected static override readonly size: number = 12
  protected readonly family: Family
  /** The first word: what is waited on. */
  protected readonly word: WaitWord
  protected readonly words: Int32Array
  protected readonly index: number
  readonly #claims: Claims
  /** What the first word is changed by, */
  protected readonly on: Instructions
  /** and where it is for them. */
  protected readonly at: number
  readonly #self: number

  constructor() {
    super()
    const handle = handleOf(this)
    this.family = handle.family
    const at = payloadAt(handle)
    const state = this.family.waits && this.stateAt(at)
    this.word = new WaitWord(handle.family, at, undefined, state && `to acquire {block ${handle.at}}, ${state}`)
    this.on = this.family.memory.instructionsOf(at)
    this.at = at % WINDOW_BYTES
    this.#self = handle.family.self
    this.words = this.word.words
    this.index = this.word.index
    this.#claims = {
      family: this.family,
      words: this.words,
      index: this.index + TURN,
      word: this.word,
      available: rest => this.available(rest)
    }
  }

  /**
   * Takes the lock, waiting in the event loop while it is held.
   * @returns false when the timeout ran out
   * @throws OwnerDiedError when the process that held it has died: the caller holds it now, and what it guards may be
   *   half-changed
   * @throws the signal's reason when it is aborted: the lock is not taken
   */
  async acquire(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    if (this.tryAtOnce()) return true
    const turn = new Turn(this.#claims, false)
    let outcome: Outcome | undefined
    try {
      outcome = await this.word.wait(this.#step(turn), timeout, signal, value => this.blocks(value, turn))
    } finally {
      turn.end()
    }
    return answer(outcome)
  }

  /** The same, blocking the thread. @param options.timeout milliseconds */
  acquireSync(options?: { timeout?: number }): boolean {
    // Small enough to be compiled into its caller, and each class has its own, so that none is compiled for them all.
    if (options === undefined && this.on.compareExchange(this.at, 0, this.#self) === 0) return true
    return this.acquireBlocking(options)
  }

  protected acquireBlocking(options?: { timeout?: number }): boolean {
    const { timeout } = waitOptions(options)
    if (this.tryAtOnce()) return true
    const turn = new Turn(this.#claims, true)
    let outcome: Outcome | undefined
    try {
      outcome = this.word.waitSync(this.#step(turn), timeout, value => this.blocks(value, turn))
    } finally {
      turn.end()
    }
    return answer(outcome)
  }

  /** @throws ValueError when nobody holds it */
  release(): void {
    const former = this.on.and(this.at, FLAG)
    if ((former & REST) === 0) throw new ValueError('cannot release a lock that nobody holds')
    this.wakeNext(former)
  }

  /** Whether somebody holds it, dead or alive. */
  get locked(): boolean {
    return (Atomics.load(this.words, this.index + HOLDER) & REST) !== 0
  }

  /**
   * Runs `fn` while it holds the lock, and releases it whatever happens.
   * @throws TypeError when `fn` is no function; TimeoutError when the timeout ran out; OwnerDiedError when the holder had died: `fn` has not run then, and the
   *   lock is free again
   */
  async runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    checkFunction(fn)
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

  /** The same, blocking the thread while it waits. @throws TypeError for an async function, at whose first await the lock would go back */
  runExclusiveSync<R>(fn: () => R, options?: { timeout?: number }): R {
    checkSyncFunction(fn)
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
    return (this.on.load(this.at) & REST) === this.#self
  }

  protected releaseAll(): number {
    this.release()
    return 1
  }

  protected restore(_count: number): void {}

  /** For reports, as `Wait.subject` has it. */
  protected stateAt(at: number): string {
    return `held by {owner ${at}}`
  }

  /** Where nobody waits or holds it. */
  protected tryAtOnce(): boolean {
    return this.on.compareExchange(this.at, 0, this.#self) === 0
  }

  protected tryOnce(turn: Turn, looksClosely: boolean): Outcome | undefined {
    const { words, family } = this
    const at = this.index + HOLDER
    const value = Atomics.load(words, at)
    const holder = value & REST
    if (value < 0 && !turn.mayPass(holder === 0, looksClosely)) return undefined
    if (holder !== 0 && (holder === family.self || !isGone(family, holder, looksClosely))) return undefined
    if (Atomics.compareExchange(words, at, value, (value & FLAG) | family.self) !== value) return undefined
    return holder === 0 ? 'acquired' : 'owner-died'
  }

  /** Whether `tryOnce` fails as long as the word is this. */
  protected blocks(value: number, turn: Turn): boolean {
    return this.available(value & REST) === 0 || (value < 0 && !turn.isFirst)
  }

  /** How many can take it, going by the word without its flag. */
  protected available(rest: number): number {
    return rest === 0 ? 1 : 0
  }

  /** After the lock was made free. @param former what the word was before */
  protected wakeNext(former: number): void {
    if (former < 0) markUnused(this.#claims)
    this.word.wake(former < 0 ? Number.POSITIVE_INFINITY : 1)
  }

  #step(turn: Turn): Step<Outcome> {
    return (looksClosely, wakeups) => {
      const outcome = this.tryOnce(turn, looksClosely)
      if (outcome === undefined) turn.fail(wakeups)
      return outcome
    }
  }
}

function answer(outcome: Outcome | undefined): boolean {
  if (outcome === 'owner-died') throw new OwnerDiedError()
  return outcome !== undefined
}

function notAcquired(options: { timeout?: number } | undefined): TimeoutError {
  return new TimeoutError(`the lock was not free within ${options?.timeout} ms`)
}
