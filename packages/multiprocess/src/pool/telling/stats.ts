/** What a pool tells of itself. */

import type { WorkerStats } from '../workers.ts'
import type { TimeStats } from './timings.ts'

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
  readonly workers: readonly WorkerStats[]
  /** How long tasks waited until a worker began them; there with `{ timings: true }`. */
  readonly waitTime?: TimeStats
  /** How long tasks ran; there with `{ timings: true }`. */
  readonly runTime?: TimeStats
}
