/** The statistics of a pool with a server. */
import type { PoolStats } from 'multiprocess'
import type { MachineStats } from './machines.ts'
import type { Submitter } from './submitter.ts'

/** The statistics of a ClusterPool. They count items, not batches. */
export interface ClusterStats extends PoolStats {
  /** The worker programs that reported within the last ten seconds; empty without a server. */
  readonly machines: readonly MachineStats[]
  /** The number of batches of all pools that no worker has taken. */
  readonly queued: number
  /** The number of batches that were sent again because their worker or the server was lost. */
  readonly resubmitted: number
  /** The number of results that came a second time and were dropped. */
  readonly duplicates: number
  /** The results per second of this pool, since `stats` was last read (for at least one second). */
  readonly rate: number
}

export interface Rate {
  at: number
  completed: number
  value: number
}

export function statsOf({ dispatch, machines, queued }: Submitter, rate: Rate): ClusterStats {
  const { submitted, completed, failed, resubmitted, duplicates } = dispatch
  const ms = performance.now() - rate.at
  if (ms >= 1000) {
    rate.value = ((completed - rate.completed) / ms) * 1000
    rate.at = performance.now()
    rate.completed = completed
  }
  const pending = submitted - completed - failed
  const workers = machines.flatMap(machine => machine.workers)
  return { submitted, completed, failed, pending, workers, machines, queued, resubmitted, duplicates, rate: rate.value }
}
