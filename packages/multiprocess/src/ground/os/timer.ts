import { clearTimeout, monotonicMs, setTimeout } from './time.ts'

/** The longest delay that setTimeout accepts; it fires at once if the delay is longer. */
const MAX_MS = 2 ** 31 - 1
/** Node's timers count whole milliseconds of a coarse clock. A timer that fires earlier than this runs on a faked clock. */
const MOST_EARLY_MS = 5

/**
 * Starts a timer that works for any number of milliseconds, and never fires early on the clock of `monotonicMs`; Infinity never fires.
 * @param keepsAlive true (the default) if the timer keeps the process alive
 * @returns a function that stops the timer
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
