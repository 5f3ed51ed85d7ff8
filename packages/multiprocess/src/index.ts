/** `multiprocess`: everything over processes. */

export { Connection } from './channel/connection.ts'
export type { PipeOptions } from './channel/pipe.ts'
export { JoinableQueue, Queue } from './channel/queue.ts'
export { SimpleQueue } from './channel/simple-queue.ts'
export * from './common.ts'
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

import type { Connection as PipeEnd } from './channel/connection.ts'
import { type PipeOptions as Options, pipeOver } from './channel/pipe.ts'
import { defineManagerOver, type ManagerClass, SyncManager } from './managers/sync-manager.ts'
import { RLock } from './sync/rlock.ts'
import { factoriesFor } from './sync/synchronized.ts'

export const { Array, Value, RawArray, RawValue } = factoriesFor('spawn', RLock)

/** The two ends of a new pipe. @throws TypeError for a `duplex` that is neither true nor false */
export function Pipe<T = unknown>(options?: Options): [PipeEnd<T>, PipeEnd<T>] {
  return pipeOver('spawn', options)
}

/** Starts a manager's server process, and answers the manager once it serves. */
export async function Manager(): Promise<SyncManager> {
  const manager = new SyncManager()
  await manager.start()
  return manager
}

/**
 * A class of managers that have, besides all that SyncManager has, a method for each factory, whose proxies are typed from what
 * it makes: `defineManager({ Math: MathServer })` has `Math(...)`.
 * @throws TypeError for what is neither a class nor a function
 */
export function defineManager<F extends Readonly<Record<string, unknown>>>(factories: F): ManagerClass<F> {
  return defineManagerOver(SyncManager, factories)
}
