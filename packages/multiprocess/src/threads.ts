/** `multiprocess/threads`, also available as `multiprocess/dummy`: the same names over worker threads. */

import { contextOf } from './contexts.ts'
import type * as processes from './index.ts'
import { serveIfAsked } from './live/environment.ts'

export * from './common.ts'
export type { Context } from './contexts.ts'

const bound = contextOf('thread')

/**
 * Makes a typed array in shared memory, with a lock. See Python's `multiprocessing.Array`.
 * @param code the type of its elements, such as 'i' for 32 bits or 'd' for floating point
 * @param init its length, for an array of zeros, or its elements
 * @param options.lock true for a new RLock, false for no lock, or a Lock or RLock to use. Default: true
 * @throws ValueError for an unknown code, a length that is not an integer of 0 or more, or an element that does not fit
 * @throws TypeError for arguments of another type
 * @example
 * import { Array } from 'multiprocess/threads'
 *
 * const numbers = Array('i', [1, 2, 3])
 * numbers[0] += 10
 * console.log(numbers[0]) // 11
 */
export const Array = bound.Array

/**
 * A barrier for threads: each waits until all parties have arrived. See Python's `threading.Barrier`.
 * @throws ValueError if `parties` is not a positive integer
 * @example
 * import { Barrier } from 'multiprocess/threads'
 *
 * const barrier = new Barrier(1)
 * console.log(await barrier.wait()) // 0
 */
export const Barrier = bound.Barrier

/**
 * A manager whose server runs on a thread, without the objects that SyncManager has. See Python's `multiprocessing.managers.BaseManager`.
 * @example
 * import { BaseManager, type Remote } from 'multiprocess/threads'
 *
 * class Greeter {
 *   hello() {
 *     return 'hello'
 *   }
 * }
 *
 * class GreeterManager extends BaseManager {
 *   declare Greeter: () => Promise<Remote<Greeter>>
 * }
 * GreeterManager.register('Greeter', Greeter)
 *
 * await using manager = new GreeterManager()
 * await manager.start()
 * const greeter = await manager.Greeter()
 * console.log(await greeter.hello()) // hello
 */
export const BaseManager = bound.BaseManager

/**
 * A semaphore that cannot be released more often than it was acquired. See Python's `multiprocessing.BoundedSemaphore`.
 * @throws ValueError if the first value is not an integer of 0 or more
 * @example
 * import { BoundedSemaphore } from 'multiprocess/threads'
 *
 * const places = new BoundedSemaphore(2)
 * console.log(await places.acquire()) // true
 * places.release()
 */
export const BoundedSemaphore = bound.BoundedSemaphore

/**
 * A condition for threads: code waits until other code notifies it. See Python's `multiprocessing.Condition`.
 * @example
 * import { Condition } from 'multiprocess/threads'
 *
 * const condition = new Condition()
 * await condition.runExclusive(() => condition.notifyAll())
 */
export const Condition = bound.Condition

/**
 * Returns a class of managers that have, besides all members of SyncManager, a method for each factory. The types of the proxies follow
 * from what the factories create. See Python's `BaseManager.register`.
 * @throws TypeError if a factory is neither a class nor a function
 * @example
 * import { defineManager } from 'multiprocess/threads'
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
 * A flag that threads wait for. See Python's `multiprocessing.Event`.
 * @example
 * import { Event } from 'multiprocess/threads'
 *
 * const event = new Event()
 * event.set()
 * console.log(event.isSet()) // true
 */
export const Event = bound.Event

/**
 * Returns the names of this module for a start method: 'spawn' for processes, 'thread' for threads. See Python's
 * `multiprocessing.get_context`.
 * @param method the start method. Default: that of this module
 * @throws ValueError for an unknown start method
 * @throws MultiprocessError `ERR_UNSUPPORTED_PLATFORM` for 'spawn' if processes are not available
 * @example
 * import { getContext } from 'multiprocess/threads'
 *
 * const { Queue } = getContext('thread')
 * const queue = new Queue<number>()
 * await queue.put(1)
 * console.log(await queue.get()) // 1
 */
export const getContext = bound.getContext

/**
 * Returns the start method of this module: 'thread'. See Python's
 * `multiprocessing.get_start_method`.
 * @example
 * import { getStartMethod } from 'multiprocess/threads'
 *
 * console.log(getStartMethod()) // thread
 */
export const getStartMethod = bound.getStartMethod

/**
 * A queue of threads that counts unfinished items. See Python's `multiprocessing.JoinableQueue`.
 * @throws ValueError if the size is not an integer
 * @example
 * import { JoinableQueue } from 'multiprocess/threads'
 *
 * const queue = new JoinableQueue<number>()
 * await queue.put(1)
 * console.log(await queue.get()) // 1
 * queue.taskDone()
 * await queue.join()
 */
export const JoinableQueue = bound.JoinableQueue

/**
 * A lock between threads. See Python's `multiprocessing.Lock`.
 * @example
 * import { Lock } from 'multiprocess/threads'
 *
 * const lock = new Lock()
 * console.log(await lock.runExclusive(() => 'alone')) // alone
 */
export const Lock = bound.Lock

/**
 * Starts a manager's server. Resolves to the manager once the server answers. See Python's `multiprocessing.Manager`.
 * @throws ProcessError if the system refuses another thread
 * @example
 * import { Manager } from 'multiprocess/threads'
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
 * import { Pipe } from 'multiprocess/threads'
 *
 * const [receiver, sender] = Pipe<string>({ duplex: false })
 * await sender.send('hello')
 * console.log(await receiver.recv()) // hello
 */
export const Pipe = bound.Pipe

/**
 * A pool of worker threads. See Python's `multiprocessing.pool.ThreadPool`.
 * @throws ValueError, TypeError if an option is invalid
 * @example
 * import { Pool } from 'multiprocess/threads'
 *
 * await using pool = new Pool(2)
 * console.log(await pool.map((n: number) => n * n, [1, 2, 3])) // [ 1, 4, 9 ]
 */
export const Pool = bound.Pool

/**
 * A Process over a thread: `pid` is the thread's threadId. A thread can be ended, but gets no signals. See Python's
 * `multiprocessing.dummy`.
 * @throws ValueError, TypeError if an option is invalid
 * @example
 * import { Process } from 'multiprocess/threads'
 *
 * const child = new Process({ target: () => {} })
 * child.start()
 * await child.join()
 * console.log(child.exitcode) // 0
 */
export const Process = bound.Process

/**
 * A queue between threads. See Python's `multiprocessing.Queue`.
 * @throws ValueError if the size is not an integer
 * @example
 * import { Queue } from 'multiprocess/threads'
 *
 * const queue = new Queue<string>()
 * await queue.put('hello')
 * console.log(await queue.get()) // hello
 */
export const Queue = bound.Queue

/**
 * Makes a typed array in shared memory, without a lock. See Python's `multiprocessing.sharedctypes.RawArray`.
 * @param code the type of its elements, such as 'i' for 32 bits or 'd' for floating point
 * @param init its length, for an array of zeros, or its elements
 * @throws ValueError for an unknown code, a length that is not an integer of 0 or more, or an element that does not fit
 * @throws TypeError for arguments of another type
 * @example
 * import { RawArray } from 'multiprocess/threads'
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
 * import { RawValue } from 'multiprocess/threads'
 *
 * const ratio = RawValue('d', 0.5)
 * console.log(ratio.value) // 0.5
 */
export const RawValue = bound.RawValue

/**
 * A lock that its holder may acquire again. See Python's `multiprocessing.RLock`.
 * @example
 * import { RLock } from 'multiprocess/threads'
 *
 * const lock = new RLock()
 * console.log(await lock.runExclusive(() => 'alone')) // alone
 */
export const RLock = bound.RLock

/**
 * A semaphore for threads. See Python's `multiprocessing.Semaphore`.
 * @throws ValueError if the first value is not an integer of 0 or more
 * @example
 * import { Semaphore } from 'multiprocess/threads'
 *
 * const places = new Semaphore(2)
 * console.log(await places.acquire()) // true
 * places.release()
 */
export const Semaphore = bound.Semaphore

/**
 * A queue between threads without a size limit. See Python's `multiprocessing.SimpleQueue`.
 * @example
 * import { SimpleQueue } from 'multiprocess/threads'
 *
 * const queue = new SimpleQueue<string>()
 * await queue.put('hello')
 * console.log(await queue.get()) // hello
 */
export const SimpleQueue = bound.SimpleQueue

/**
 * A manager whose server runs on a thread. See Python's `multiprocessing.managers.SyncManager`.
 * @example
 * import { SyncManager } from 'multiprocess/threads'
 *
 * await using manager = new SyncManager()
 * await manager.start()
 * const list = await manager.list([1, 2])
 * console.log(await list.length()) // 2
 */
export const SyncManager = bound.SyncManager

/**
 * Makes a value in shared memory, with a lock. See Python's `multiprocessing.Value`.
 * @param code its type, such as 'i' for 32 bits or 'd' for floating point
 * @param init the first value. Default: 0
 * @param options.lock true for a new RLock, false for no lock, or a Lock or RLock to use. Default: true
 * @throws ValueError for an unknown code, or a value that does not fit
 * @throws TypeError for arguments of another type
 * @example
 * import { Value } from 'multiprocess/threads'
 *
 * const count = Value('i', 41)
 * await count.runExclusive(() => count.value++)
 * console.log(count.value) // 42
 */
export const Value = bound.Value

export type Barrier = processes.Barrier
export type BaseManager = processes.BaseManager
export type BoundedSemaphore = processes.BoundedSemaphore
export type Condition = processes.Condition
export type Event = processes.Event
export type JoinableQueue<T = unknown> = processes.JoinableQueue<T>
export type Lock = processes.Lock
export type Pool = processes.Pool
export type Process<A extends unknown[] = never[]> = processes.Process<A>
export type Queue<T = unknown> = processes.Queue<T>
export type RLock = processes.RLock
export type Semaphore = processes.Semaphore
export type SimpleQueue<T = unknown> = processes.SimpleQueue<T>
export type SyncManager = processes.SyncManager

serveIfAsked()
