/** How long a pool's tasks wait and run: measured where a pool is asked to, since workers look at no clock otherwise. */
import { monotonicMs } from '../../ground/os/time.ts'

/** A distribution of times, in milliseconds. */
export interface TimeStats {
  /** The number of times that were measured. */
  readonly count: number
  /** The shortest time. */
  readonly min: number
  /** The arithmetic mean. */
  readonly mean: number
  /** The longest time. */
  readonly max: number
  /** The median. */
  readonly p50: number
  /** 90 % of the times are at most this long. */
  readonly p90: number
  /** 99 % of the times are at most this long. */
  readonly p99: number
}

const NANOSECONDS = 1e6
const NONE: TimeStats = Object.freeze({ count: 0, min: 0, mean: 0, max: 0, p50: 0, p90: 0, p99: 0 })

/** Node's HDR histogram, which takes whole numbers: nanoseconds here. */
export class Times {
  readonly #histogram = process.getBuiltinModule('node:perf_hooks').createHistogram({ figures: 3 })

  add(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * NANOSECONDS)))
  }

  get stats(): TimeStats {
    const { count, min, mean, max } = this.#histogram
    if (count === 0) return NONE
    const [p50, p90, p99] = [50, 90, 99].map(percent => this.#histogram.percentile(percent) / NANOSECONDS)
    return { count, min: min / NANOSECONDS, mean: mean / NANOSECONDS, max: max / NANOSECONDS, p50, p90, p99 }
  }
}

export class Timings {
  readonly waits = new Times()
  readonly runs = new Times()
  /** When each task was submitted that has not ended, by its id. */
  readonly #submits: Map<number, number>

  /** @param former whose tasks that are under way are measured on */
  constructor(former?: Timings) {
    this.#submits = former === undefined ? new Map() : former.#submits
  }

  submitted(id: number): void {
    this.#submits.set(id, monotonicMs())
  }

  /** @param start undefined: no worker began it @param end undefined: it was stopped */
  ended(id: number, start: number | undefined, end: number | undefined): void {
    const submit = this.#submits.get(id)
    this.#submits.delete(id)
    if (submit === undefined || start === undefined) return
    this.waits.add(start - submit)
    if (end !== undefined) this.runs.add(end - start)
  }
}
