/** A task whose result is waited for with the thread blocked. */
import { TimeoutError } from '../errors.ts'
import { monotonicMs } from '../ground/os/time.ts'
import type { Task } from './dispatcher.ts'

export class BlockingTask<R> implements Task {
  readonly isBlocking = true
  #outcome: { readonly isError: boolean; readonly value: unknown } | undefined

  succeed(value: unknown): void {
    this.#outcome = { isError: false, value }
  }

  fail(error: unknown): void {
    this.#outcome = { isError: true, value: error }
  }

  /**
   * The result; throws the task's error.
   * @param block blocks for at most this many milliseconds, and takes the results that come meanwhile
   * @throws TimeoutError when the timeout, in milliseconds, ran out
   */
  wait(timeout: number, block: (ms: number) => void): R {
    const end = monotonicMs() + timeout
    while (this.#outcome === undefined) {
      const left = end - monotonicMs()
      if (left <= 0) throw new TimeoutError(`no result within ${timeout} ms`)
      block(left)
    }
    if (this.#outcome.isError) throw this.#outcome.value
    return this.#outcome.value as R
  }
}
