/** Milliseconds on the clock that all processes and threads of a machine share: CLOCK_MONOTONIC, clock_gettime(2). */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}
