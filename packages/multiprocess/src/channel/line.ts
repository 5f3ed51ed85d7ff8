/** The senders of one process that wait for room, one after the other in the order of their arrival. */
import { monotonicMs } from '../ground/os/time.ts'
import { startTimer } from '../ground/os/timer.ts'

export class Line {
  #last: Promise<void> | undefined

  get isEmpty(): boolean {
    return this.#last === undefined
  }

  /**
   * Runs `action` once all earlier actions are done.
   * @param timeout milliseconds; once they have passed, the action runs with a timeout of 0
   * @throws the signal's reason, once it is aborted
   */
  async run<R>(timeout: number, signal: AbortSignal | undefined, action: (timeout: number) => Promise<R>): Promise<R> {
    const end = monotonicMs() + timeout
    const before = this.#last
    let leave = () => {}
    const left = new Promise<void>(resolve => {
      leave = resolve
    })
    // An action that was given up still waits for those before it.
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
