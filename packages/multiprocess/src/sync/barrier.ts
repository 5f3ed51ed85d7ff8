/**
 * A point that a number of parties reach together: Python's `multiprocessing.Barrier`.
 *
 *     MUTEX     guards the rest: a robust word-lock; the process that takes it from a dead holder breaks the barrier
 *     STATUS    FILLING → ACTING    by the last to arrive, which then runs the action
 *               ACTING → FILLING    by the same process, after it has let the others pass: the next round begins
 *               → BROKEN            by a timeout, an abort, a failed action, or the process that notices a death
 *               → FILLING           by `reset`
 *     ARRIVED   the number of parties that have arrived in this round
 *     ROUND     the number of rounds so far; parties that arrive while a round ends sleep on it
 *     ACTOR     the process that runs the action
 *     HEAD, TAIL   the list of waiting parties, see wait-list.ts; each party learns there whether it passes or the barrier broke
 */

import { checkInteger } from '../checks.ts'
import { BrokenBarrierError } from '../errors.ts'
import type { BlockKind } from '../ground/arena/block-kinds.ts'
import { WordLock } from '../ground/arena/word-lock.ts' // lazy
import type { Family } from '../ground/family.ts'
import { inspectAs } from '../ground/inspect.ts'
import { monotonicMs } from '../ground/os/time.ts'
import { timeoutOf, type WaitOptions } from '../ground/waitable.ts'
import { handleOf, isNew, payloadAt, SharedObject, wordsOf } from '../memory/shared-object.ts'
import { checkBarrier } from './barrier-options.ts'
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

/** The result of an arrival: the last of a round has no waiter, the others wait, and 'later' means to try again after the round. */
type Arrival = { readonly index: number; readonly waiter: Waiter | undefined; readonly round: number } | 'later'

/** A place where several parties wait for each other; it can be used again and again. See Python's `multiprocessing.Barrier`. */
export class Barrier extends SharedObject {
  protected static override readonly kind: BlockKind = 'Barrier'
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
   * @param parties the number of parties that pass together, 1 or more
   * @param options.action runs in one party, before all pass
   * @param options.timeout the timeout of each `wait` that names none, in milliseconds. Default: Infinity
   * @throws ValueError if `parties` is not a positive integer; TypeError if it is not a number, or for an unknown option
   * @example
   * import { Barrier } from 'multiprocess'
   *
   * const barrier = new Barrier(2, { action: () => console.log('both are here') })
   * await Promise.all([barrier.wait(), barrier.wait()])
   */
  constructor(parties: number, options: { action?: () => void; timeout?: number } = {}) {
    checkBarrier(parties, options)
    if (parties > MOST_PARTIES) checkInteger('parties', parties, 1, MOST_PARTIES)
    const { action, timeout } = options
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

  /** The number of parties that pass together. */
  get parties(): number {
    return this.#get(PARTIES)
  }

  /** The number of parties that wait. */
  get nWaiting(): number {
    return this.#get(STATUS) === FILLING ? this.#get(ARRIVED) : 0
  }

  /** True if the barrier is broken: waits throw BrokenBarrierError until `reset()`. */
  get broken(): boolean {
    return this.#get(STATUS) === BROKEN
  }

  /** The default timeout of `wait`, and the action of the party that arrives last. */
  get options(): { readonly action: (() => unknown) | undefined; readonly timeout: number | undefined } {
    return { action: this.#action, timeout: this.#timeout }
  }

  /**
   * Waits until all parties have arrived.
   * @returns an integer from 0 to parties − 1: this party's place in the order of arrival
   * @throws BrokenBarrierError if the barrier is or becomes broken; a timeout breaks it, too
   * @throws the signal's reason once it is aborted, which breaks the barrier for the others
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

  /** Does the same and blocks the thread. It does not wait for a promise that the action returns. */
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

  /** Empties the barrier: parties that wait get a BrokenBarrierError, and a new round begins. */
  reset(): void {
    this.#exclusive(() => {
      this.#waiters.decide(BROKE)
      this.#beginRound(FILLING)
    })
  }

  /** Breaks the barrier: until `reset`, all parties that wait or arrive get a BrokenBarrierError. */
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

  /** Breaks the barrier after its action failed, unless the barrier was reset meanwhile: then no party waits for the action. */
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

  /** Returns true if a party died, so that the others cannot end the round. */
  #breakIfDead(): void {
    this.#exclusive(() => {
      const actor = this.#get(ACTOR)
      if (this.#waiters.hasDead() || (actor !== 0 && isGone(this.#family, actor, true))) this.#break()
    })
  }

  /** Breaks the barrier if a party died. Waiting parties look for themselves; the last to arrive must look, as it does not wait. */
  #throwIfDead(): void {
    if (!this.#waiters.hasDead()) return
    this.#break()
    throw new BrokenBarrierError()
  }

  /**
   * Stops waiting after a timeout or an abort, and breaks the barrier, as the others cannot pass without this party. Both happen under
   * one lock: otherwise the others could pass in between, and this would break the next round.
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

/** @throws BrokenBarrierError unless the party has passed */
function passed(index: number, decision: number | undefined): number {
  if (decision === PASSED) return index
  throw new BrokenBarrierError(
    decision === undefined ? 'the barrier is broken: the wait ran out' : 'the barrier is broken'
  )
}
