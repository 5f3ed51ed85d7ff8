/**
 * Contexts: every class and function of the module, bound to one start method. Both faces are made of them. They name all that
 * stands above in the order of the folders, which is why they are no part of `process/`.
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

/** What differs between start methods. */
export interface Bound extends Factories {
  readonly Barrier: typeof Barrier
  readonly BaseManager: typeof BaseManager
  readonly BoundedSemaphore: typeof BoundedSemaphore
  readonly Condition: typeof Condition
  readonly Event: typeof Event
  readonly JoinableQueue: typeof JoinableQueue
  readonly Lock: typeof Lock
  readonly Pool: typeof Pool
  readonly Process: typeof Process
  readonly Queue: typeof Queue
  readonly RLock: typeof RLock
  readonly Semaphore: typeof Semaphore
  readonly SimpleQueue: typeof SimpleQueue
  readonly SyncManager: typeof SyncManager
  /** Starts a manager's server, and answers the manager once it serves. @throws ProcessError when the system refuses */
  Manager(): Promise<SyncManager>
  /** The two ends of a new pipe. @throws TypeError for a `duplex` that is neither true nor false */
  Pipe<T = unknown>(options?: PipeOptions): [Connection<T>, Connection<T>]
  /**
   * A class of managers that have, besides all that SyncManager has, a method for each factory, whose proxies are typed from
   * what it makes: `defineManager({ Math: MathServer })` has `Math(...)`.
   * @throws TypeError for what is neither a class nor a function
   */
  defineManager<F extends Readonly<Record<string, unknown>>>(factories: F): ManagerClass<F>
  /**
   * The names of this module for a start method: 'spawn' for processes, 'thread' for threads.
   * @param method left out: that of the module or the context it is called of
   * @throws ValueError for an unknown start method
   * @throws MultiprocessError `ERR_UNSUPPORTED_PLATFORM` for 'spawn' where processes cannot be had
   */
  getContext(method?: StartMethod): Context
  /** That of the module or the context it is called of: `multiprocess` itself has 'thread' where processes cannot be had. */
  getStartMethod(): StartMethod
}

/** Every class and function of this module, bound to one start method. It crosses as itself. */
export interface Context extends Bound, Readonly<typeof common> {
  readonly method: StartMethod
}

/** The modules that export what is bound to a start method; the bundle has them beside this one, too. */
const FACES: Readonly<Record<StartMethod, string>> = { spawn: './index.js', thread: './threads.js' }

const contexts = new Map<StartMethod, Context>()

/** @throws ValueError for what is no start method */
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

/** A context's prototype: another process makes it anew from its start method. */
class StartContext {
  readonly method: StartMethod

  constructor(method: StartMethod) {
    this.method = method
  }

  [Symbol.for('multiprocess.reduce')](): [unknown, [StartMethod]] {
    return [contextOf('spawn').getContext, [this.method]]
  }
}
