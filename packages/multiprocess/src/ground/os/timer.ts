import { clearTimeout, monotonicMs, setTimeout } from './time.ts'

/** What setTimeout can wait at once; longer ones it would not wait for at all. */
const MAX_MS = 2 ** 31 - 1
/** Timers of Node count whole milliseconds of a coarse clock. One that is earlier than this runs on a clock that somebody has faked. */
const MOST_EARLY_MS = 5

/**
 * setTimeout for any number of milliseconds, never early on the clock of `monotonicMs`; Infinity never fires.
 * @param keepsAlive whether the process waits for it
 * @returns a function that stops it
 */
export function startTimer(callback: () => void, ms: number, keepsAlive = true): () => void {
  if (ms === Number.POSITIVE_INFINITY) return () => {}
  const end = monotonicMs() + ms
  let timer: NodeJS.Timeout
  const wait = (left: number): void => {
    const now = Math.min(left, MAX_MS)
    timer = setTimeout(() => {
      const early = end - monotonicMs()
      if (left > now) wait(left - now)
      else if (early > 0 && early < MOST_EARLY_MS) wait(early)
      else callback()
    }, now)
    if (!keepsAlive) timer.unref()
  }
  wait(ms)
  return () => clearTimeout(timer)
}
