/** What every contestant's workers run. */

/** Real work of almost no size, so that what is measured is the pool and not the task. */
export function square(n: number): number {
  return n * n
}

/** Busy for so many milliseconds. */
export function spin(ms: number): number {
  const end = performance.now() + ms
  while (performance.now() < end);
  return ms
}

/** The same array, with one more in its first place. */
export function touch(array: Float64Array): Float64Array {
  array[0]++
  return array
}

/** Some milliseconds of arithmetic: numbers drawn after the seed by xorshift. Answers the last of them. */
export function compute(seed: number): number {
  let x = seed + 1
  for (let i = 0; i < 4_000_000; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x >>> 0
}

/** Waits until all others have come. */
export async function meet(barrier: { wait(): PromiseLike<unknown> }): Promise<void> {
  await barrier.wait()
}

/** What a process does that is only started and joined. */
export function nothing(): void {}

export function say(event: { set(): void }): void {
  event.set()
}

export function lengthOf(bytes: Uint8Array): number {
  return bytes.length
}

/** True, once so many are in loops that never end. */
export function answerAmong(begun: Int32Array, others: number): boolean {
  while (Atomics.load(begun, 0) < others);
  return true
}

/** A loop that never ends, and that no event reaches; counted in `begun[which]`. */
export function loopForever(begun: Int32Array, which: number): never {
  for (Atomics.add(begun, which, 1); ; );
}
