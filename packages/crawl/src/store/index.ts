/**
 * `crawl/store`: files, and other places, where a crawl keeps its frontier and its results.
 * @module crawl/store
 */
export type { LinkRecord, PageRecord } from '../page/record.ts'
export type { PageResult } from '../result.ts'
export { MemoryStore } from './memory-store.ts'
export { openStore, readStore, type StoreOptions } from './open-store.ts'
export type { HostTurns, SharedStore, StoredVisit, TurnRequest } from './shared-store.ts'
export type { SqliteStore } from './sqlite/sqlite-store.ts'
export type { Counts, FoundUrl, Hop, Lease, Leases, Nearer, Skip, Store, Visit } from './store.ts'
export { StoreError } from './store-error.ts'
