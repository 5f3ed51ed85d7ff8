/** A result that is still to come: Python's `multiprocessing.pool.AsyncResult`. */
import { TimeoutError, ValueError } from '../errors.ts'
import { inspectAs } from '../ground/inspect.ts'
import { startTimer } from '../ground/os/timer.ts'
import { timeoutOf, type WaitOptions } from '../ground/waitable.ts'
import { addCaller, rejection } from './caller-stack.ts' // lazy

let settle: (result: AsyncResult<unknown>, state: 'done' | 'failed') => boolean

/**
 * An error that nobody asks for is nobody's: it raises no unhandled rejection. Made by a pool's `applyAsync`.
 *
 * It is a promise, and says that its constructor is Promise: `await` and `Promise.all` then take it as it is, where any
 * other thenable costs them two more promises and two more turns.
 */
export class AsyncResult<R> extends Promise<R> {
  #state: 'pending' | 'done' | 'failed' = 'pending'
  #waiters: (() => void)[] | undefined

  static {
    Object.defineProperty(AsyncResult.prototype, 'constructor', { value: Promise, writable: true, configurable: true })
    settle = (result, state) => result.#settle(state)
    inspectAs<AsyncResult<unknown>>(
      AsyncResult,
      result => result.#state,
      () => 'AsyncResult'
    )
  }

  /**
   * The result; rejects with the task's error.
   * @throws TimeoutError when the timeout ran out; the task goes on
   */
  get(options?: WaitOptions): Promise<R> {
    // Only the result itself is waited for: one promise more instead of four.
    return options === undefined ? this.then() : this.#getWithin(options)
  }

  async #getWithin(options: WaitOptions): Promise<R> {
    if (!(await this.wait(options))) throw new TimeoutError(`no result within ${options.timeout} ms`)
    try {
      return await (this as Promise<R>)
    } catch (error) {
      addCaller(error, this.#getWithin)
      throw error
    }
  }

  /** Resolves to true once the task has succeeded or failed, to false when the timeout, in milliseconds, ran out. */
  wait(options: WaitOptions = {}): Promise<boolean> {
    const timeout = timeoutOf(options)
    const { signal } = options
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (this.#state !== 'pending' || timeout === 0) return resolve(this.#state !== 'pending')
      const end = (answer: () => void) => {
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
        const at = this.#waiters?.indexOf(onSettled) ?? -1
        if (at >= 0) this.#waiters?.splice(at, 1)
        answer()
      }
      const onSettled = () => end(() => resolve(true))
      const onAbort = () => end(() => reject(signal?.reason))
      const stopTimer = startTimer(() => end(() => resolve(false)), timeout)
      signal?.addEventListener('abort', onAbort)
      this.#waiters ??= []
      this.#waiters.push(onSettled)
    })
  }

  /** Returns true if the result, or the error, is available. */
  ready(): boolean {
    return this.#state !== 'pending'
  }

  /** @throws ValueError while not ready */
  successful(): boolean {
    if (this.#state === 'pending') throw new ValueError('the result is not ready: await it, or ask ready() first')
    return this.#state === 'done'
  }

  #settle(state: 'done' | 'failed'): boolean {
    if (this.#state !== 'pending') return false
    this.#state = state
    const waiters = this.#waiters
    this.#waiters = undefined
    if (waiters !== undefined) for (const waiter of waiters) waiter()
    return true
  }
}

function ignore(): void {}

/** The other side of a result: settles it. */
export class ResultTask<R> {
  readonly result: AsyncResult<R>
  #resolve!: (value: R | Promise<R>) => void

  constructor() {
    this.result = new AsyncResult<R>(resolve => {
      this.#resolve = resolve
    })
  }

  succeed(value: unknown): void {
    if (settle(this.result, 'done')) this.#resolve(value as R)
  }

  fail(error: unknown): void {
    if (!settle(this.result, 'failed')) return
    this.#resolve(rejection(error, () => void this.result.then(undefined, ignore)))
  }
}
