/** How a crawl went over time. */

export interface HistoryPoint {
  readonly pages: number
  readonly errors: number
  readonly bytes: number
  /** The sum of the times to the headers, in milliseconds, and the number of answers that have one. */
  readonly answerMs: number
  readonly answers: number
  /** The longest of these times. */
  readonly slowestMs: number
  /** The number of URLs that waited when the next point began; null: not known. */
  readonly waiting: number | null
}

/** What has changed since the last look. */
export interface HistoryPart {
  /** Milliseconds that a point stands for. */
  readonly width: number
  /** The index of the first point of the part. */
  readonly from: number
  readonly points: readonly HistoryPoint[]
}

/** A page that was done. */
interface Step {
  readonly isError: boolean
  readonly bytes: number
  readonly firstByteMs: number | null
}

const MOST_POINTS = 600
const FIRST_WIDTH_MS = 1000
const EMPTY: HistoryPoint = { pages: 0, errors: 0, bytes: 0, answerMs: 0, answers: 0, slowestMs: 0, waiting: null }

/** Counts by time, in at most 600 points: when a crawl becomes too long for them, two points become one. */
export class History {
  readonly #waiting: () => number
  #width = FIRST_WIDTH_MS
  #points: HistoryPoint[] = []
  /** The first point that has changed since the last `take()`. */
  #changed = 0

  /** @param waiting returns the number of URLs that wait */
  constructor(waiting: () => number) {
    this.#waiting = waiting
  }

  /** @param at milliseconds since the crawl began */
  add(at: number, { isError, bytes, firstByteMs }: Step): void {
    if (at >= this.#points.length * this.#width) this.#grow(at)
    const index = Math.floor(at / this.#width)
    const before = this.#points[index]
    this.#points[index] = {
      pages: before.pages + 1,
      errors: before.errors + Number(isError),
      bytes: before.bytes + bytes,
      answerMs: before.answerMs + (firstByteMs ?? 0),
      answers: before.answers + Number(firstByteMs !== null),
      slowestMs: Math.max(before.slowestMs, firstByteMs ?? 0),
      waiting: null
    }
    this.#changed = Math.min(this.#changed, index)
  }

  /** @param isWhole takes all points */
  take(isWhole: boolean): HistoryPart {
    this.#lookAtLast()
    const from = isWhole ? 0 : Math.min(this.#changed, this.#points.length)
    this.#changed = this.#points.length
    return { width: this.#width, from, points: this.#points.slice(from) }
  }

  #grow(at: number): void {
    this.#lookAtLast()
    while (at >= MOST_POINTS * this.#width) this.#halve()
    const index = Math.floor(at / this.#width)
    while (this.#points.length <= index) this.#points.push(EMPTY)
  }

  /** Counting those that wait is more work than the rest; once for each point suffices. */
  #lookAtLast(): void {
    const last = this.#points.length - 1
    if (last < 0) return
    this.#points[last] = { ...this.#points[last], waiting: this.#waiting() }
    this.#changed = Math.min(this.#changed, last)
  }

  #halve(): void {
    this.#width *= 2
    const points: HistoryPoint[] = []
    for (let i = 0; i < this.#points.length; i += 2) points.push(sum(this.#points[i], this.#points[i + 1] ?? EMPTY))
    this.#points = points
    this.#changed = 0
  }
}

function sum(a: HistoryPoint, b: HistoryPoint): HistoryPoint {
  return {
    pages: a.pages + b.pages,
    errors: a.errors + b.errors,
    bytes: a.bytes + b.bytes,
    answerMs: a.answerMs + b.answerMs,
    answers: a.answers + b.answers,
    slowestMs: Math.max(a.slowestMs, b.slowestMs),
    waiting: b.waiting ?? a.waiting
  }
}
