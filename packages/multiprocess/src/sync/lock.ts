/**
 * A lock that any process may take and any may release: Python's `multiprocessing.Lock`.
 *
 *     HOLDER   0 (free) → id of a process   by that process, compare-and-exchange; it holds the lock from then on
 *              id → 0                       by the releaser, which then wakes the first sleeper, or all sleepers while a waiter claims
 *                                           the next turn
 *              id of a dead process → id    by a process that finds the holder dead: it holds the lock, and gets an OwnerDiedError
 *              its sign is the FLAG, and the next words are TURN and UNUSED, see turns.ts; these changes leave the flag as it is
 *
 * A death before a change of HOLDER changes nothing. A death right after it leaves the lock to the dead process, or free with nobody
 * woken: sleepers are woken when the dead process is reaped, and look for themselves after a slice.
 */
import { OwnerDiedError, ValueError } from '../errors.ts'
import type { BlockKind } from '../ground/arena/block-kinds.ts'
import type { Instructions } from '../ground/arena/instructions.ts'
import { WINDOW_BYTES } from '../ground/arena/layout.ts'
import type { Awaitable } from '../ground/awaitable.ts'
import type { Family } from '../ground/family.ts'
import { inspectAs } from '../ground/inspect.ts'
import { ownerText } from '../ground/owner-names.ts'
import type { WaitOptions } from '../ground/waitable.ts'
import { handleOf, payloadAt, SharedObject } from '../memory/shared-object.ts'
import { runExclusive, runExclusiveSync } from './exclusive.ts'
import { type Claims, FLAG, isGone, markUnused, REST, Turn } from './turns.ts'
import { type Step, WaitWord, waitOptions } from './waiting.ts'

export type Outcome = 'acquired' | 'owner-died'

const HOLDER = 0
const TURN = 1

/** What a Condition needs of its lock. */
export let insideLock: {
  readonly isMine: (lock: Lock) => boolean
  /** Releases the lock completely, and returns how many times it was held. */
  readonly releaseAll: (lock: Lock) => number
  readonly restore: (lock: Lock, count: number) => void
  /** For reports. */
  readonly stateOf: (lock: Lock) => string
  /** For `util.inspect`. */
  readonly lineOf: (lock: Lock) => string
}

/**
 * A lock that any process may take, and any may release. See Python's `multiprocessing.Lock`.
 * @example
 * import { Lock, Process, Value } from 'multiprocess'
 *
 * const lock = new Lock()
 * const count = Value('i', 0, { lock: false })
 * const child = new Process({
 *   target: async () => {
 *     for (let i = 0; i < 100; i++) await lock.runExclusive(() => count.value++)
 *   }
 * })
 * child.start()
 * await child.join()
 * console.log(count.value) // 100
 */
export class Lock extends SharedObject {
  static {
    insideLock = {
      isMine: lock => lock.isMine(),
      releaseAll: lock => lock.releaseAll(),
      restore: (lock, count) => lock.restore(count),
      stateOf: lock => lock.stateAt(payloadAt(handleOf(lock))),
      lineOf: lock => {
        const holder = Atomics.load(lock.words, lock.index + HOLDER) & REST
        return holder === 0 ? 'free' : `owner: ${ownerText(lock.family, holder)}`
      }
    }
    inspectAs(Lock, insideLock.lineOf)
  }

  protected static override readonly size: number = 12
  protected static override readonly kind: BlockKind = 'Lock'
  protected readonly family: Family
  /** The first word of the lock, on which waiters sleep. */
  protected readonly word: WaitWord
  protected readonly words: Int32Array
  protected readonly index: number
  readonly #claims: Claims
  /** The instructions that change the first word. */
  protected readonly on: Instructions
  /** The first word's place for `on`. */
  protected readonly at: number
  readonly #self: number

  /** Creates a lock that is free. */
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
   * Acquires the lock. Waits in the event loop while another holds it.
   * @param options.timeout milliseconds. Default: Infinity
   * @returns false if the timeout ran out
   * @throws OwnerDiedError if the process that held the lock died: the caller holds it now, and what the lock guards may be half-changed
   * @throws the signal's reason if it is aborted: the lock is not acquired
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

  /** Does the same and blocks the thread. @param options.timeout milliseconds. Default: Infinity */
  acquireSync(options?: { timeout?: number }): boolean {
    // V8 inlines a function this small. Each class has its own, so that none is compiled for all classes.
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

  /** Releases the lock; any process may. @throws ValueError if nobody holds the lock */
  release(): void {
    const former = this.on.and(this.at, FLAG)
    if ((former & REST) === 0) throw new ValueError('cannot release the lock: no process holds it')
    this.wakeNext(former)
  }

  /** True if a process holds the lock, dead or alive. */
  get locked(): boolean {
    return (Atomics.load(this.words, this.index + HOLDER) & REST) !== 0
  }

  /**
   * Acquires the lock, runs `fn`, and releases the lock, whatever happens.
   * @returns what `fn` returns
   * @throws TypeError if `fn` is not a function; TimeoutError if the timeout, in milliseconds, ran out
   * @throws OwnerDiedError if the last holder died: `fn` has not run, and the lock is free again
   * @example
   * import { appendFile } from 'node:fs/promises'
   * import { devNull } from 'node:os'
   * import { Lock } from 'multiprocess'
   *
   * const lock = new Lock()
   * await lock.runExclusive(() => appendFile(devNull, 'one line at a time\n'))
   */
  runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    return runExclusive(this, fn, options)
  }

  /** Does the same and blocks the thread while it waits. @throws TypeError if `fn` is async: its first await would release the lock */
  runExclusiveSync<R>(fn: () => R, options?: { timeout?: number }): R {
    return runExclusiveSync(this, fn, options)
  }

  /** Returns true if this process holds the lock. */
  protected isMine(): boolean {
    return (this.on.load(this.at) & REST) === this.#self
  }

  protected releaseAll(): number {
    this.release()
    return 1
  }

  protected restore(_count: number): void {}

  /** Describes the lock for reports, in the form of `Wait.subject`. */
  protected stateAt(at: number): string {
    return `held by {owner ${at}}`
  }

  /** Acquires the lock if nobody holds it or waits for it. */
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

  /** Returns true if `tryOnce` cannot succeed while the word has this value. */
  protected blocks(value: number, turn: Turn): boolean {
    return this.available(value & REST) === 0 || (value < 0 && !turn.isFirst)
  }

  /** Returns how many waiters can acquire the lock, for a word without its flag. */
  protected available(rest: number): number {
    return rest === 0 ? 1 : 0
  }

  /** Wakes waiters after a release. @param former the word before the release */
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
