/** `multiprocess/threads`, also named `multiprocess/dummy`: the same names over worker threads. */

import { contextOf } from './contexts.ts'
import type * as processes from './index.ts'

export * from './common.ts'
export type { Context } from './contexts.ts'

export const {
  Array,
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  JoinableQueue,
  Lock,
  Pipe,
  Pool,
  Process,
  Queue,
  RawArray,
  RawValue,
  RLock,
  Semaphore,
  SimpleQueue,
  Value,
  getContext,
  getStartMethod
} = contextOf('thread')

export type Barrier = processes.Barrier
export type BoundedSemaphore = processes.BoundedSemaphore
export type Condition = processes.Condition
export type Event = processes.Event
export type JoinableQueue<T = unknown> = processes.JoinableQueue<T>
export type Lock = processes.Lock
export type Pool = processes.Pool
/** `pid` is a thread's threadId, and no signal reaches it, but it can be ended. */
export type Process<A extends unknown[] = never[]> = processes.Process<A>
export type Queue<T = unknown> = processes.Queue<T>
export type RLock = processes.RLock
export type Semaphore = processes.Semaphore
export type SimpleQueue<T = unknown> = processes.SimpleQueue<T>
