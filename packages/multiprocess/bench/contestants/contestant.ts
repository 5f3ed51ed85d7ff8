/** A running pool, as the measurement sees it. */
export interface Contestant {
  /** Hands `square(n)` to a worker and answers with its result. */
  run(n: number): PromiseLike<number>
  /** Ends the workers. */
  close(): Promise<void>
}
