/**
 * Waiting: a step that is tried, and a word to sleep on until another attempt may succeed. A process that makes a step possible changes
 * the word first and then wakes.
 *
 * A wait spins for a moment, if spinning has paid lately or would have, and then parks. Its sleep is cut into slices. After each slice the
 * step is tried again and looks closely, because the process that should have woken it may be dead.
 */

import type { OptionNames } from '../checks.ts'
import type { Instructions } from '../ground/arena/instructions.ts'
import { WINDOW_BYTES } from '../ground/arena/layout.ts'
import type { Family } from '../ground/family.ts'
import { monotonicMs } from '../ground/os/time.ts'
import { timeoutOf, type WaitOptions } from '../ground/waitable.ts'
import type { ParkResult } from '../ground/waiting/parking-lot.ts'
import { Patience, SPIN_MS, spin } from '../ground/waiting/spinning.ts'

/**
 * Tries once. Returns undefined if it cannot succeed now.
 * @param looksClosely a slice has passed: the step may spend a system call on its look
 * @param wakeups the number of times that the wait was woken in vain
 */
export type Step<R> = (looksClosely: boolean, wakeups: number) => R | undefined

/**
 * Returns true if the step cannot succeed while the word has this value: only then may the wait sleep on the word. A free lock may be
 * taken and released between the look at the word and the step; the step has failed then, and no process will wake the waiter.
 */
export type Blocks = (value: number) => boolean

/** For words that only change to let the step succeed. */
const always: Blocks = () => true

const FIRST_SLICE_MS = 20
const LAST_SLICE_MS = 200

const common = new Patience()

/** The attempts of one wait: it tries the step until that succeeds or the timeout runs out. */
class Attempts<R> {
  /** undefined: the step has not succeeded. */
  result: R | undefined
  /** The word before the last attempt. */
  seen = 0
  /** How long to sleep after the last attempt, in milliseconds, if the word has not changed since. */
  pause = 0
  readonly #word: WaitWord
  readonly #step: Step<R>
  readonly #blocks: Blocks
  readonly #end: number
  #slice = FIRST_SLICE_MS
  #looksClosely = false
  #wakeups = 0

  constructor(word: WaitWord, step: Step<R>, blocks: Blocks, end: number) {
    this.#word = word
    this.#step = step
    this.#blocks = blocks
    this.#end = end
  }

  /** Tries the step. Returns true if it may succeed after a sleep, false if the wait is over. */
  fails(): boolean {
    for (;;) {
      this.seen = this.#word.load()
      this.result = this.#step(this.#looksClosely, this.#wakeups)
      if (this.result !== undefined) return false
      this.pause = Math.min(this.#end - monotonicMs(), this.#slice)
      if (this.pause <= 0) return false
      if (this.#blocks(this.seen)) return true
    }
  }

  /** The sleep after a failure has ended. */
  slept(how: ParkResult): void {
    this.#looksClosely = how === 'timed-out'
    this.#slice = this.#looksClosely ? Math.min(this.#slice * 2, LAST_SLICE_MS) : FIRST_SLICE_MS
    if (!this.#looksClosely) this.#wakeups++
  }
}

/** A word of the arena that waiters sleep on. */
export class WaitWord {
  readonly words: Int32Array
  readonly index: number
  /** The subject of waits on this word in reports, see `Wait`. */
  readonly subject: string | undefined
  readonly #family: Family
  readonly #at: number
  readonly #over: number | undefined
  readonly #onLot: Instructions
  readonly #count: number
  readonly #patience: Patience

  /**
   * @param patience the patience of waits on this word. Default: one that all such words share
   * @param subject the subject of waits on this word in reports
   * @param over the place of a word that becomes 1 when no process will change this word again: then no waiter sleeps
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

  /** True if a waiter may sleep on the word. To be read after the word was changed. */
  get isAwaited(): boolean {
    return this.#onLot.load(this.#count) !== 0
  }

  /** Wakes up to `count` waiters. To be called after the word was changed. */
  wake(count: number): void {
    if (this.isAwaited) this.#family.lot.unpark(this.#at, count)
  }

  /**
   * Blocks until the step succeeds.
   * @param timeout milliseconds, or Infinity
   * @returns what the step returned; undefined if the timeout ran out
   */
  waitSync<R>(step: Step<R>, timeout: number, blocks: Blocks = always): R | undefined {
    const learns = !this.#patience.isLeft
    const result = this.#tryAwake(step, timeout, true)
    if (result !== undefined || timeout === 0) return result
    const begin = monotonicMs()
    const attempts = new Attempts(this, step, blocks, begin + timeout)
    const whole = { since: begin, ends: timeout !== Number.POSITIVE_INFINITY }
    const leave = this.#tell(true)
    try {
      while (attempts.fails())
        attempts.slept(this.#family.lot.park(this.#at, attempts.seen, attempts.pause, this.#over, whole))
    } finally {
      leave?.()
    }
    if (learns && attempts.result !== undefined) this.#patience.slept(monotonicMs() - begin)
    return attempts.result
  }

  /**
   * Does the same in the event loop.
   * @param spins spins first, for what another process often does within microseconds
   * @throws the signal's reason once it is aborted
   */
  async wait<R>(
    step: Step<R>,
    timeout: number,
    signal: AbortSignal | undefined,
    blocks: Blocks = always,
    spins = false
  ): Promise<R | undefined> {
    signal?.throwIfAborted()
    const learns = spins && !this.#patience.isLeft
    const result = this.#tryAwake(step, timeout, spins)
    if (result !== undefined || timeout === 0) return result
    const begin = monotonicMs()
    const attempts = new Attempts(this, step, blocks, begin + timeout)
    const whole = { since: begin, ends: timeout !== Number.POSITIVE_INFINITY }
    const leave = this.#tell(false)
    try {
      while (attempts.fails()) {
        const options = { timeout: attempts.pause, signal, over: this.#over, whole }
        const parked = this.#family.lot.parkAsync(this.#at, attempts.seen, options)
        this.#family.loop.stir()
        attempts.slept(await parked)
      }
    } finally {
      leave?.()
    }
    if (learns && attempts.result !== undefined) this.#patience.slept(monotonicMs() - begin)
    return attempts.result
  }

  /** Resolves once the word is woken, differs from `seen`, or has ended. @throws the signal's reason once it is aborted */
  async sleep(seen: number, signal: AbortSignal): Promise<void> {
    await this.#family.lot.parkAsync(this.#at, seen, { signal, over: this.#over })
  }

  /** Tells reports about this wait until the returned function is called. */
  #tell(isBlocking: boolean): (() => void) | undefined {
    return this.subject === undefined ? undefined : this.#family.waits?.begin(this.subject, isBlocking)
  }

  /** Tries the step without sleeping: once, and then for a moment if spinning pays here. */
  #tryAwake<R>(step: Step<R>, timeout: number, spins: boolean): R | undefined {
    const result = step(false, 0)
    if (result !== undefined) return result
    if (timeout === 0) return step(true, 0)
    return spins && this.#patience.isLeft ? this.#spin(step) : undefined
  }

  #spin<R>(step: Step<R>): R | undefined {
    const { seats, memory } = this.#family
    if (!seats.take()) return undefined
    const begin = monotonicMs()
    let result: R | undefined
    try {
      spin(
        () => {
          result = step(false, 0)
          return result !== undefined
        },
        SPIN_MS,
        memory.backing.yield
      )
    } finally {
      seats.leave()
    }
    this.#patience.spun(result !== undefined, monotonicMs() - begin)
    return result
  }
}

const WITHOUT_END = { timeout: Number.POSITIVE_INFINITY, signal: undefined }

/** Checks the options of a wait and returns them with their defaults. */
export function waitOptions(
  options: WaitOptions | undefined,
  names?: OptionNames
): { timeout: number; signal: AbortSignal | undefined } {
  if (options === undefined) return WITHOUT_END
  return { timeout: timeoutOf(options, undefined, names), signal: options.signal }
}
