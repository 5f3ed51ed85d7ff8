/** The options of a ClusterWorker, and their checks. */
import type { PoolOptions } from 'multiprocess'
import { checkDuration, checkOptions, optionNames, POOL_OPTIONS } from 'multiprocess/pooling'
import { CLUSTER_OPTIONS, type ClusterOptions, LIKE } from '../pool/options.ts'
import { checkServer } from '../redis/server.ts'

/** The options of a ClusterWorker: those of its cluster, and those of its local Pool. */
export interface ClusterWorkerOptions extends ClusterOptions, PoolOptions {
  /**
   * The milliseconds without a sign of life after which this program's batches go to others. A process that runs no tasks renews the lease,
   * so tasks may take longer. Default: 30,000.
   */
  lease?: number
}

export const LEASE_MS = 30_000
const LEAST_LEASE_MS = 1000
const WORKER_OPTIONS = optionNames(LIKE, ...CLUSTER_OPTIONS, 'lease', ...POOL_OPTIONS.names)

/** @throws TypeError, ValueError that name the option and its value */
export function checkWorker(options: ClusterWorkerOptions): void {
  if (options === undefined) throw new TypeError('options are missing: give { url, name, key }')
  checkOptions(options, WORKER_OPTIONS)
  checkServer(options)
  const { lease } = options
  if (lease !== undefined) checkDuration('lease', lease, LEAST_LEASE_MS)
}
