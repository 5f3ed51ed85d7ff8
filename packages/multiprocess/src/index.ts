/**
 * `multiprocess`: everything over processes.
 * @module multiprocess
 */
import { contextOf } from './contexts.ts'
import { serveIfAsked } from './live/environment.ts'

export { JoinableQueue, Queue } from './channel/queue.ts'
export { SimpleQueue } from './channel/simple-queue.ts'
export * from './common.ts'
export type { Context } from './contexts.ts'
export { BaseManager } from './managers/base-manager.ts'
export { SyncManager } from './managers/sync-manager.ts'
export { Pool } from './pool/pool.ts'
export { Process } from './process/process.ts'
export { Barrier } from './sync/barrier.ts'
export { Condition } from './sync/condition.ts'
export { Event } from './sync/event.ts'
export { Lock } from './sync/lock.ts'
export { RLock } from './sync/rlock.ts'
export { BoundedSemaphore, Semaphore } from './sync/semaphore.ts'

export const { Array, Manager, Pipe, RawArray, RawValue, Value, defineManager, getContext, getStartMethod } =
  contextOf('spawn')

serveIfAsked()
