/**
 * `multiprocess-cluster/frontier`: one frontier for the crawlers of several machines.
 * @module multiprocess-cluster/frontier
 */
export { RedisStore, type RedisStoreOptions } from './redis-store.ts'
export { RedisTurns, type RunScript } from './redis-turns.ts'
