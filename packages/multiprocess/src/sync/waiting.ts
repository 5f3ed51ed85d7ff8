/**
 * Waiting, written once: a step that is tried, and a word to sleep on until it may be worth trying again. Whoever makes a
 * step possible changes the word first and wakes then.
 *
 * It spins for a moment, if that has paid lately, or would have, and parks then. A sleep is cut into slices, after each of
 * which the step is tried again and told to look closely: whoever should wake may be dead.
 */

import type { OptionNames } from '../checks.ts'
import type { Instructions } from '../ground/arena/instructions.ts'
import { WINDOW_BYTES } from '../ground/arena/layout.ts'
import type { Family } from '../ground/family.ts'
import { MOST_SPINS, monotonicMs } from '../ground/os/time.ts'
import { timeoutOf, type WaitOptions } from '../ground/waitable.ts'

/**
 * Tries once. undefined: not now.
 * @param looksClosely time has passed: a look that costs a system call is in place
 * @param wakeups how often it was woken, in vain so far
 */
export type Step<R> = (looksClosely: boolean, wakeups: number) => R | undefined

/**
 * Whether the step fails as long as the word is this: only then may one sleep on it. A word that is free may be taken and
 * given back between the look at it and the step; the step failed then, and nobody will wake.
 */
export type Blocks = (value: number) => boolean

/** Of words that only change to let the step succeed. */
const always: Blocks = () => true

const SPIN_MS = 0.1
/** Whoever is waited for may be waiting for this very processor. */
const YIELD_EVERY_MS = 0.005
/** A spin that took so many milliseconds was interrupted: there are not processors enough for spinners. */
const INTERRUPTED_MS = 0.5
const PATIENCE = 8
/** A sleep that was over within so many milliseconds, most of them for being woken: a spin might have met its end. */
const SHORT_MS = 0.2
/** After so many of these a spin is tried again: few at first, more each time that it does not pay. */
const FEWEST_SLEEPS = 4
/** The same for sleeps of any length. */
const MOST_SLEEPS = 64
const FIRST_SLICE_MS = 20
const LAST_SLICE_MS = 200

/** Whether spinning pays where waits are of one kind. */
export class Patience {
  #left = PATIENCE
  #sleeps = FEWEST_SLEEPS
  #shortSleeps = 0
  #longSleeps = 0

  get isLeft(): boolean {
    return this.#left > 0
  }

  /** A spin has ended, that found something or not. */
  spun(isFound: boolean, ms: number): void {
    if (isFound && ms < INTERRUPTED_MS) {
      this.#left = PATIENCE
      this.#sleeps = FEWEST_SLEEPS
      return
    }
    this.#left = ms < INTERRUPTED_MS ? this.#left - 1 : 0
    if (this.#left === 0) this.#sleeps = Math.min(this.#sleeps * 2, MOST_SLEEPS)
  }

  /** A wait without a spin has ended. */
  slept(ms: number): void {
    if (ms < SHORT_MS) this.#shortSleeps++
    else this.#longSleeps++
    if (this.#shortSleeps < this.#sleeps && this.#longSleeps < MOST_SLEEPS) return
    this.#shortSleeps = 0
    this.#longSleeps = 0
    this.#left = 1
  }
}

const common = new Patience()

/** A word of the arena that is slept on. */
export class WaitWord {
  readonly words: Int32Array
  readonly index: number
  /** What waits here are for, as a report tells it: see `Wait`. */
  readonly subject: string | undefined
  readonly #family: Family
  readonly #at: number
  readonly #over: number | undefined
  readonly #onLot: Instructions
  readonly #count: number
  readonly #patience: Patience

  /**
   * @param patience of the waits on this word, left out: one for all such words
   * @param subject of them, for reports
   * @param over where a word stands that becomes 1 when nobody will change this one any more: then nobody sleeps
   */
  constructor(family: Family, at: number, patience: Patience = common, subject?: string, over?: number) {
    this.#family = family
    this.#patience = patience
    this.subject = subject
    this.#at = at
    this.#over = over
    this.words = family.memory.windowOf(at).words
    this.index = (at % WINDOW_BYTES) >> 2
    this.#onLot = family.memory.instructionsOf(0)
    this.#count = family.lot.countAt(at)
  }

  load(): number {
    return Atomics.load(this.words, this.index)
  }

  /** Whether somebody may sleep on it: to be asked after the word was changed. */
  get isAwaited(): boolean {
    return this.#onLot.load(this.#count) !== 0
  }

  /** After the word was changed. */
  wake(count: number): void {
    if (this.isAwaited) this.#family.lot.unpark(this.#at, count)
  }

  /**
   * Blocks until the step succeeds.
   * @param timeout milliseconds, or Infinity
   * @returns undefined when the timeout ran out
   */
  waitSync<R>(step: Step<R>, timeout: number, blocks: Blocks = always): R | undefined {
    let result = step(false, 0)
    if (result !== undefined) return result
    if (timeout === 0) return step(true, 0)
    const begin = monotonicMs()
    const end = begin + timeout
    const isPatient = this.#patience.isLeft
    if (isPatient) result = this.#spin(step, begin)
    if (result !== undefined) return result
    const leave = this.#tell(true)
    try {
      let slice = FIRST_SLICE_MS
      let looksClosely = false
      let wakeups = 0
      for (;;) {
        const seen = this.load()
        result = step(looksClosely, wakeups)
        if (result !== undefined) break
        const left = end - monotonicMs()
        if (left <= 0) return undefined
        if (!blocks(seen)) continue
        looksClosely = this.#family.lot.park(this.#at, seen, Math.min(left, slice), this.#over) === 'timed-out'
        slice = looksClosely ? Math.min(slice * 2, LAST_SLICE_MS) : FIRST_SLICE_MS
        if (!looksClosely) wakeups++
      }
    } finally {
      leave?.()
    }
    if (!isPatient) this.#patience.slept(monotonicMs() - begin)
    return result
  }

  /**
   * The same in the event loop.
   * @param spins for what another process often does within microseconds: looks for it as long as a turn of the loop may take
   * @throws the signal's reason, once it is aborted
   */
  async wait<R>(
    step: Step<R>,
    timeout: number,
    signal: AbortSignal | undefined,
    blocks: Blocks = always,
    spins = false
  ): Promise<R | undefined> {
    signal?.throwIfAborted()
    let result = step(false, 0)
    if (result !== undefined) return result
    if (timeout === 0) return step(true, 0)
    const begin = monotonicMs()
    const end = begin + timeout
    const isPatient = spins && this.#patience.isLeft
    if (isPatient) result = this.#spin(step, begin)
    if (result !== undefined) return result
    const leave = this.#tell(false)
    try {
      let slice = FIRST_SLICE_MS
      let looksClosely = false
      let wakeups = 0
      for (;;) {
        const seen = this.load()
        result = step(looksClosely, wakeups)
        if (result !== undefined) break
        const left = end - monotonicMs()
        if (left <= 0) return undefined
        if (!blocks(seen)) continue
        const options = { timeout: Math.min(left, slice), signal, over: this.#over }
        const parked = this.#family.lot.parkAsync(this.#at, seen, options)
        this.#family.loop.stir()
        looksClosely = (await parked) === 'timed-out'
        slice = looksClosely ? Math.min(slice * 2, LAST_SLICE_MS) : FIRST_SLICE_MS
        if (!looksClosely) wakeups++
      }
    } finally {
      leave?.()
    }
    if (spins && !isPatient) this.#patience.slept(monotonicMs() - begin)
    return result
  }

  /** Resolves once the word is woken, is another than was `seen`, or ended. @throws the signal's reason, once it is aborted */
  async sleep(seen: number, signal: AbortSignal): Promise<void> {
    await this.#family.lot.parkAsync(this.#at, seen, { signal, over: this.#over })
  }

  /** For reports, until what it answers is called. */
  #tell(isBlocking: boolean): (() => void) | undefined {
    return this.subject === undefined ? undefined : this.#family.waits?.begin(this.subject, isBlocking)
  }

  #spin<R>(step: Step<R>, begin: number): R | undefined {
    const { seats, memory } = this.#family
    if (!seats.take()) return undefined
    let result: R | undefined
    let spent = 0
    let yieldAfter = YIELD_EVERY_MS
    let looks = 0
    try {
      for (;;) {
        for (let i = 0; i < 16 && result === undefined; i++) result = step(false, 0)
        spent = monotonicMs() - begin
        if (result !== undefined || spent >= SPIN_MS || ++looks >= MOST_SPINS) break
        if (spent < yieldAfter) continue
        memory.backing.yield?.()
        yieldAfter = spent + YIELD_EVERY_MS
      }
    } finally {
      seats.leave()
    }
    this.#patience.spun(result !== undefined, spent)
    return result
  }
}

const WITHOUT_END = { timeout: Number.POSITIVE_INFINITY, signal: undefined }

/** The options of a wait, checked. */
export function waitOptions(
  options: WaitOptions | undefined,
  names?: OptionNames
): { timeout: number; signal: AbortSignal | undefined } {
  if (options === undefined) return WITHOUT_END
  return { timeout: timeoutOf(options, undefined, names), signal: options.signal }
}
