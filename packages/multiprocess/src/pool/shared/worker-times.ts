/**
 * When a worker did what, on the clock of `monotonicMs`: four 64-bit numbers of its part of the table, by the worker, in this order.
 * A worker that dies leaves those that it has written; 0: it did not come so far.
 *
 *     READY    its process runs, and knows what it is
 *     INITED   its initializer has returned
 *     WORKED   the milliseconds for which it had a task, as far as its tasks are observed
 *     LEFT     it takes no more tasks
 */
const READY = 0
const INITED = 1
const WORKED = 2
const LEFT = 3
export const TIMES_WORDS = 8

export interface WorkerMoments {
  readonly ready: number
  readonly inited: number
  readonly worked: number
  readonly left: number
}

export class WorkerTimes {
  readonly #numbers: Float64Array
  readonly #base: number
  #since = 0

  /** @param base of the first, among the numbers */
  constructor(numbers: Float64Array, base: number) {
    this.#numbers = numbers
    this.#base = base
  }

  setReady(at: number): void {
    this.#numbers[this.#base + READY] = at
  }

  setInited(at: number): void {
    this.#numbers[this.#base + INITED] = at
  }

  /** A task begins. @param count of those under way, with it */
  begin(count: number, at: number): void {
    if (count === 1) this.#since = at
  }

  /** A task ends. @param count of those under way, without it */
  end(count: number, at: number): void {
    if (count === 0) this.#numbers[this.#base + WORKED] += at - this.#since
  }

  setLeft(at: number): void {
    this.#numbers[this.#base + LEFT] = at
  }

  get moments(): WorkerMoments {
    const [ready, inited, worked, left] = this.#numbers.subarray(this.#base, this.#base + TIMES_WORDS / 2)
    return { ready, inited, worked, left }
  }
}
