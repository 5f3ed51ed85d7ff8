/** `multiprocess/threads`, also available as `multiprocess/dummy`: the same names over worker threads. */

import { contextOf } from './contexts.ts'
import type * as processes from './index.ts'
import { serveIfAsked } from './live/environment.ts'

export * from './common.ts'
export type { Context } from './contexts.ts'

export const {
  Array,
  Barrier,
  BaseManager,
  BoundedSemaphore,
  Condition,
  Event,
  JoinableQueue,
  Lock,
  Manager,
  Pipe,
  Pool,
  Process,
  Queue,
  RawArray,
  RawValue,
  RLock,
  Semaphore,
  SimpleQueue,
  SyncManager,
  Value,
  defineManager,
  getContext,
  getStartMethod
} = contextOf('thread')

export type Barrier = processes.Barrier
export type BaseManager = processes.BaseManager
export type BoundedSemaphore = processes.BoundedSemaphore
export type Condition = processes.Condition
export type Event = processes.Event
export type JoinableQueue<T = unknown> = processes.JoinableQueue<T>
export type Lock = processes.Lock
export type Pool = processes.Pool
/** A Process over a thread: `pid` is the thread's threadId. A thread can be ended, but gets no signals. */
export type Process<A extends unknown[] = never[]> = processes.Process<A>
export type Queue<T = unknown> = processes.Queue<T>
export type RLock = processes.RLock
export type Semaphore = processes.Semaphore
export type SimpleQueue<T = unknown> = processes.SimpleQueue<T>
export type SyncManager = processes.SyncManager

serveIfAsked()
