/**
 * Fairness: who has waited for long goes before who has just come, as in Go's mutex. A waiter that was woken in vain and has
 * waited a millisecond claims the next turn, by compare-and-exchange of the TURN word from 0 to its process's id; while the
 * word stands nobody else succeeds. It sets the word to 0 when it has succeeded, or given up, and then wakes all; that of a
 * dead process is set to 0 by whoever notices.
 */
import type { Family } from '../ground/family.ts'
import type { WaitWord } from './waiting.ts'

const LONG_MS = 1

export class Turns {
  readonly #family: Family
  readonly #words: Int32Array
  readonly #index: number
  readonly #word: WaitWord

  /** @param index of the TURN word @param word that is slept on */
  constructor(family: Family, words: Int32Array, index: number, word: WaitWord) {
    this.#family = family
    this.#words = words
    this.#index = index
    this.#word = word
  }

  get isClaimed(): boolean {
    return Atomics.load(this.#words, this.#index) !== 0
  }

  /** Whether somebody else goes first. */
  isTaken(turn: Turn | undefined, looksClosely: boolean): boolean {
    const claimer = Atomics.load(this.#words, this.#index)
    if (claimer === 0 || turn?.isClaimed) return false
    if (!isGone(this.#family, claimer, looksClosely)) return true
    if (Atomics.compareExchange(this.#words, this.#index, claimer, 0) === claimer)
      this.#word.wake(Number.POSITIVE_INFINITY)
    return false
  }

  begin(): Turn {
    return new Turn(this)
  }

  claim(): boolean {
    return Atomics.compareExchange(this.#words, this.#index, 0, this.#family.self) === 0
  }

  /** @param isOver the claimer has given up: others, who stood back, are woken */
  free(isOver: boolean): void {
    Atomics.store(this.#words, this.#index, 0)
    if (isOver) this.#word.wake(Number.POSITIVE_INFINITY)
  }
}

/** One wait's claim. */
export class Turn {
  isClaimed = false
  readonly #turns: Turns
  readonly #since = performance.now()

  constructor(turns: Turns) {
    this.#turns = turns
  }

  /** Tried in vain. */
  fail(wakeups: number): void {
    if (wakeups > 0 && !this.isClaimed && performance.now() - this.#since > LONG_MS)
      this.isClaimed = this.#turns.claim()
  }

  end(hasSucceeded: boolean): void {
    if (!this.isClaimed) return
    this.isClaimed = false
    this.#turns.free(!hasSucceeded)
  }
}

/** Whether a process is gone; before its parent has noticed only a close look tells. */
export function isGone(family: Family, owner: number, looksClosely: boolean): boolean {
  if (!family.table.isLive(owner) && !family.table.isStarting(owner)) return true
  return looksClosely && !family.platform.isAlive(family.table, owner)
}
