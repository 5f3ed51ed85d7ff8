/**
 * A point that a number of parties reach together: Python's `multiprocessing.Barrier`.
 *
 *     MUTEX     guards the rest: a robust word-lock; whoever takes it from a dead holder breaks the barrier
 *     STATUS    FILLING → ACTING    by the last to arrive, which then runs the action
 *               ACTING → FILLING    by it, when it has let the others pass: the next round begins
 *               → BROKEN            by a timeout, an abort, a failed action, or who notices a death
 *               → FILLING           by `reset`
 *     ARRIVED   how many of this round
 *     ROUND     one more at each end of one; those who come while it ends sleep on it
 *     ACTOR     who runs the action
 *     HEAD, TAIL   of those who wait, see wait-list.ts; each is told whether it passes or the barrier broke
 */

import { checkFunction, checkInteger, checkOptions, optionNames } from '../checks.ts'
import { BrokenBarrierError } from '../errors.ts'
import { WordLock } from '../ground/arena/word-lock.ts' // lazy
import type { Family } from '../ground/family.ts'
import { inspectAs } from '../ground/inspect.ts'
import { monotonicMs } from '../ground/os/time.ts'
import { checkTimeout, timeoutOf, type WaitOptions } from '../ground/waitable.ts'
import { handleOf, isNew, payloadAt, SharedObject, wordsOf } from '../memory/shared-object.ts'
import { isGone } from './turns.ts'
import { FIRST_DECISION, type Waiter, WaitList } from './wait-list.ts'
import { type Step, WaitWord } from './waiting.ts'

const MUTEX = 0
const STATUS = 1
const ARRIVED = 2
const ROUND = 3
const ACTOR = 4
const TAIL = 5
const PARTIES = 7
const SIZE = 8 * 4

const FILLING = 0
const ACTING = 1
const BROKEN = 2

const PASSED = FIRST_DECISION
const BROKE = FIRST_DECISION + 1

const MOST_PARTIES = 2 ** 31 - 1
const BARRIER_OPTIONS = optionNames('{ action, timeout: 1000 }', 'action', 'timeout')

/** What arriving leads to: to be the last of a round, to wait, or to come again once a round has ended. */
type Arrival = { readonly index: number; readonly waiter: Waiter | undefined; readonly round: number } | 'later'

export class Barrier extends SharedObject {
  readonly #family: Family
  readonly #words: Int32Array
  readonly #index: number
  readonly #mutex: WordLock
  readonly #waiters: WaitList
  readonly #round: WaitWord
  readonly #action: (() => unknown) | undefined
  readonly #timeout: number | undefined

  static {
    inspectAs(Barrier, barrier => {
      const broken = barrier.broken ? ', broken' : ''
      return `${barrier.nWaiting} of ${barrier.parties} waiting${broken}`
    })
  }

  /**
   * @param parties how many pass together
   * @param options.action run by one of them before all pass
   * @param options.timeout milliseconds, of each `wait` that names none
   * @throws ValueError when `parties` is no whole number above 0, TypeError for options that are none
   */
  constructor(parties: number, options: { action?: () => void; timeout?: number } = {}) {
    checkInteger('parties', parties, 1)
    if (parties > MOST_PARTIES) checkInteger('parties', parties, 1, MOST_PARTIES)
    checkOptions(options, BARRIER_OPTIONS)
    const { action, timeout } = options
    if (action !== undefined) checkFunction('action', action)
    checkTimeout(timeout)
    const isFirst = isNew()
    super(SIZE)
    const handle = handleOf(this)
    const { words, index } = wordsOf(handle)
    const { family } = handle
    const at = payloadAt(handle)
    this.#family = family
    this.#words = words
    this.#index = index
    this.#mutex = new WordLock(family.memory, at + MUTEX * 4, family.self, owner =>
      family.platform.isAlive(family.table, owner)
    )
    const subject =
      family.waits && `at {block ${handle.at}}, where {word ${at + ARRIVED * 4}} of {word ${at + PARTIES * 4}} are`
    this.#waiters = new WaitList(handle, TAIL, subject)
    this.#round = new WaitWord(family, at + ROUND * 4, undefined, subject)
    this.#action = action
    this.#timeout = timeout
    if (isFirst) this.#set(PARTIES, parties)
  }

  get parties(): number {
    return this.#get(PARTIES)
  }

  /** How many wait. */
  get nWaiting(): number {
    return this.#get(STATUS) === FILLING ? this.#get(ARRIVED) : 0
  }

  get broken(): boolean {
    return this.#get(STATUS) === BROKEN
  }

  /** What `wait` uses when it is told no timeout, and what the last to arrive runs. */
  get options(): { readonly action: (() => unknown) | undefined; readonly timeout: number | undefined } {
    return { action: this.#action, timeout: this.#timeout }
  }

  /**
   * Waits until all parties are here.
   * @returns 0 to parties − 1: in which order they came
   * @throws BrokenBarrierError when it is or becomes broken, which a timeout does as well; the signal's reason, once it is
   *   aborted, which breaks it for the others
   */
  async wait(options?: WaitOptions): Promise<number> {
    const end = monotonicMs() + timeoutOf(options, this.#timeout)
    const signal = options?.signal
    signal?.throwIfAborted()
    let arrival = this.#arrive()
    while (arrival === 'later') {
      const passed = await this.#round.wait(this.#roundStep(), Math.max(0, end - monotonicMs()), signal)
      if (passed === undefined) throw this.#breakAndSay()
      arrival = this.#arrive()
    }
    if (arrival.waiter === undefined) {
      await this.#act(arrival.round)
      return arrival.index
    }
    const { index, waiter } = arrival
    let decision: number | undefined
    try {
      const left = Math.max(0, end - monotonicMs())
      decision = await waiter.word.wait(this.#waitStep(waiter), left, signal)
    } catch (error) {
      decision = this.#leave(waiter)
      if (decision === undefined) throw error
      return passed(index, decision)
    }
    if (decision !== undefined) this.#exclusive(() => this.#waiters.remove(waiter))
    else decision = this.#leave(waiter)
    return passed(index, decision)
  }

  /** The same, blocking the thread. An action that answers a promise is not waited for. */
  waitSync(options?: { timeout?: number }): number {
    const end = monotonicMs() + timeoutOf(options, this.#timeout)
    let arrival = this.#arrive()
    while (arrival === 'later') {
      if (this.#round.waitSync(this.#roundStep(), Math.max(0, end - monotonicMs())) === undefined) {
        throw this.#breakAndSay()
      }
      arrival = this.#arrive()
    }
    if (arrival.waiter === undefined) {
      this.#actSync(arrival.round)
      return arrival.index
    }
    const { index, waiter } = arrival
    const decision = waiter.word.waitSync(this.#waitStep(waiter), Math.max(0, end - monotonicMs()))
    if (decision === undefined) return passed(index, this.#leave(waiter))
    this.#exclusive(() => this.#waiters.remove(waiter))
    return passed(index, decision)
  }

  /** Empties it: those who wait get a BrokenBarrierError, those who come start anew. */
  reset(): void {
    this.#exclusive(() => {
      this.#waiters.decide(BROKE)
      this.#beginRound(FILLING)
    })
  }

  /** Breaks it: those who wait and those who come get a BrokenBarrierError, until `reset`. */
  abort(): void {
    this.#exclusive(() => this.#break())
  }

  #arrive(): Arrival {
    return this.#exclusive(() => {
      if (this.#get(STATUS) === BROKEN) throw new BrokenBarrierError()
      if (this.#get(STATUS) === ACTING) return 'later'
      const index = this.#get(ARRIVED)
      const round = this.#get(ROUND)
      if (index + 1 < this.parties) {
        const waiter = this.#waiters.append()
        this.#set(ARRIVED, index + 1)
        return { index, waiter, round }
      }
      this.#throwIfDead()
      this.#set(ARRIVED, index + 1)
      this.#set(ACTOR, this.#family.self)
      this.#set(STATUS, ACTING)
      return { index, waiter: undefined, round }
    })
  }

  async #act(round: number): Promise<void> {
    try {
      await this.#action?.()
    } catch (error) {
      this.#fail(round)
      throw error
    }
    this.#pass(round)
  }

  #actSync(round: number): void {
    try {
      this.#action?.()
    } catch (error) {
      this.#fail(round)
      throw error
    }
    this.#pass(round)
  }

  /** The action failed. If the barrier was reset meanwhile, nobody waits for it any more. */
  #fail(round: number): void {
    this.#exclusive(() => {
      if (this.#get(ROUND) === round) this.#break()
    })
  }

  #pass(round: number): void {
    this.#exclusive(() => {
      // Reset, or broken, while the action ran.
      if (this.#get(ROUND) !== round || this.#get(STATUS) !== ACTING) throw new BrokenBarrierError()
      if (this.#action !== undefined) this.#throwIfDead()
      this.#waiters.decide(PASSED)
      this.#beginRound(FILLING)
    })
  }

  #beginRound(status: number): void {
    this.#set(ARRIVED, 0)
    this.#set(ACTOR, 0)
    this.#set(STATUS, status)
    this.#set(ROUND, (this.#get(ROUND) + 1) | 0)
    this.#round.wake(Number.POSITIVE_INFINITY)
  }

  #break(): void {
    this.#waiters.decide(BROKE)
    this.#beginRound(BROKEN)
  }

  #breakAndSay(): BrokenBarrierError {
    this.abort()
    return new BrokenBarrierError('the barrier is broken: the wait ran out')
  }

  #roundStep(): Step<true> {
    const round = this.#get(ROUND)
    return looksClosely => {
      if (looksClosely) this.#breakIfDead()
      return this.#get(ROUND) !== round || this.#get(STATUS) !== ACTING ? true : undefined
    }
  }

  #waitStep(waiter: Waiter): Step<number> {
    return (looksClosely, wakeups) => {
      if (looksClosely || wakeups > 0) this.#breakIfDead()
      return this.#waiters.decision(waiter)
    }
  }

  /** The round can't be ended by those that are left. */
  #breakIfDead(): void {
    this.#exclusive(() => {
      const actor = this.#get(ACTOR)
      if (this.#waiters.hasDead() || (actor !== 0 && isGone(this.#family, actor, true))) this.#break()
    })
  }

  /** Those who wait look for themselves, and break it. Who comes last does not wait: it would pass, and never know. */
  #throwIfDead(): void {
    if (!this.#waiters.hasDead()) return
    this.#break()
    throw new BrokenBarrierError()
  }

  /**
   * Waits no longer, because its time ran out or it was aborted: the others can't pass without it. In one with breaking, since
   * they would otherwise pass in between, and the next round would be broken.
   * @returns the decision, if one came first
   */
  #leave(waiter: Waiter): number | undefined {
    return this.#exclusive(() => {
      const decision = this.#waiters.leave(waiter)
      if (decision === undefined) this.#break()
      this.#waiters.remove(waiter)
      return decision
    })
  }

  #exclusive<R>(change: () => R): R {
    const hasDied = this.#mutex.acquire()
    try {
      if (hasDied) this.#break()
      return change()
    } finally {
      this.#mutex.release()
    }
  }

  #get(word: number): number {
    return Atomics.load(this.#words, this.#index + word)
  }

  #set(word: number, value: number): void {
    Atomics.store(this.#words, this.#index + word, value)
  }
}

/** @throws BrokenBarrierError unless it has passed */
function passed(index: number, decision: number | undefined): number {
  if (decision === PASSED) return index
  throw new BrokenBarrierError(
    decision === undefined ? 'the barrier is broken: the wait ran out' : 'the barrier is broken'
  )
}
