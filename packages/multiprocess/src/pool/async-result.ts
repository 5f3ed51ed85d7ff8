/** A result that is still to come: Python's `multiprocessing.pool.AsyncResult`. */
import { TimeoutError, ValueError } from '../errors.ts'
import { startTimer } from '../ground/timer.ts'
import { checkTimeout, type WaitOptions } from '../ground/waitable.ts'
import { addCaller, rejection } from './caller-stack.ts'

let settle: <R>(result: AsyncResult<R>, state: 'done' | 'failed', outcome: unknown) => void

/** An error that nobody asks for is nobody's: it raises no unhandled rejection. */
export class AsyncResult<R> implements PromiseLike<R> {
  #state: 'pending' | 'done' | 'failed' = 'pending'
  #outcome: unknown
  #waiters: (() => void)[] | undefined
  #promise: Promise<R> | undefined

  static {
    settle = (result, state, outcome) => result.#settle(state, outcome)
  }

  /**
   * The result; rejects with the task's error.
   * @throws TimeoutError when the timeout ran out; the task goes on
   */
  async get(options: WaitOptions = {}): Promise<R> {
    if (!(await this.wait(options))) throw new TimeoutError(`no result within ${options.timeout} ms`)
    if (this.#state === 'failed') {
      addCaller(this.#outcome, this.get)
      throw this.#outcome
    }
    return this.#outcome as R
  }

  /** Resolves to true once the task has succeeded or failed, to false when the timeout, in milliseconds, ran out. */
  wait(options: WaitOptions = {}): Promise<boolean> {
    const timeout = checkTimeout(options.timeout)
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

  ready(): boolean {
    return this.#state !== 'pending'
  }

  /** @throws ValueError while not ready */
  successful(): boolean {
    if (this.#state === 'pending') throw new ValueError('the result is not ready: await it, or ask ready() first')
    return this.#state === 'done'
  }

  // biome-ignore lint/suspicious/noThenProperty: a result can be awaited as it is.
  then<A = R, B = never>(
    onDone?: ((value: R) => A | PromiseLike<A>) | null,
    onFailed?: ((error: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    this.#promise ??= this.#toPromise()
    return this.#promise.then(onDone, onFailed)
  }

  #toPromise(): Promise<R> {
    if (this.#state === 'done') return Promise.resolve(this.#outcome as R)
    if (this.#state === 'failed') return rejection(this.#outcome)
    return new Promise(resolve => {
      this.#waiters ??= []
      this.#waiters.push(() => resolve(this.#state === 'failed' ? rejection(this.#outcome) : (this.#outcome as R)))
    })
  }

  #settle(state: 'done' | 'failed', outcome: unknown): void {
    if (this.#state !== 'pending') return
    this.#state = state
    this.#outcome = outcome
    const waiters = this.#waiters
    this.#waiters = undefined
    if (waiters !== undefined) for (const waiter of waiters) waiter()
  }
}

/** The other side of a result: settles it. */
export class ResultTask<R> {
  readonly result = new AsyncResult<R>()

  succeed(value: unknown): void {
    settle(this.result, 'done', value)
  }

  fail(error: unknown): void {
    settle(this.result, 'failed', error)
  }
}
