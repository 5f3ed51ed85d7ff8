import type { Event, Lock, Semaphore } from 'multiprocess'

/** How often the lock came from the other one, while both take it again and again. */
export function handOver(lock: Lock, last: Int32Array, ready: Int32Array, me: number, ms: number): number {
  Atomics.add(ready, 0, 1)
  while (Atomics.load(ready, 0) < 2);
  const end = performance.now() + ms
  let handovers = 0
  while (performance.now() < end) {
    for (let i = 0; i < 16; i++) {
      lock.acquireSync()
      if (last[0] !== me) handovers++
      last[0] = me
      lock.release()
    }
  }
  return handovers
}

export function answerSemaphores(ping: Semaphore, pong: Semaphore, times: number): void {
  for (let i = 0; i < times; i++) {
    ping.acquireSync()
    pong.release()
  }
}

export function answerEvents(ping: Event, pong: Event, times: number): void {
  for (let i = 0; i < times; i++) {
    ping.waitSync()
    ping.clear()
    pong.set()
  }
}
