/**
 * `multiprocess-cluster`: the Pool of `multiprocess` over several machines.
 * @module multiprocess-cluster
 */
export { ClusterPool } from './pool/cluster-pool.ts'
export type { MachineStats } from './pool/machines.ts'
export type { ClusterOptions, ClusterPoolOptions, RemotePoolOptions } from './pool/options.ts'
export type { ClusterStats } from './pool/stats.ts'
export type { ServerOptions } from './redis/server.ts'
export { ClusterWorker } from './worker/cluster-worker.ts'
export type { ClusterWorkerOptions } from './worker/options.ts'
