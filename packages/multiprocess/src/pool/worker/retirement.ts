/**
 * When a worker leaves for a fresh one: after a number of tasks, or above a limit of memory. It says so before, so that its successor is
 * ready when it goes.
 */
import { monotonicMs } from '../../ground/os/time.ts'
import type { TaskTable } from '../shared/task-table.ts'
import { WORKER_FULL, WORKER_LEAVING } from '../shared/task-table.ts'

/** What starting a worker may take, in milliseconds. */
const LEAD_MS = 300
/** Asking for the memory costs some 10 µs. */
const LOOK_MS = 1

export interface RetirementOptions {
  readonly index: number
  readonly maxTasks: number
  /** Bytes. */
  readonly maxMemory: number
  readonly mayEnd: boolean
}

export class Retirement {
  readonly #options: RetirementOptions
  readonly #table: TaskTable
  readonly #tell: (status: number) => void
  readonly #isLimited: boolean
  #begin = 0
  #taken = 0
  #lastLook = 0
  #isTold = false
  #isFull = false

  /** @param tell the status goes to the pool */
  constructor(options: RetirementOptions, table: TaskTable, tell: (status: number) => void) {
    this.#options = options
    this.#table = table
    this.#tell = tell
    this.#isLimited = options.maxTasks !== Number.POSITIVE_INFINITY || options.maxMemory !== Number.POSITIVE_INFINITY
  }

  /** Between two tasks. @param taken how many it has had */
  mayTake(taken: number): boolean {
    if (this.#options.mayEnd && !this.#table.hasPermit(this.#options.index)) return false
    if (!this.#isLimited) return true
    const isNew = taken !== this.#taken
    this.#taken = taken
    if (isNew && taken < this.#options.maxTasks) this.#look(taken)
    if (taken >= this.#options.maxTasks) return false
    return !this.#isFull || this.#table.hasPermit(this.#options.index)
  }

  /** A task has been taken, the worker's last one perhaps. */
  hasTaken(taken: number): void {
    if (!this.#isLimited || this.#isTold) return
    const { maxTasks } = this.#options
    const now = monotonicMs()
    if (taken === 1) this.#begin = now
    const left = maxTasks - taken
    // Of the first half the second can be foretold.
    const isSoon = taken * 2 >= maxTasks && ((now - this.#begin) / taken) * left <= LEAD_MS
    if (left > 0 && !isSoon) return
    this.#isTold = true
    this.#tell(WORKER_LEAVING)
  }

  #look(taken: number): void {
    const { maxMemory } = this.#options
    if (maxMemory === Number.POSITIVE_INFINITY || this.#isFull || taken === 0) return
    const now = monotonicMs()
    if (now - this.#lastLook < LOOK_MS) return
    this.#lastLook = now
    if (memoryInUse() <= maxMemory) return
    this.#isFull = true
    if (!this.#isTold) this.#tell(WORKER_FULL)
  }
}

/** Of a thread what its own heap has: the resident memory is that of all. */
function memoryInUse(): number {
  const { isMainThread } = process.getBuiltinModule('node:worker_threads')
  if (isMainThread) return process.memoryUsage.rss()
  const { heapTotal, external } = process.memoryUsage()
  return heapTotal + external
}
