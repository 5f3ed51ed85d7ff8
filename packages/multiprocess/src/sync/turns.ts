/**
 * Fairness: who has waited for long goes before who has just come, as in Go's mutex. A waiter that was woken in vain and has
 * waited a millisecond claims the next turn; while the claim stands, who has just come succeeds no more.
 *
 *     TURN   0 → id                by the claimer, compare-and-exchange
 *            id of a dead one → id by one who finds it so: the claim is its own then. The same with a claim that has been left
 *                                  unused for long, while what it is for is free: the claimer's event loop may be busy for
 *                                  hours
 *            id → 0                by the claimer, compare-and-exchange, when it has succeeded or given up
 *     UNUSED, the word after TURN: since when what is claimed has been free, in milliseconds; 0: that is not known
 *            0 → now               by whoever makes or finds it free, compare-and-exchange
 *            → 0                   by who claims, and by who ends a claim. A wrong one makes a claim shorter or longer, no more
 *     FLAG   the sign of the word that is waited on. Set after TURN, taken away before TURN is: so a flag never stands without
 *            somebody in TURN, and a death between two of these steps leaves a claim that is taken over. Taken away, it may
 *            leave the word free with all asleep who stood back: whoever takes it away wakes.
 *
 * A claimer that was overtaken still believes it has the claim, and may take the flag of another: that one then waits as all do.
 */

import type { Family } from '../ground/family.ts'
import { monotonicMs } from '../ground/os/time.ts'
import type { WaitWord } from './waiting.ts'

export const FLAG = -0x80000000
/** What a word is besides the flag. */
export const REST = 0x7fffffff

const LONG_MS = 1
const UNUSED_MS = 10
/** Where that stands, after TURN. */
const UNUSED = 1

/** The TURN word of one lock, and the word that is waited on. */
export interface Claims {
  readonly family: Family
  readonly words: Int32Array
  /** Of TURN among the words; UNUSED is the next. */
  readonly index: number
  /** What is waited on. */
  readonly word: WaitWord
  /** How many can have what is waited for, going by the word without its flag. */
  readonly available: (rest: number) => number
}

/** One wait's claim. */
export class Turn {
  readonly #claims: Claims
  readonly #isBlocking: boolean
  readonly #since = monotonicMs()
  #isClaimed = false

  constructor(claims: Claims, isBlocking: boolean) {
    this.#claims = claims
    this.#isBlocking = isBlocking
  }

  /** The flag is not for this wait. What claims in the event loop of this thread can't use it while the thread is blocked. */
  get isFirst(): boolean {
    return this.#isClaimed || (this.#isBlocking && this.#claimer === this.#claims.family.self)
  }

  /** Whether this wait may go on though the flag stands. @param isFree what is claimed can be had */
  mayPass(isFree: boolean, looksClosely: boolean): boolean {
    if (this.isFirst) return true
    const claimer = this.#claimer
    if (claimer === 0) return false
    const isUnused = isFree && isLongUnused(this.#claims)
    return (isUnused || isGone(this.#claims.family, claimer, looksClosely)) && this.#claim(claimer)
  }

  /** Tried in vain. */
  fail(wakeups: number): void {
    if (wakeups === 0 || this.#isClaimed || monotonicMs() - this.#since <= LONG_MS) return
    const claimer = this.#claimer
    if (claimer === 0 || isGone(this.#claims.family, claimer, false)) this.#claim(claimer)
  }

  /** The wait is over: it has succeeded, or given up. */
  end(): void {
    if (!this.#isClaimed) return
    this.#isClaimed = false
    const { family, words, index, word, available } = this.#claims
    Atomics.store(words, index + UNUSED, 0)
    const rest = Atomics.and(word.words, word.index, REST) & REST
    Atomics.compareExchange(words, index, family.self, 0)
    const count = available(rest)
    if (count > 0) word.wake(count)
  }

  get #claimer(): number {
    return Atomics.load(this.#claims.words, this.#claims.index)
  }

  #claim(from: number): boolean {
    const { family, words, index, word } = this.#claims
    if (Atomics.compareExchange(words, index, from, family.self) !== from) return false
    this.#isClaimed = true
    Atomics.store(words, index + UNUSED, 0)
    Atomics.or(word.words, word.index, FLAG)
    return true
  }
}

/** What is claimed can be had from now on. */
export function markUnused({ words, index }: Claims): void {
  Atomics.compareExchange(words, index + UNUSED, 0, now())
}

/** Whether it could have been had for so long that others may have it. */
function isLongUnused(claims: Claims): boolean {
  const since = Atomics.load(claims.words, claims.index + UNUSED)
  if (since === 0) markUnused(claims)
  return since !== 0 && ((now() - since) & REST) > UNUSED_MS
}

/** Never 0. */
function now(): number {
  return (Math.floor(monotonicMs()) & REST) | 1
}

/** Whether a process is gone; before its parent has noticed only a close look tells. */
export function isGone(family: Family, owner: number, looksClosely: boolean): boolean {
  if (!family.table.isLive(owner) && !family.table.isStarting(owner)) return true
  return looksClosely && !family.platform.isAlive(family.table, owner)
}
