/**
 * Spinning: looking again and again, for some microseconds, for what another process is about to bring. A wake-up through the kernel
 * costs some 30 µs, so a spin that finds something pays; one that finds nothing takes the processor from others.
 */
import { MOST_SPINS, monotonicMs } from '../os/time.ts'

/** A spin without result ends after this many milliseconds. */
export const SPIN_MS = 0.1
/** Looks between two looks at the clock. */
const LOOKS = 16
/** The process that is waited for may be waiting for this very processor. */
const YIELD_EVERY_MS = 0.005
/** A spin that took this many milliseconds was interrupted: there are not processors enough for spinners. */
const INTERRUPTED_MS = 0.5

/**
 * Looks until `look` returns true, for `ms` milliseconds at most.
 * @param yieldNow lets others run that wait for this processor; called every few microseconds
 * @returns true if `look` did
 */
export function spin(look: () => boolean, ms: number, yieldNow?: () => void): boolean {
  const begin = monotonicMs()
  let yieldAfter = yieldNow === undefined ? Number.POSITIVE_INFINITY : YIELD_EVERY_MS
  for (let clocks = 0; clocks < MOST_SPINS; clocks++) {
    for (let i = 0; i < LOOKS; i++) if (look()) return true
    const spent = monotonicMs() - begin
    if (spent >= ms) return false
    if (spent < yieldAfter) continue
    yieldNow?.()
    yieldAfter = spent + YIELD_EVERY_MS
  }
  return false
}

/** Says whether to spin, where every wait may: after a number of vain spins in a row it allows one now and then. */
export class SimplePatience {
  readonly #most: number
  readonly #retryEvery: number
  #left: number
  #refused = 0

  /** @param most vain spins in a row @param retryEvery of the waits after them, one may spin */
  constructor(most: number, retryEvery: number) {
    this.#most = most
    this.#retryEvery = retryEvery
    this.#left = most
  }

  /** To be asked each time that a wait could spin. */
  maySpin(): boolean {
    if (this.#left <= 0 && ++this.#refused % this.#retryEvery === 0) this.#left = 1
    return this.#left > 0
  }

  /** A spin has ended. */
  spun(isFound: boolean): void {
    this.#left = isFound ? this.#most : this.#left - 1
  }
}

const MOST_VAIN = 8
/** A spin might have met the end of a sleep this short, in milliseconds, most of which is the wake-up. */
const SHORT_MS = 0.2
/** After this many short sleeps a spin is tried again: few at first, more each time that it does not pay. */
const FEWEST_SLEEPS = 4
/** The same for sleeps of any length. */
const MOST_SLEEPS = 64

/** Says whether to spin, where waits of one kind are measured: after vain spins it learns from sleeps when to try again. */
export class Patience {
  #left = MOST_VAIN
  #sleeps = FEWEST_SLEEPS
  #shortSleeps = 0
  #longSleeps = 0

  get isLeft(): boolean {
    return this.#left > 0
  }

  /** A spin has ended. */
  spun(isFound: boolean, ms: number): void {
    if (isFound && ms < INTERRUPTED_MS) {
      this.#left = MOST_VAIN
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
