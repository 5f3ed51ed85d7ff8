/** What `multiprocess top --json` prints: documented in docs/watching.md, and stable. Fields may be added. */
import type { ProcessRole } from '../ground/arena/titles.ts'

export interface Snapshot {
  /** Of this form: 1. */
  readonly version: 1
  /** When it was taken: ISO 8601. */
  readonly time: string
  readonly families: readonly FamilyEntry[]
  readonly processes: readonly ProcessEntry[]
  readonly pools: readonly PoolEntry[]
  readonly queues: readonly QueueEntry[]
  readonly locks: readonly LockEntry[]
  readonly managers: readonly ManagerEntry[]
  readonly waits: readonly WaitEntry[]
  readonly deadlocks: readonly DeadlockEntry[]
}

/** All other entries name their family by its number. */
export interface FamilyEntry {
  readonly family: number
  /** Of the first process; null once that has ended. */
  readonly pid: number | null
  readonly command: string
  readonly processes: number
}

export type ProcessState = 'running' | 'starting' | 'ended'

export interface ProcessEntry {
  readonly family: number
  readonly pid: number
  readonly name: string
  readonly role: ProcessRole | 'thread'
  readonly state: ProcessState
  /** The process that started it; null for the first. */
  readonly parent: number | null
  /** Percent of one processor, since the look before. */
  readonly cpu: number
  /** Bytes of resident memory. */
  readonly memory: number
}

/** Milliseconds. */
export interface TimesEntry {
  readonly p50: number
  readonly p99: number
}

export interface PoolWorkerEntry {
  readonly pid: number
  readonly name: string
  /** The number of tasks that it has ended since its start; a chunk of `map` is one. */
  readonly tasks: number
  readonly busy: boolean
}

export interface PoolEntry {
  readonly family: number
  /** Of the process that has the pool. */
  readonly pid: number
  readonly id: string
  readonly processes: number
  /** Tasks that wait or run. */
  readonly pending: number
  readonly submitted: number
  /** Tasks that ended well. */
  readonly completed: number
  /** Completed tasks a second, since the look before. */
  readonly rate: number
  readonly busy: number
  readonly restarts: number
  /** How long tasks waited, and ran, in the last seconds; null: none ended while somebody looked. */
  readonly wait: TimesEntry | null
  readonly run: TimesEntry | null
  readonly workers: readonly PoolWorkerEntry[]
}

export interface QueueEntry {
  readonly family: number
  readonly id: string
  readonly kind: string
  readonly length: number
  /** null: as many as there is memory for. */
  readonly maxsize: number | null
  /** Of a JoinableQueue: items that are not done. */
  readonly unfinished: number | null
  /** Where it was made, in debug mode. */
  readonly place: string | null
}

export interface LockEntry {
  readonly family: number
  readonly id: string
  readonly kind: string
  /** The pid of the process that holds a Lock or an RLock; null: nobody, or a semaphore. */
  readonly holder: number | null
  /** Of a semaphore: how often it can be acquired at once. */
  readonly value: number | null
  /** The pids of those that wait for it. */
  readonly waiters: readonly number[]
  readonly place: string | null
}

export interface ManagerEntry {
  readonly family: number
  readonly pid: number
  readonly name: string
  readonly objects: number
  readonly clients: number
}

/** `task` and `permit` are of a pool's idle workers; `reply` of a manager. */
export type WaitTarget =
  | 'lock'
  | 'item'
  | 'room'
  | 'done'
  | 'event'
  | 'condition'
  | 'barrier'
  | 'end'
  | 'task'
  | 'permit'
  | 'reply'
  | 'other'

export interface WaitEntry {
  readonly family: number
  /** Of the process that waits. */
  readonly pid: number
  readonly name: string
  readonly for: WaitTarget
  /** What it waits for: `Lock`, `Queue`, … */
  readonly kind: string
  readonly id: string | null
  /** Of the process that holds the lock, or whose end is waited for. */
  readonly holder: number | null
  /** ISO 8601. */
  readonly since: string
  /** The whole thread is blocked; false: it waits in its event loop. */
  readonly blocked: boolean
  /** A timeout ends the wait. */
  readonly timeout: boolean
  /** Where in the program, in debug mode. */
  readonly place: string | null
}

/** A circle of waits without timeouts: each process waits for what the next one has. */
export interface DeadlockEntry {
  readonly family: number
  readonly pids: readonly number[]
  readonly waits: readonly WaitEntry[]
  /** All of them are blocked; false: an event loop that still runs may yet let go of what it has. */
  readonly certain: boolean
}
