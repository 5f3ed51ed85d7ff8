/** `multiprocess/threads`, also named `multiprocess/dummy`: the same names over worker threads. */
import type { Connection as PipeEnd } from './channel/connection.ts'
import { type PipeOptions as Options, pipeOver } from './channel/pipe.ts'
import { JoinableQueue as BaseJoinableQueue, Queue as BaseQueue } from './channel/queue.ts'
import { SimpleQueue as BaseSimpleQueue } from './channel/simple-queue.ts'
import type { StartMethod } from './ground/platform.ts'
import { BaseManager as ProcessBaseManager } from './managers/base-manager.ts'
import { defineManagerOver, type ManagerClass, SyncManager as ProcessSyncManager } from './managers/sync-manager.ts'
import { Pool as ProcessPool } from './pool/pool.ts'
import { Process as BaseProcess } from './process/process.ts'
import { Barrier as BaseBarrier } from './sync/barrier.ts'
import { Condition as BaseCondition } from './sync/condition.ts'
import { Event as BaseEvent } from './sync/event.ts'
import { Lock as BaseLock } from './sync/lock.ts'
import { RLock as BaseRLock } from './sync/rlock.ts'
import { BoundedSemaphore as BaseBoundedSemaphore, Semaphore as BaseSemaphore } from './sync/semaphore.ts'
import { factoriesFor } from './sync/synchronized.ts'

export { Connection } from './channel/connection.ts'
export type { PipeOptions } from './channel/pipe.ts'
export * from './common.ts'

/** The same as a Process, in a thread: `pid` is its threadId, and no signal reaches it, but it can be ended. */
export class Process<A extends unknown[] = never[]> extends BaseProcess<A> {
  protected static override readonly method: StartMethod = 'thread'
}

/** The same, with worker threads. */
export class Pool extends ProcessPool {
  protected static override readonly method: StartMethod = 'thread'
}

export class BaseManager extends ProcessBaseManager {
  protected static override readonly method: StartMethod = 'thread'
}

export class SyncManager extends ProcessSyncManager {
  protected static override readonly method: StartMethod = 'thread'
}

export class Lock extends BaseLock {
  protected static override readonly method: StartMethod = 'thread'
}

export class RLock extends BaseRLock {
  protected static override readonly method: StartMethod = 'thread'
}

export class Semaphore extends BaseSemaphore {
  protected static override readonly method: StartMethod = 'thread'
}

export class BoundedSemaphore extends BaseBoundedSemaphore {
  protected static override readonly method: StartMethod = 'thread'
}

export class Condition extends BaseCondition {
  protected static override readonly method: StartMethod = 'thread'

  protected override makeLock(): BaseLock {
    return new RLock()
  }
}

export class Event extends BaseEvent {
  protected static override readonly method: StartMethod = 'thread'
}

export class Barrier extends BaseBarrier {
  protected static override readonly method: StartMethod = 'thread'
}

export class Queue<T = unknown> extends BaseQueue<T> {
  protected static override readonly method: StartMethod = 'thread'
}

export class JoinableQueue<T = unknown> extends BaseJoinableQueue<T> {
  protected static override readonly method: StartMethod = 'thread'
}

export class SimpleQueue<T = unknown> extends BaseSimpleQueue<T> {
  protected static override readonly method: StartMethod = 'thread'
}

export const { Array, Value, RawArray, RawValue } = factoriesFor('thread', RLock)

/** The two ends of a new pipe. @throws TypeError for a `duplex` that is neither true nor false */
export function Pipe<T = unknown>(options?: Options): [PipeEnd<T>, PipeEnd<T>] {
  return pipeOver('thread', options)
}

/** Starts a manager's server thread, and answers the manager once it serves. */
export async function Manager(): Promise<SyncManager> {
  const manager = new SyncManager()
  await manager.start()
  return manager
}

/** A class of managers with a method for each factory. @throws TypeError for what is neither a class nor a function */
export function defineManager<F extends Readonly<Record<string, unknown>>>(factories: F): ManagerClass<F> {
  return defineManagerOver(SyncManager, factories)
}
