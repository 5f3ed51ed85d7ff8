/** Those of one process who wait to send: one after the other, in the order they came. */
import { monotonicMs } from '../ground/os/time.ts'
import { startTimer } from '../ground/os/timer.ts'

export class Line {
  #last: Promise<void> | undefined

  get isEmpty(): boolean {
    return this.#last === undefined
  }

  /**
   * Runs `action` once all who came before are done.
   * @param timeout milliseconds; past it the action runs with 0 of them left
   * @throws the signal's reason, once it is aborted
   */
  async run<R>(timeout: number, signal: AbortSignal | undefined, action: (timeout: number) => Promise<R>): Promise<R> {
    const end = monotonicMs() + timeout
    const before = this.#last
    let leave = () => {}
    const left = new Promise<void>(resolve => {
      leave = resolve
    })
    // Who gives up still stands behind those before.
    const own = Promise.all([before, left]).then(() => {
      if (this.#last === own) this.#last = undefined
    })
    this.#last = own
    try {
      const isFirst = before === undefined || (await settled(before, timeout, signal))
      return await action(isFirst ? Math.max(0, end - monotonicMs()) : -1)
    } finally {
      leave()
    }
  }
}

function settled(promise: Promise<void>, timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const end = (answer: () => void) => {
      stopTimer()
      signal?.removeEventListener('abort', onAbort)
      answer()
    }
    const stopTimer = startTimer(() => end(() => resolve(false)), timeout)
    const onAbort = () => end(() => reject(signal?.reason))
    signal?.addEventListener('abort', onAbort)
    void promise.then(() => end(() => resolve(true)))
  })
}
