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

const bound = contextOf('spawn')

/**
 * Makes a typed array in shared memory, with a lock. See Python's `multiprocessing.Array`.
 * @param code the type of its elements, such as 'i' for 32 bits or 'd' for floating point
 * @param init its length, for an array of zeros, or its elements
 * @param options.lock true for a new RLock, false for no lock, or a Lock or RLock to use. Default: true
 * @throws ValueError for an unknown code, a length that is not an integer of 0 or more, or an element that does not fit
 * @throws TypeError for arguments of another type
 * @example
 * import { Array } from 'multiprocess'
 *
 * const numbers = Array('i', [1, 2, 3])
 * numbers[0] += 10
 * console.log(numbers[0]) // 11
 */
export const Array = bound.Array

/**
 * Returns a class of managers that have, besides all members of SyncManager, a method for each factory. The types of the proxies follow
 * from what the factories create. See Python's `BaseManager.register`.
 * @throws TypeError if a factory is neither a class nor a function
 * @example
 * import { defineManager } from 'multiprocess'
 *
 * class Counter {
 *   #count = 0
 *   next() {
 *     return ++this.#count
 *   }
 * }
 *
 * const CounterManager = defineManager({ Counter })
 * await using manager = new CounterManager()
 * await manager.start()
 * const counter = await manager.Counter()
 * console.log(await counter.next()) // 1
 */
export const defineManager = bound.defineManager

/**
 * Returns the names of this module for a start method: 'spawn' for processes, 'thread' for threads. See Python's
 * `multiprocessing.get_context`.
 * @param method the start method. Default: that of this module
 * @throws ValueError for an unknown start method
 * @throws MultiprocessError `ERR_UNSUPPORTED_PLATFORM` for 'spawn' if processes are not available
 * @example
 * import { getContext } from 'multiprocess'
 *
 * const { Queue } = getContext('thread')
 * const queue = new Queue<number>()
 * await queue.put(1)
 * console.log(await queue.get()) // 1
 */
export const getContext = bound.getContext

/**
 * Returns the start method of this module: 'spawn', or 'thread' where processes are not available. See Python's
 * `multiprocessing.get_start_method`.
 * @example
 * import { getStartMethod } from 'multiprocess'
 *
 * console.log(getStartMethod()) // spawn
 */
export const getStartMethod = bound.getStartMethod

/**
 * Starts a manager's server. Resolves to the manager once the server answers. See Python's `multiprocessing.Manager`.
 * @throws ProcessError if the system refuses another process
 * @example
 * import { Manager } from 'multiprocess'
 *
 * await using manager = await Manager()
 * const list = await manager.list([1, 2])
 * console.log(await list.length()) // 2
 */
export const Manager = bound.Manager

/**
 * Returns the two ends of a new pipe. See Python's `multiprocessing.Pipe`.
 * @param options.duplex false: the first end only receives, the second only sends. Default: true
 * @throws TypeError if `duplex` is neither true nor false
 * @example
 * import { Pipe } from 'multiprocess'
 *
 * const [receiver, sender] = Pipe<string>({ duplex: false })
 * await sender.send('hello')
 * console.log(await receiver.recv()) // hello
 */
export const Pipe = bound.Pipe

/**
 * Makes a typed array in shared memory, without a lock. See Python's `multiprocessing.sharedctypes.RawArray`.
 * @param code the type of its elements, such as 'i' for 32 bits or 'd' for floating point
 * @param init its length, for an array of zeros, or its elements
 * @throws ValueError for an unknown code, a length that is not an integer of 0 or more, or an element that does not fit
 * @throws TypeError for arguments of another type
 * @example
 * import { RawArray } from 'multiprocess'
 *
 * const numbers = RawArray('d', 4)
 * console.log(numbers.length) // 4
 */
export const RawArray = bound.RawArray

/**
 * Makes a value in shared memory, without a lock. See Python's `multiprocessing.sharedctypes.RawValue`.
 * @param code its type, such as 'i' for 32 bits or 'd' for floating point
 * @param init the first value. Default: 0
 * @throws ValueError for an unknown code, or a value that does not fit
 * @throws TypeError for arguments of another type
 * @example
 * import { RawValue } from 'multiprocess'
 *
 * const ratio = RawValue('d', 0.5)
 * console.log(ratio.value) // 0.5
 */
export const RawValue = bound.RawValue

/**
 * Makes a value in shared memory, with a lock. See Python's `multiprocessing.Value`.
 * @param code its type, such as 'i' for 32 bits or 'd' for floating point
 * @param init the first value. Default: 0
 * @param options.lock true for a new RLock, false for no lock, or a Lock or RLock to use. Default: true
 * @throws ValueError for an unknown code, or a value that does not fit
 * @throws TypeError for arguments of another type
 * @example
 * import { Value } from 'multiprocess'
 *
 * const count = Value('i', 41)
 * await count.runExclusive(() => count.value++)
 * console.log(count.value) // 42
 */
export const Value = bound.Value

serveIfAsked()
