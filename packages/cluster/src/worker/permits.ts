/** Limits how many run at once; first come, first served. */
import { FifoQueue } from 'multiprocess/pooling'

export class Permits {
  readonly #waiting = new FifoQueue<() => void>()
  #free: number

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves when a permit is free; `release` gives it back. */
  acquire(): Promise<void> {
    if (this.#free === 0) return new Promise(resolve => this.#waiting.push(resolve))
    this.#free--
    return Promise.resolve()
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
