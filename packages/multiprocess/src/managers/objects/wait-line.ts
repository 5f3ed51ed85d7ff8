/** The calls that wait at the server for one thing, in the order of their arrival. */
import { startTimer } from '../../ground/os/timer.ts'
import { type Call, Cancelled, currentCall } from '../protocol/call.ts'

interface LineWaiter<T, D> {
  readonly call: Call
  /** What the call waits with. */
  readonly detail: D
  settle(answer: () => T | PromiseLike<T>): void
}

export class WaitLine<T, D = undefined> {
  readonly #waiters = new Set<LineWaiter<T, D>>()

  get size(): number {
    return this.#waiters.size
  }

  get first(): LineWaiter<T, D> | undefined {
    for (const waiter of this.#waiters) return waiter
    return undefined
  }

  *[Symbol.iterator](): Iterator<LineWaiter<T, D>> {
    yield* this.#waiters
  }

  /**
   * Makes the call that is being answered wait, until it is settled, its caller gives up, or the timeout (in milliseconds) expires.
   * @param onTimeout returns the answer after the timeout
   * @param onCancel runs if the caller gave up, or is gone
   */
  wait(timeout: number, onTimeout: () => T, detail: D, onCancel?: () => void): Promise<T> {
    const call = currentCall()
    return new Promise<T>((resolve, reject) => {
      const waiter: LineWaiter<T, D> = {
        call,
        detail,
        settle: answer => {
          if (!this.#waiters.delete(waiter)) return
          stopTimer()
          call.onCancel = undefined
          try {
            resolve(answer())
          } catch (error) {
            reject(error)
          }
        }
      }
      const stopTimer = startTimer(() => waiter.settle(onTimeout), timeout)
      call.onCancel = () => {
        waiter.settle(() => {
          onCancel?.()
          throw new Cancelled()
        })
      }
      this.#waiters.add(waiter)
    })
  }
}
