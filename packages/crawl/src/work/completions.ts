/** Promises given in, results taken out in the order in which they are settled. */
export class Completions<T> {
  readonly #settled: PromiseSettledResult<T>[] = []
  #wake: (() => void) | undefined
  #isClosed = false
  #isNudged = false

  add(promise: Promise<T>): void {
    promise.then(
      value => this.#settle({ status: 'fulfilled', value }),
      reason => this.#settle({ status: 'rejected', reason })
    )
  }

  /** No more is waited for: `next()` gives what is there, then undefined. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  /** Makes one wait for a value end without one. */
  nudge(): void {
    this.#isNudged = true
    this.#wake?.()
  }

  /**
   * The next value, waited for unless closed. For one caller at a time.
   *
   * @returns undefined once closed, or when nudged
   *
   * @throws what a promise was rejected with
   */
  async next(): Promise<T | undefined> {
    while (this.#settled.length === 0) {
      if (this.#isClosed || this.#isNudged) {
        this.#isNudged = false
        return undefined
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    const settled = this.#settled.shift()!
    if (settled.status === 'rejected') throw settled.reason
    return settled.value
  }

  #settle(settled: PromiseSettledResult<T>): void {
    if (this.#isClosed) return
    this.#settled.push(settled)
    this.#wake?.()
  }
}
