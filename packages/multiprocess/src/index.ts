/** `multiprocess`: everything over processes. */

export { Connection } from './channel/connection.ts'
export type { PipeOptions } from './channel/pipe.ts'
export { JoinableQueue, Queue } from './channel/queue.ts'
export { SimpleQueue } from './channel/simple-queue.ts'
export * from './common.ts'
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
import { RLock } from './sync/rlock.ts'
import { factoriesFor } from './sync/synchronized.ts'

export const { Array, Value, RawArray, RawValue } = factoriesFor('spawn', RLock)

/** The two ends of a new pipe. @throws TypeError for a `duplex` that is neither true nor false */
export function Pipe<T = unknown>(options?: Options): [PipeEnd<T>, PipeEnd<T>] {
  return pipeOver('spawn', options)
}
