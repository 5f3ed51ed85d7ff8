/** Waits for messages of a socket: in the event loop, or in a blocked thread that reads the socket itself. */
import { type Descriptor, pollDescriptors } from '../ground/os/sockets.ts' // lazy
import { monotonicMs } from '../ground/os/time.ts'
import { startTimer } from '../ground/os/timer.ts'

/** Makes one attempt. Returns undefined if it did not succeed. */
export type SocketStep<R> = () => R | undefined

/** An object that changes with what arrives through sockets. */
export interface SocketSource {
  /** The descriptors that a blocked thread has to wait for; empty if nothing more will arrive. */
  descriptors(): readonly Descriptor[]
  /** Takes what has arrived, as the event loop would. */
  pump(): void
  /** Adds a listener that runs after each change. @returns a function that removes it */
  onChange(listener: () => void): () => void
  /** Keeps this process alive until the same number of `unref()` calls. */
  ref(): void
  unref(): void
}

/** The milliseconds after which a blocked thread tries again, because time itself may have changed something. */
const SLICE_MS = 500

export class Listeners {
  readonly #listeners = new Set<() => void>()

  add(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  notify(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

/**
 * Waits in the event loop until the step succeeds. If several wait, the one that came first is tried first.
 * @param timeout milliseconds, or Infinity
 * @returns undefined if the timeout expired
 * @throws the signal's reason, once it is aborted
 */
export async function waitFor<R>(
  source: SocketSource,
  step: SocketStep<R>,
  timeout: number,
  signal: AbortSignal | undefined
): Promise<R | undefined> {
  signal?.throwIfAborted()
  const result = step()
  if (result !== undefined || timeout === 0) return result
  return await new Promise<R | undefined>((resolve, reject) => {
    const end = (): void => {
      leave()
      stopTimer()
      signal?.removeEventListener('abort', onAbort)
      source.unref()
    }
    const attempt = (): void => {
      try {
        const result = step()
        if (result === undefined) return
        end()
        resolve(result)
      } catch (error) {
        end()
        reject(error)
      }
    }
    const onAbort = (): void => {
      end()
      reject(signal?.reason)
    }
    const leave = source.onChange(attempt)
    const stopTimer = startTimer(() => {
      end()
      resolve(undefined)
    }, timeout)
    signal?.addEventListener('abort', onAbort)
    source.ref()
  })
}

/** Blocks the thread until the step succeeds. Returns undefined if the timeout expired. */
export function waitForSync<R>(source: SocketSource, step: SocketStep<R>, timeout: number): R | undefined {
  let result = step()
  if (result !== undefined) return result
  const end = monotonicMs() + timeout
  for (;;) {
    source.pump()
    result = step()
    if (result !== undefined) return result
    const left = end - monotonicMs()
    if (left <= 0) return undefined
    pollDescriptors(source.descriptors(), Math.min(left, SLICE_MS))
  }
}
