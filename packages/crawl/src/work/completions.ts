/** Takes promises, and returns their results in the order in which they are settled. */
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

  /** Ends the waiting: `next()` returns the available results, then undefined. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  /** Makes one wait for a result end without one. */
  nudge(): void {
    this.#isNudged = true
    this.#wake?.()
  }

  /**
   * Returns the next result, and waits for it unless closed. Only one caller may wait at a time.
   * @returns undefined once closed, or when nudged
   * @throws the reason with which a promise was rejected
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
