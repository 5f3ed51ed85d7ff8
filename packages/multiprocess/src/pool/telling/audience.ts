/**
 * What the pools of this process tell a page that people look at. While no page is served there is no audience, and a task costs one look
 * at a field. While a page is served and nobody looks, `wants` answers false.
 */
import { IMAP, itemErrors } from '../shared/task-kinds.ts'
import type { OpenPool } from './open-pools.ts'
import type { Progress } from './progress.ts'
import type { TaskOutcome } from './task-events.ts'

/** A task as an audience hears of it; the pool's number and the task's id name it. */
export interface HeardTask {
  readonly pool: number
  readonly id: number
  /** The function's name. */
  readonly name: string
}

/** What it is told runs in the middle of the pool's work: it keeps what it hears, and does nothing else. */
export interface TaskAudience {
  /** Returns true if it wants to hear of the task that is submitted now. */
  wants(): boolean
  /** @param message the arguments, or the items of a chunk */
  submitted(task: HeardTask, message: unknown): void
  /** @param start on the clock of `monotonicMs` */
  started(task: HeardTask, pid: number, start: number): void
  /** @param pid of the worker; 0: none began it */
  ended(task: HeardTask, pid: number, outcome: TaskOutcome, start: number | undefined, end: number | undefined): void
  /** Told of every task that fails, also of those that it did not want to hear of. @param pid 0: unknown */
  failed(task: HeardTask, pid: number, error: unknown): void
  workerStarted(pool: number, pid: number): void
  workerEnded(pool: number, pid: number, exitcode: number): void
  /** A `map` or `imap` begins. @returns what is to be told how far it is, in place of `progress` */
  mapBegins(pool: number, name: string, progress: Progress | undefined): Progress
}

/** The listener to all pools of this process, if there is one. */
export const stage: { audience: TaskAudience | undefined } = { audience: undefined }

/** What is told how far a `map` or `imap` is, so that an audience hears of it, too. */
export function shown(progress: Progress | undefined, pool: OpenPool, name: string): Progress | undefined {
  return stage.audience === undefined ? progress : stage.audience.mapBegins(pool.events.number, name, progress)
}

/** A chunk of `imap` has its results: those of its items that failed are told of. Which worker had them is not known. */
export function tellItems({ events }: OpenPool, name: string, results: readonly unknown[]): void {
  const { audience } = stage
  if (audience === undefined) return
  const task = { pool: events.number, id: 0, name }
  for (const error of itemErrors(IMAP, results)) audience.failed(task, 0, error)
}

let count = 0

/** The number of the next pool of this process: 1, 2, … */
export function nextPoolNumber(): number {
  return ++count
}
