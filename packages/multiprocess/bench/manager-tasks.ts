import type { DictProxy } from 'multiprocess'

/** How many calls a client makes in so many milliseconds, one after another. */
export function callFor([dict, ms]: [DictProxy<string, number>, number]): { calls: number; ms: number } {
  const began = performance.now()
  const end = began + ms
  let calls = 0
  while (performance.now() < end) {
    for (let i = 0; i < 16; i++) dict.setSync('k', i)
    calls += 16
  }
  return { calls, ms: performance.now() - began }
}
