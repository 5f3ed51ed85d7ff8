/**
 * Contexts: every class and function of the module, bound to one start method. Both faces are made of them. They name almost every room, so
 * they come after all rooms.
 */

import type { Connection } from './channel/connection.ts'
import { type PipeOptions, pipeOver } from './channel/pipe.ts'
import { JoinableQueue, Queue } from './channel/queue.ts'
import { SimpleQueue } from './channel/simple-queue.ts'
import type { AnyFunction } from './codec/references/data.ts'
import { nameFunction } from './codec/references/loaded/known-references.ts'
import * as common from './common.ts'
import { boundTo } from './ground/bound-class.ts'
import { checkProcesses, defaultMethod } from './ground/default-method.ts'
import { checkMethod, type StartMethod } from './ground/members/platform.ts'
import { BaseManager } from './managers/base-manager.ts'
import { defineManagerOver, type ManagerClass, SyncManager } from './managers/sync-manager.ts'
import { Pool } from './pool/pool.ts'
import { Process } from './process/process.ts'
import { Barrier } from './sync/barrier.ts'
import { Condition } from './sync/condition.ts'
import { Event } from './sync/event.ts'
import { Lock } from './sync/lock.ts'
import { RLock } from './sync/rlock.ts'
import { BoundedSemaphore, Semaphore } from './sync/semaphore.ts'
import { type Factories, factoriesFor } from './sync/synchronized.ts'

/** The classes and functions that differ between start methods. */
export interface Bound extends Factories {
  /** A barrier: each party waits until all have arrived. */
  readonly Barrier: typeof Barrier
  /** A manager without the objects that SyncManager has. */
  readonly BaseManager: typeof BaseManager
  /** A semaphore that cannot be released more often than it was acquired. */
  readonly BoundedSemaphore: typeof BoundedSemaphore
  /** A condition: code waits until other code notifies it. */
  readonly Condition: typeof Condition
  /** A flag that processes or threads wait for. */
  readonly Event: typeof Event
  /** A queue that counts unfinished items. */
  readonly JoinableQueue: typeof JoinableQueue
  /** A lock between processes or threads. */
  readonly Lock: typeof Lock
  /** A pool of workers. */
  readonly Pool: typeof Pool
  /** A process, or a thread. */
  readonly Process: typeof Process
  /** A queue between processes or threads. */
  readonly Queue: typeof Queue
  /** A lock that its holder may acquire again. */
  readonly RLock: typeof RLock
  /** A semaphore. */
  readonly Semaphore: typeof Semaphore
  /** A queue without a size limit. */
  readonly SimpleQueue: typeof SimpleQueue
  /** A manager of the objects that several processes share. */
  readonly SyncManager: typeof SyncManager
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
  Manager(): Promise<SyncManager>
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
  Pipe<T = unknown>(options?: PipeOptions): [Connection<T>, Connection<T>]
  /**
   * Returns a class of managers that have, besides all members of SyncManager, a method for each factory. The types of the proxies follow
   * from what the factories create.
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
  defineManager<F extends Readonly<Record<string, unknown>>>(factories: F): ManagerClass<F>
  /**
   * Returns the names of this module for a start method: 'spawn' for processes, 'thread' for threads. See Python's
   * `multiprocessing.get_context`.
   * @param method the start method. Default: that of the module or the context
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
  getContext(method?: StartMethod): Context
  /**
   * Returns the start method of the module or the context. That of `multiprocess` itself is 'thread' where processes are not available. See
   * Python's `multiprocessing.get_start_method`.
   */
  getStartMethod(): StartMethod
}

/** Every class and function of this module, bound to one start method. A context crosses as itself. */
export interface Context extends Bound, Readonly<typeof common> {
  /** The start method. */
  readonly method: StartMethod
}

/** The modules that export what is bound to a start method; the bundle also has them next to this module. */
const FACES: Readonly<Record<StartMethod, string>> = { spawn: './index.js', thread: './threads.js' }

const contexts = new Map<StartMethod, Context>()

/** @throws ValueError for an unknown start method */
export function contextOf(method: StartMethod): Context {
  let context = contexts.get(checkMethod(method))
  if (context === undefined) {
    context = createContext(method)
    contexts.set(method, context)
  }
  return context
}

function createContext(method: StartMethod): Context {
  const ownMethod = () => (method === 'spawn' ? defaultMethod() : method)
  const bound: Bound = {
    ...factoriesFor(ownMethod),
    Barrier: boundTo(Barrier, method),
    BaseManager: boundTo(BaseManager, method),
    BoundedSemaphore: boundTo(BoundedSemaphore, method),
    Condition: boundTo(Condition, method),
    Event: boundTo(Event, method),
    JoinableQueue: boundTo(JoinableQueue, method),
    Lock: boundTo(Lock, method),
    Pool: boundTo(Pool, method),
    Process: boundTo(Process, method),
    Queue: boundTo(Queue, method),
    RLock: boundTo(RLock, method),
    Semaphore: boundTo(Semaphore, method),
    SimpleQueue: boundTo(SimpleQueue, method),
    SyncManager: boundTo(SyncManager, method),
    Manager: async () => {
      const manager = new (boundTo(SyncManager, method))()
      await manager.start()
      return manager
    },
    defineManager: factories => defineManagerOver(boundTo(SyncManager, method), factories),
    Pipe: options => pipeOver(ownMethod(), options),
    getContext: (other = ownMethod()) => {
      if (checkMethod(other) === 'spawn') checkProcesses()
      return contextOf(other)
    },
    getStartMethod: ownMethod
  }
  const module = new URL(FACES[method], import.meta.url).href
  for (const [name, fn] of Object.entries(bound)) {
    nameFunction(fn as AnyFunction, { module, export: name })
  }
  return Object.freeze(Object.assign(new StartContext(method), common, bound))
}

/** The prototype of a context. Another process creates the context again from its start method. */
class StartContext {
  readonly method: StartMethod

  constructor(method: StartMethod) {
    this.method = method
  }

  [Symbol.for('multiprocess.reduce')](): [unknown, [StartMethod]] {
    return [contextOf('spawn').getContext, [this.method]]
  }
}
