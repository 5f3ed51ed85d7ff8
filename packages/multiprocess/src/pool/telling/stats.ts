/** What a pool tells of itself. */

import type { WorkerStats } from '../workers.ts'
import type { TimeStats, Timings } from './timings.ts'

/** A moment of a pool. */
export interface PoolStats {
  /** Tasks given to the pool. A chunk of `map` or `imap` is one. */
  readonly submitted: number
  /** Tasks that ended well. */
  readonly completed: number
  /** Tasks that threw, were stopped or dropped, or whose worker died. */
  readonly failed: number
  /** Tasks that wait or run. */
  readonly pending: number
  /** Each worker that runs. */
  readonly workers: readonly WorkerStats[]
  /** How long tasks waited until a worker began them; there with `{ timings: true }`. */
  readonly waitTime?: TimeStats
  /** How long tasks ran; there with `{ timings: true }`. */
  readonly runTime?: TimeStats
}

interface Counts {
  readonly submitted: number
  readonly completed: number
  readonly pending: number
  readonly events: { readonly timings: Timings | undefined }
}

export function statsOf({ submitted, completed, pending, events }: Counts, workers: readonly WorkerStats[]): PoolStats {
  const failed = submitted - completed - pending
  const { timings } = events
  const times = timings === undefined ? {} : { waitTime: timings.waits.stats, runTime: timings.runs.stats }
  return { submitted, completed, failed, pending, workers, ...times }
}
