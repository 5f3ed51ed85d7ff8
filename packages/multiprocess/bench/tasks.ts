/** The task of every contestant: real work of almost no size, so that what is measured is the pool and not the task. */
export function square(n: number): number {
  return n * n
}

/** What a process does that is only started and joined. */
export function nothing(): void {}

export function say(event: { set(): void }): void {
  event.set()
}
