/**
 * Fairness: a waiter that has waited for long goes before one that has just come, as in Go's mutex. A waiter that was woken in vain and
 * has waited for a millisecond claims the next turn. While the claim lasts, newcomers do not succeed.
 *
 *     TURN   0 → id                by the claimer, compare-and-exchange
 *            id of a dead one → id by a waiter that finds the claimer dead: the claim is the waiter's then. A waiter also takes over a
 *                                  claim that was unused for long while the lock was free: the claimer's event loop may be busy
 *                                  for hours
 *            id → 0                by the claimer, compare-and-exchange, when it has succeeded or given up
 *     UNUSED, the word after TURN: the time since which the claimed lock has been free, in milliseconds; 0: unknown
 *            0 → now               by a process that frees the lock or finds it free, compare-and-exchange
 *            → 0                   by a process that claims, or ends a claim. A wrong value only makes a claim shorter or longer
 *     FLAG   the sign of the word that waiters sleep on. It is set after TURN and removed before TURN: so the flag is never set without
 *            a claimer in TURN, and a death between two of these steps leaves a claim that is taken over. Removing the flag may leave
 *            the lock free while all waiters that stood back sleep: the process that removes it wakes them.
 *
 * A claimer whose claim was taken over still believes that it has the claim, and may remove the flag of the other claimer, which then
 * waits as all waiters do.
 */

import type { Family } from '../ground/family.ts'
import { monotonicMs } from '../ground/os/time.ts'
import type { WaitWord } from './waiting.ts'

export const FLAG = -0x80000000
/** The bits of a word without the flag. */
export const REST = 0x7fffffff

const LONG_MS = 1
const UNUSED_MS = 10
/** The place of UNUSED, after TURN. */
const UNUSED = 1

/** The TURN word of one lock, and the word that its waiters sleep on. */
export interface Claims {
  readonly family: Family
  readonly words: Int32Array
  /** The index of TURN among the words; UNUSED is next. */
  readonly index: number
  /** The word that waiters sleep on. */
  readonly word: WaitWord
  /** Returns how many waiters can succeed, for a word without its flag. */
  readonly available: (rest: number) => number
}

/** The claim of one wait. */
export class Turn {
  readonly #claims: Claims
  readonly #isBlocking: boolean
  readonly #since = monotonicMs()
  #isClaimed = false

  constructor(claims: Claims, isBlocking: boolean) {
    this.#claims = claims
    this.#isBlocking = isBlocking
  }

  /** True if the flag does not hold this wait back. A claim in this thread's event loop cannot be used while the thread is blocked. */
  get isFirst(): boolean {
    return this.#isClaimed || (this.#isBlocking && this.#claimer === this.#claims.family.self)
  }

  /** Returns true if this wait may succeed while the flag is set. @param isFree the claimed lock is free */
  mayPass(isFree: boolean, looksClosely: boolean): boolean {
    if (this.isFirst) return true
    const claimer = this.#claimer
    if (claimer === 0) return false
    const isUnused = isFree && isLongUnused(this.#claims)
    return (isUnused || isGone(this.#claims.family, claimer, looksClosely)) && this.#claim(claimer)
  }

  /** An attempt failed: claims the next turn after a long wait. */
  fail(wakeups: number): void {
    if (wakeups === 0 || this.#isClaimed || monotonicMs() - this.#since <= LONG_MS) return
    const claimer = this.#claimer
    if (claimer === 0 || isGone(this.#claims.family, claimer, false)) this.#claim(claimer)
  }

  /** Ends the claim after the wait has succeeded or given up. */
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

/** Notes that the claimed lock is free from now on. */
export function markUnused({ words, index }: Claims): void {
  Atomics.compareExchange(words, index + UNUSED, 0, now())
}

/** Returns true if the claimed lock has been free for so long that others may take it. */
function isLongUnused(claims: Claims): boolean {
  const since = Atomics.load(claims.words, claims.index + UNUSED)
  if (since === 0) markUnused(claims)
  return since !== 0 && ((now() - since) & REST) > UNUSED_MS
}

/** Returns the time in milliseconds, never 0. */
function now(): number {
  return (Math.floor(monotonicMs()) & REST) | 1
}

/** Returns true if a process is gone. Before its parent has noticed, only a close look can tell. */
export function isGone(family: Family, owner: number, looksClosely: boolean): boolean {
  if (!family.table.isMember(owner)) return true
  return looksClosely && !family.platform.isAlive(family.table, owner)
}
