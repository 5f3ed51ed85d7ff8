import { clearTimeout, setTimeout } from './time.ts'

/** What setTimeout can wait at once; longer ones it would not wait for at all. */
const MAX_MS = 2 ** 31 - 1

/**
 * setTimeout for any number of milliseconds; Infinity never fires.
 * @param keepsAlive whether the process waits for it
 * @returns a function that stops it
 */
export function startTimer(callback: () => void, ms: number, keepsAlive = true): () => void {
  if (ms === Number.POSITIVE_INFINITY) return () => {}
  let timer: NodeJS.Timeout
  const wait = (left: number): void => {
    const now = Math.min(left, MAX_MS)
    timer = setTimeout(() => (left > now ? wait(left - now) : callback()), now)
    if (!keepsAlive) timer.unref()
  }
  wait(ms)
  return () => clearTimeout(timer)
}
