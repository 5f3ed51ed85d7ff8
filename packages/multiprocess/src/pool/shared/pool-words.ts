/**
 * The words of a pool that those who look on from outside read: nobody in the family asks for them. By the pool's process, but for
 * WATCHED.
 *
 *     MARKS              tell a pool's block from others; written last, and taken away before the block is given back
 *     OWNER              the pool's process
 *     PLACES, PROCESSES, CONCURRENCY   as the pool was made
 *     PENDING, SUBMITTED, COMPLETED, RESTARTS   counts; those of tasks are 64-bit numbers
 *     WATCHED            until when somebody wants to know how long tasks wait and run, see `toWord`; 0: nobody. By who watches,
 *                        → 0 by the pool once that time is past
 *     TIMES_AT, TIMES …  when the times were written, and they: p50 and p99 of waiting and of running, in milliseconds
 *
 * A death leaves the counts of the moment; who reads checks that OWNER is alive, and owns the block.
 */
import { monotonicMs, toWord, wordsBetween } from '../../ground/os/time.ts'

const MARKS = [0x706f6f6c, 0x31776f72]
/** And PLACES, PROCESSES, CONCURRENCY behind it. */
const OWNER = 2
const PENDING = 6
const WATCHED = 7
/** Counted in 64-bit numbers. */
const SUBMITTED = 4
const COMPLETED = 5
const RESTARTS = 12
const TIMES_AT = 13
const TIMES = 7
export const WORDS_FOR_OTHERS = 32
/** No watch is longer, in milliseconds: a word that says so was written long ago. */
const LONGEST_WATCH_MS = 60_000

interface Percentiles {
  readonly p50: number
  readonly p99: number
}

/** How long tasks waited and ran lately, in milliseconds. */
export interface LatelyTimes {
  readonly at: number
  readonly wait: Percentiles
  readonly run: Percentiles
}

/** What a pool is made with. */
export interface PoolShape {
  readonly owner: number
  readonly places: number
  readonly processes: number
  readonly concurrency: number
}

export class PoolWords {
  /** Where WATCHED is, in bytes from the first of these words. */
  static readonly watchedAt = WATCHED * 4
  readonly #words: Int32Array
  readonly #numbers: Float64Array
  readonly #base: number

  /** @param base the first of these words; even */
  constructor(words: Int32Array, numbers: Float64Array, base: number) {
    this.#words = words
    this.#numbers = numbers
    this.#base = base
  }

  publish({ owner, places, processes, concurrency }: PoolShape): void {
    this.#words.set([owner, places, processes, concurrency], this.#base + OWNER)
    this.#words.set(MARKS, this.#base)
  }

  withdraw(): void {
    this.#words.fill(0, this.#base, this.#base + MARKS.length)
  }

  /** Undefined when this is no pool. */
  get shape(): PoolShape | undefined {
    if (MARKS.some((mark, i) => this.#words[this.#base + i] !== mark)) return undefined
    const [owner, places, processes, concurrency] = this.#words.subarray(this.#base + OWNER)
    return { owner, places, processes, concurrency }
  }

  set pending(count: number) {
    this.#words[this.#base + PENDING] = count
  }

  get pending(): number {
    return this.#words[this.#base + PENDING]
  }

  set submitted(count: number) {
    this.#numbers[(this.#base >> 1) + SUBMITTED] = count
  }

  get submitted(): number {
    return this.#numbers[(this.#base >> 1) + SUBMITTED]
  }

  set completed(count: number) {
    this.#numbers[(this.#base >> 1) + COMPLETED] = count
  }

  get completed(): number {
    return this.#numbers[(this.#base >> 1) + COMPLETED]
  }

  set restarts(count: number) {
    this.#words[this.#base + RESTARTS] = count
  }

  get restarts(): number {
    return this.#words[this.#base + RESTARTS]
  }

  /** Asked with every task: one look. */
  get isWatched(): boolean {
    return this.#words[this.#base + WATCHED] !== 0
  }

  /** Looks at the clock, too. */
  get isStillWatched(): boolean {
    const until = this.#words[this.#base + WATCHED]
    if (until === 0) return false
    if (wordsBetween(toWord(monotonicMs()), until) < LONGEST_WATCH_MS) return true
    Atomics.compareExchange(this.#words, this.#base + WATCHED, until, 0)
    return false
  }

  setTimes(wait: Percentiles, run: Percentiles): void {
    this.#numbers.set([wait.p50, wait.p99, run.p50, run.p99], (this.#base >> 1) + TIMES)
    this.#words[this.#base + TIMES_AT] = toWord(monotonicMs())
  }

  /** Undefined: none were written yet. */
  get times(): LatelyTimes | undefined {
    const at = this.#words[this.#base + TIMES_AT]
    if (at === 0) return undefined
    const [wait50, wait99, run50, run99] = this.#numbers.subarray((this.#base >> 1) + TIMES)
    return { at, wait: { p50: wait50, p99: wait99 }, run: { p50: run50, p99: run99 } }
  }
}
