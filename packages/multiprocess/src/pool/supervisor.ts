/**
 * Watches the tasks in slots that may be stopped: those with a timeout, a signal or tries left. A worker writes to the slot when
 * it begins; the pool looks there when a task could be due at the earliest, so that nobody has to tell it.
 *
 * To stop a task the pool writes the slot's CANCEL and rings its worker, whose event loop fires the task's signal. A task that
 * is still there when its grace is over is ended with its worker.
 */
import { TimeoutError } from '../errors.ts'
import { clearTimeout, monotonicMs, setTimeout } from '../ground/os/time.ts'
import type { Task } from './dispatcher.ts'
import type { FunctionEntry } from './functions.ts'
import type { Control } from './shared/control.ts'
import type { Packed } from './shared/message.ts'
import { CANCEL, CANCEL_ABORTED, CANCEL_TIMED_OUT, type TaskTable } from './shared/task-table.ts'

/** A task on its way to a slot. */
export interface Waiting {
  readonly task: Task
  readonly id: number
  readonly fn: FunctionEntry
  readonly kind: number
  readonly packed: Packed
  readonly control: Control | undefined
  /** How often it may still be tried again. */
  readonly retries: number
}

/** What can be done to the worker in a place. */
export interface WorkerHandles {
  kill(index: number): void
  ring(index: number): void
}

interface Watched {
  readonly control: Control
  /** What is placed again when the worker dies. */
  readonly again: Waiting | undefined
  /** When the worker is killed; Infinity: the task is not stopped. */
  killAt: number
}

const SOON_MS = 1
const MAX_TIMER_MS = 2 ** 31 - 1

export class Supervisor {
  readonly #table: TaskTable
  readonly #watched = new Map<number, Watched>()
  readonly #onTimeout: (slot: number, error: TimeoutError) => void
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  /** Tasks watched: a field, since it is asked for with every task. */
  count = 0
  workers: WorkerHandles = { kill: () => {}, ring: () => {} }

  constructor(table: TaskTable, onTimeout: (slot: number, error: TimeoutError) => void) {
    this.#table = table
    this.#onTimeout = onTimeout
  }

  /** The task is about to be published in the slot. */
  add(slot: number, control: Control, again: Waiting | undefined): void {
    this.#watched.set(slot, { control, again, killAt: Number.POSITIVE_INFINITY })
    this.count = this.#watched.size
    if (control.timeout !== Number.POSITIVE_INFINITY) this.#arm(monotonicMs() + control.timeout)
  }

  remove(slot: number): void {
    this.#watched.delete(slot)
    this.count = this.#watched.size
    if (this.count > 0) return
    clearTimeout(this.#timer)
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  /** What is to be placed again, now that the worker has died. */
  again(slot: number): Waiting | undefined {
    const again = this.#watched.get(slot)?.again
    return again !== undefined && again.retries > 0 ? { ...again, retries: again.retries - 1 } : undefined
  }

  /** A task that runs is told to stop. */
  abort(slot: number): void {
    this.#stop(slot, CANCEL_ABORTED)
  }

  #stop(slot: number, reason: number): void {
    const watched = this.#watched.get(slot)
    const worker = this.#table.takenBy(slot)
    if (watched === undefined || worker < 0) return
    Atomics.store(this.#table.words, this.#table.slot(slot) + CANCEL, reason)
    this.workers.ring(worker)
    watched.killAt = monotonicMs() + watched.control.killAfter
    this.#arm(watched.killAt)
  }

  /** Looks for what is due. A timer does; a blocked thread asks for it. */
  check(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = monotonicMs()
    let next = Number.POSITIVE_INFINITY
    for (const [slot, watched] of [...this.#watched]) next = Math.min(next, this.#checkOne(slot, watched, now))
    if (next < Number.POSITIVE_INFINITY) this.#arm(next)
  }

  /** When to look at the task again. */
  #checkOne(slot: number, watched: Watched, now: number): number {
    const worker = this.#table.takenBy(slot)
    if (watched.killAt !== Number.POSITIVE_INFINITY) {
      if (now < watched.killAt) return watched.killAt
      if (worker >= 0) this.workers.kill(worker)
      return Number.POSITIVE_INFINITY
    }
    const { timeout } = watched.control
    if (timeout === Number.POSITIVE_INFINITY) return timeout
    if (worker < 0) return now + Math.max(SOON_MS, timeout)
    const start = this.#table.start(slot)
    if (start === 0) return now + SOON_MS
    if (now < start + timeout) return start + timeout
    this.#onTimeout(slot, new TimeoutError(`the task ran for more than ${timeout} ms`))
    this.#stop(slot, CANCEL_TIMED_OUT)
    return watched.killAt
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    const ms = Math.min(MAX_TIMER_MS, Math.max(SOON_MS, Math.ceil(at - monotonicMs())))
    // What is pending keeps the program alive.
    this.#timer = setTimeout(() => this.check(), ms).unref()
  }
}
