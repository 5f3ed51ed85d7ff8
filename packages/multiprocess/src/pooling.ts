/**
 * `multiprocess/pooling`: the parts that pools are made of, for packages that run a pool's tasks elsewhere, such as `multiprocess-cluster`.
 * It changes with the versions of this package, without notice.
 * @module multiprocess/pooling
 */

export { checkDuration, checkInteger, checkOptions, checkString, optionNames } from './checks.ts'
export { importModule, resolveReference } from './codec/references/imports.ts'
export { ResultTask } from './pool/async-result.ts'
export { withCallbacks } from './pool/callbacks.ts'
export { rejection } from './pool/caller-stack.ts'
export type { Task } from './pool/dispatcher.ts'
export { FifoQueue } from './pool/fifo-queue.ts'
export { IMapRun, type IMapSettings } from './pool/imap.ts'
export { iterate } from './pool/input.ts'
export type { Chunk } from './pool/map-run.ts'
export {
  checkApplyOptions,
  chunkOptions,
  IMAP_OPTIONS,
  integer,
  MAP_ASYNC_OPTIONS,
  MAP_OPTIONS,
  POOL_OPTIONS
} from './pool/options.ts'
export { type Control, controlOf } from './pool/shared/control.ts'
export { Signals } from './pool/signals.ts'
export { type Progress, progressOf, sizeOf } from './pool/telling/progress.ts'
export { checkTarget, type SentTarget, sentTarget } from './process/target.ts'
