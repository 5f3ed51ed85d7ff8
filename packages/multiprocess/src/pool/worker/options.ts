/** What a worker is told when it starts. */
import type { OwnerId } from '../../ground/arena/process-table.ts'

export interface WorkerOptions {
  /** The pool's block, and the number of its workers. */
  readonly at: number
  readonly workers: number
  readonly index: number
  readonly owner: OwnerId
  readonly concurrency: number
  readonly maxTasks: number
  /** Bytes; Infinity: no limit. */
  readonly maxMemory: number
  /** It may be told to end while the pool goes on, by taking its permit. */
  readonly mayEnd: boolean
  /** The message with `{ initializer, initargs }`. */
  readonly preparation: Uint8Array | null
}
