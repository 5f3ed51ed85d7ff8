/** The names that are the same over processes and over threads. */
import './entries/loaders.ts'
import './crossing/named-memory.ts'
import './crossing/shared-objects.ts'
import { hasProcesses } from './ground/default-method.ts'
import type { StartMethod } from './ground/members/platform.ts'

export { Connection } from './channel/connection.ts'
export type { PipeOptions } from './channel/pipe.ts'
export { wait, waitSync } from './channel/wait.ts'
export { type Address, Client, type ClientOptions } from './connection/client.ts'
export { Listener, type ListenerOptions } from './connection/listener.ts'
export {
  AuthenticationError,
  BrokenBarrierError,
  BufferTooShort,
  Empty,
  EOFError,
  Full,
  MultiprocessError,
  OwnerDiedError,
  PoolTerminatedError,
  ProcessError,
  SerializationError,
  TimeoutError,
  ValueError,
  WorkerDiedError
} from './errors.ts'
export type { Awaitable } from './ground/awaitable.ts'
export type { StartMethod } from './ground/members/platform.ts'
export { cpuCount } from './ground/os/processors.ts'
export type { Waitable, WaitOptions } from './ground/waitable.ts'
export type { ManagerOptions, StartOptions } from './managers/base-manager.ts'
export { BaseProxy } from './managers/client/proxy.ts'
export type * from './managers/client/proxy-types.ts'
export type { CallableProxy, IteratorProxy, Remote } from './managers/client/remote.ts'
export type { ManagerServer } from './managers/manager-server.ts'
export type { RegisterOptions } from './managers/protocol/registry.ts'
export type { ManagerClass } from './managers/sync-manager.ts'
export type { ListItem } from './memory/list-items.ts'
export { ShareableList, type ShareableListOptions } from './memory/shareable-list.ts'
export { SharedMemory, type SharedMemoryOptions } from './memory/shared-memory.ts'
export type { ElementOf, TypeCode, TypedArrayOf } from './memory/type-codes.ts'
export { AsyncResult } from './pool/async-result.ts'
export type { IMapIterator } from './pool/imap.ts'
export type {
  ApplyOptions,
  IMapOptions,
  MapOptions,
  PoolOptions,
  ResolvedPoolOptions,
  SettledItem,
  TaskOptions
} from './pool/options.ts'
export type { PoolInsights, SlowTask, TimeShares, WorkerInsights } from './pool/telling/insights.ts'
export type { ProgressDisplay } from './pool/telling/progress.ts'
export type { PoolStats } from './pool/telling/stats.ts'
export type {
  TaskEndMessage,
  TaskOutcome,
  TaskStartMessage,
  TaskSubmitMessage,
  WorkerMessage
} from './pool/telling/task-events.ts'
export type { TimeStats } from './pool/telling/timings.ts'
export { type CurrentTask, currentTask } from './pool/worker/current-task.ts'
export type { WorkerStats } from './pool/workers.ts'
export { currentProcess, isMainProcess, parentProcess } from './process/current.ts'
export type {
  ConnectionCloseMessage,
  ConnectionMessage,
  ManagerCreateMessage,
  ManagerMessage,
  ProcessExitMessage,
  ProcessStartMessage
} from './process/events.ts'
export {
  getLogger,
  LOG_LEVELS,
  type Logger,
  type LogLevel,
  type LogLevelName,
  type LogMessage,
  logToStderr
} from './process/logging.ts'
export { activeChildren, type ProcessOptions } from './process/process.ts'
export type { FunctionReference, Target } from './process/target.ts'
export type { BarrierOptions } from './sync/barrier-options.ts'
export type { LockOption, SharedArray, SharedValue, Synchronized } from './sync/synchronized.ts'

/**
 * Returns the start methods that are available here: 'spawn', on the platforms that have processes, and 'thread'. See Python's
 * `multiprocessing.get_all_start_methods`.
 * @example
 * import { getAllStartMethods } from 'multiprocess'
 *
 * console.log(getAllStartMethods().includes('thread')) // true
 */
export function getAllStartMethods(): StartMethod[] {
  return hasProcesses() ? ['spawn', 'thread'] : ['thread']
}
