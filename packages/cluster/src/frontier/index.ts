/** `multiprocess-cluster/frontier`: one frontier for the crawlers of several machines. */
export { RedisStore, type RedisStoreOptions } from './redis-store.ts'
