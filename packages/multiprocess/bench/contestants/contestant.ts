/** A running pool, as the measurement sees it. */
export interface Contestant {
  /** Hands the task to a worker and answers with its result. */
  run(argument: unknown): PromiseLike<unknown>
  /** The task of each item; left out where the library has no such thing. */
  map?(items: readonly number[]): PromiseLike<unknown[]>
  /** Ends the workers. */
  close(): Promise<void>
}
