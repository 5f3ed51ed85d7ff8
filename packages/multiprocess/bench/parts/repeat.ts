export interface Repeated {
  readonly count: number
  readonly elapsedMs: number
}

/**
 * Repeats a batch, which answers with the milliseconds it took, until so many have passed: a fast pool's short batch is not
 * judged by a few milliseconds, and a slow pool's single batch is its sample.
 */
export async function repeat(leastMs: number, batch: () => Promise<number>): Promise<Repeated> {
  let count = 0
  let elapsedMs = 0
  do {
    elapsedMs += await batch()
    count++
  } while (elapsedMs < leastMs)
  return { count, elapsedMs }
}

/**
 * Warms up by the same rule, so that nobody is measured before its code is compiled; garbage of the one is collected before the
 * other begins. `gc` is there because the runner is started with `--expose-gc`.
 */
export async function warmAndRepeat(
  { warmupMs, sampleMs }: { readonly warmupMs: number; readonly sampleMs: number },
  batch: () => Promise<number>,
  afterWarmup: () => void = () => {}
): Promise<Repeated> {
  await repeat(warmupMs, batch)
  globalThis.gc?.()
  afterWarmup()
  return repeat(sampleMs, batch)
}
