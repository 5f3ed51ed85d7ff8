/**
 * Stopping a thread while koffi loads or makes objects in it aborts the whole process: V8 refuses koffi's calls then, and koffi takes
 * that for fatal. So a thread says when it sets up, and who stops it waits for the end of that, which takes some milliseconds.
 * A thread that has been told to stop begins no set-up.
 */
const BUSY = 1
const STOPPED = 2
/** Milliseconds. A set-up that takes longer hangs, and the thread is to be stopped all the same. */
const MOST_MS = 10_000

export const SET_UP_BYTES = 4

/** Of this thread; undefined in one that this package has not started. */
let word: Int32Array | undefined

/** @param buffer shared with those who may stop this thread */
export function shareSetUps(buffer: SharedArrayBuffer): void {
  word = new Int32Array(buffer)
}

/** Runs `work`, in which koffi loads or makes objects. It does not call itself. */
export function setUp<T>(work: () => T): T {
  if (word === undefined) return work()
  if ((Atomics.or(word, 0, BUSY) & STOPPED) !== 0) leave(word)
  try {
    return work()
  } finally {
    leave(word)
  }
}

function leave(word: Int32Array): void {
  if ((Atomics.and(word, 0, ~BUSY) & STOPPED) === 0) return
  Atomics.notify(word, 0)
  // Until it is stopped.
  for (;;) Atomics.wait(word, 0, STOPPED)
}

/** Blocks until the thread that shares the buffer sets nothing up, and lets it begin nothing more. To be called before it is stopped. */
export function endSetUps(buffer: SharedArrayBuffer): void {
  const word = new Int32Array(buffer)
  if ((Atomics.or(word, 0, STOPPED) & BUSY) !== 0) Atomics.wait(word, 0, BUSY | STOPPED, MOST_MS)
}
