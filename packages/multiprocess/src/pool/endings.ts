/** Waits that are over as soon as their pool is. */
import { WorkerDiedError } from '../errors.ts'
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

/** What the task of a worker fails with that has died. */
export function deathError(exitcode: number, pid: number): WorkerDiedError {
  const how = exitcode < 0 ? `was killed by signal ${-exitcode}` : `ended with exit code ${exitcode}`
  return new WorkerDiedError(`the worker with pid ${pid} ${how} while it ran the task`, { exitcode, pid })
}
