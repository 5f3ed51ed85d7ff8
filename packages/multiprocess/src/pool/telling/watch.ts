/** How long tasks wait and run while somebody looks on from outside: measured then, and written where it can be read from there. */
import { monotonicMs } from '../../ground/os/time.ts'
import type { PoolWords } from '../shared/pool-words.ts'
import { Timings } from './timings.ts'

/** The least time between two writes of the times, in milliseconds. */
const WRITE_MS = 100
/** What is told is of this time: old times are forgotten. */
const WINDOW_MS = 5000

export class Watch {
  readonly #words: PoolWords
  #timings: Timings | undefined
  #begun = 0
  #written = 0

  constructor(words: PoolWords) {
    this.#words = words
  }

  /** Asked with every task. */
  get isOn(): boolean {
    return this.#words.isWatched
  }

  submitted(id: number): void {
    if (this.#words.isStillWatched) this.#recent(monotonicMs()).submitted(id)
    else this.#timings = undefined
  }

  /** @param start undefined: no worker began it @param end undefined: it was stopped */
  ended(id: number, start: number | undefined, end: number | undefined): void {
    const timings = this.#timings
    if (timings === undefined) return
    timings.ended(id, start, end)
    const now = monotonicMs()
    if (now - this.#written < WRITE_MS || timings.waits.stats.count === 0) return
    this.#written = now
    this.#words.setTimes(timings.waits.stats, timings.runs.stats)
  }

  #recent(now: number): Timings {
    if (this.#timings === undefined || now - this.#begun > WINDOW_MS) {
      this.#timings = new Timings(this.#timings)
      this.#begun = now
    }
    return this.#timings
  }
}
