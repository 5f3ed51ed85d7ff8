/** What the server of the dashboard sends to its page, as JSON. Times of tasks are milliseconds of the monotonic clock; 0: not known. */
import type {
  DeadlockEntry,
  LockEntry,
  ManagerEntry,
  PoolEntry,
  ProcessEntry,
  QueueEntry,
  WaitEntry
} from '../top/snapshot.ts'

/** The first message of a connection. */
export interface Hello {
  /** Of the program. */
  readonly pid: number
  readonly command: string
  readonly node: string
  /** Tells a program from the one that had its address before. */
  readonly run: string
  /** When it was, on both clocks: in milliseconds since 1970, and on that of the tasks. */
  readonly time: number
  readonly clock: number
  /** Milliseconds between two messages. */
  readonly interval: number
  readonly tasks: readonly TaskRow[]
  readonly workers: readonly WorkerRow[]
  readonly failures: readonly FailureRow[]
}

export interface TaskRow {
  readonly pool: number
  readonly id: number
  readonly name: string
  /** Of the worker; 0: none began it. */
  readonly pid: number
  readonly outcome: 'success' | 'error' | 'stopped' | 'running'
  readonly submit: number
  readonly start: number
  /** 0: it runs. */
  readonly end: number
  /** Its arguments, or the items of its chunk, shortened. Left out where there are too many tasks a second. */
  readonly args?: string
}

/** A worker was started or has ended. */
export interface WorkerRow {
  readonly pool: number
  readonly pid: number
  readonly start: number
  /** 0: it runs. */
  readonly end: number
  /** Negative: the signal that killed it. Null: it runs. */
  readonly exitcode: number | null
}

export interface FailureRow {
  readonly number: number
  readonly pool: number
  /** 0: an item of an `imap`. */
  readonly id: number
  readonly name: string
  /** 0: not known. */
  readonly pid: number
  readonly at: number
  /** The error's name and message. */
  readonly title: string
  /** Where it was thrown, and where the task was asked for; that one is null if nobody awaited it. */
  readonly stack: string
  readonly caller: string | null
}

export interface PoolRow {
  readonly number: number
  readonly method: string
  readonly processes: number
  readonly submitted: number
  readonly completed: number
  readonly failed: number
  readonly pending: number
  readonly workers: readonly { pid: number; tasks: number; busy: boolean; memory: number; restarts: number }[]
  /** Where its time went, if it was made with `timings`. */
  readonly summary: string | null
}

export interface MapRow {
  readonly number: number
  readonly pool: number
  readonly name: string
  readonly done: number
  /** Null: not known. */
  readonly total: number | null
  readonly begin: number
  readonly end: number
}

/** What the shared memory of the program's family shows. */
export interface FamilyRow {
  readonly processes: readonly ProcessEntry[]
  /** Those of other processes of the family. */
  readonly pools: readonly PoolEntry[]
  readonly queues: readonly QueueEntry[]
  readonly locks: readonly LockEntry[]
  readonly managers: readonly ManagerEntry[]
  readonly waits: readonly WaitEntry[]
  readonly deadlocks: readonly DeadlockEntry[]
}

/** All later messages. */
export interface Tick {
  readonly time: number
  readonly clock: number
  /** Tasks that have ended since the last message, as many as are shown, */
  readonly tasks: readonly TaskRow[]
  /** and those that run. */
  readonly running: readonly TaskRow[]
  readonly workers: readonly WorkerRow[]
  readonly failures: readonly FailureRow[]
  /** One in so many tasks is shown. */
  readonly share: number
  /** Left out: as before. */
  readonly pools?: readonly PoolRow[]
  readonly maps: readonly MapRow[]
  /** Left out: as before. Null: there is none, or it cannot be seen here. */
  readonly family?: FamilyRow | null
}
