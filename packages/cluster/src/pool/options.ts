/** The options of a ClusterPool, and their checks. */
import type { Telemetry } from 'bullmq'
import { type PoolOptions, ValueError } from 'multiprocess'
import { checkDuration, checkOptions, optionNames, POOL_OPTIONS } from 'multiprocess/pooling'
import { checkServer, type ServerOptions } from '../redis/server.ts'

/** The options of both pools and workers of a cluster. */
export interface ClusterOptions extends ServerOptions {
  /** The name of the cluster, by which its pools and workers find each other. It has letters, digits, dots, hyphens and underscores. */
  name: string
  /**
   * The key that signs batches and results: 16 bytes or more, the same for all programs of the cluster, and not the server's password.
   * Default: the environment variable MULTIPROCESS_KEY.
   */
  key?: string | Uint8Array
  /** BullMQ's telemetry, such as `new BullMQOtel('thumbs')` of bullmq-otel. Default: none. */
  telemetry?: Telemetry
}

/** The options of a ClusterPool with a server. */
export interface RemotePoolOptions extends ClusterOptions {
  /**
   * The milliseconds without a sign of life after which this pool counts as dead: its inbox expires, and workers drop its batches. Default:
   * 60,000.
   */
  expire?: number
}

/** The options of a ClusterPool. Without `url`, they are those of Pool, and the others are not used. */
export type ClusterPoolOptions =
  | RemotePoolOptions
  | (PoolOptions & { readonly url?: undefined } & Partial<Omit<RemotePoolOptions, 'url'>>)

/** An example of options, for errors. */
export const LIKE = "{ url: 'redis://localhost', name: 'thumbs', key }"
export const CLUSTER_OPTIONS = ['url', 'redis', 'serverTimeout', 'name', 'key', 'telemetry'] as const
const CLUSTER_POOL_OPTIONS = optionNames(LIKE, ...CLUSTER_OPTIONS, 'expire', ...POOL_OPTIONS.names)

const OF_WORKERS: readonly (keyof PoolOptions)[] = [
  'processes',
  'minProcesses',
  'idleTimeout',
  'maxQueue',
  'timings',
  'initializer',
  'initargs',
  'maxTasksPerChild',
  'maxMemoryPerChild',
  'reserve',
  'concurrency',
  'context'
]

export const EXPIRE_MS = 60_000
export const LEAST_EXPIRE_MS = 1000

/** @throws TypeError for what is no options object, and for an option that no ClusterPool has */
export function checkClusterPool(options: ClusterPoolOptions): void {
  checkOptions(options, CLUSTER_POOL_OPTIONS)
}

/** @throws TypeError, ValueError that name the option and its value */
export function checkRemote(options: RemotePoolOptions): void {
  checkServer(options)
  const given = options as RemotePoolOptions & PoolOptions
  const wrong = OF_WORKERS.find(option => given[option] !== undefined)
  if (wrong !== undefined) {
    throw new ValueError(
      `cannot set ${wrong} on a ClusterPool with a url: each worker program has its own; give it to ClusterWorker or multiprocess-worker`
    )
  }
  if (given.trace !== undefined) {
    throw new ValueError(
      'cannot write a trace of a ClusterPool with a url; use telemetry, or trace of a ClusterPool without one'
    )
  }
  const { expire } = options
  if (expire !== undefined) checkDuration('expire', expire, LEAST_EXPIRE_MS)
}
