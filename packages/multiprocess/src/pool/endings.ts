/** Waits that are over as soon as their pool is. */
import type { Awaitable } from '../ground/awaitable.ts'

export class Endings {
  readonly #listeners = new Set<(error: unknown) => void>()

  /** The pool is terminated or broken. */
  end(error: unknown): void {
    for (const stop of this.#listeners) stop(error)
  }

  /** The same promise, which rejects as soon as the pool ends or the signal fires. */
  async race<T>(promise: Awaitable<T>, signal: AbortSignal | undefined): Promise<T> {
    if (!(promise instanceof Promise)) return promise
    let stop: (error: unknown) => void = () => {}
    const over = new Promise<never>((_, reject) => {
      stop = reject
    })
    const onAbort = () => stop(signal?.reason)
    this.#listeners.add(stop)
    signal?.addEventListener('abort', onAbort)
    try {
      return await Promise.race([promise, over])
    } finally {
      this.#listeners.delete(stop)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
