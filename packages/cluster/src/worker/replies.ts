/** Sends the results of one batch back: together, but no result waits long for another. */
import type { ResultsLetter } from '../wire/letters.ts'
import { pack } from '../wire/packed.ts'
import type { Outcome } from './batch-run.ts'

const FLUSH_MS = 50
const MOST_BYTES = 4 << 20

export class Replies {
  readonly #job: string
  readonly #post: (letter: ResultsLetter) => Promise<void>
  #outcomes: Outcome[] = []
  #bytes = 0
  #ms = 0
  #timer: NodeJS.Timeout | undefined
  #posted: Promise<void> = Promise.resolve()

  /** @param post sends a letter, and repeats that until the server takes it */
  constructor(job: string, post: (letter: ResultsLetter) => Promise<void>) {
    this.#job = job
    this.#post = post
  }

  add(outcomes: readonly Outcome[], ms: number): void {
    for (const outcome of outcomes) {
      this.#outcomes.push(outcome)
      this.#bytes += outcome[2].length
    }
    this.#ms += ms
    if (this.#bytes >= MOST_BYTES) this.#flush(false)
    else this.#timer ??= setTimeout(() => this.#flush(false), FLUSH_MS)
  }

  /** Resolves once the server has all results. */
  async end(): Promise<void> {
    this.#flush(true)
    await this.#posted
  }

  #flush(isLast: boolean): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const outcomes = this.#outcomes
    const letter: ResultsLetter = {
      type: 'results',
      job: this.#job,
      indexes: Uint32Array.from(outcomes, ([index]) => index),
      errors: Uint8Array.from(outcomes, ([, isError]) => (isError ? 1 : 0)),
      values: pack(outcomes.map(([, , bytes]) => bytes)),
      ms: this.#ms,
      isLast
    }
    this.#outcomes = []
    this.#bytes = 0
    this.#ms = 0
    this.#posted = Promise.all([this.#posted, this.#post(letter)]).then(() => {})
    // The caller of `end` gets the error.
    this.#posted.catch(() => {})
  }
}
