/**
 * The pool's side of the task table: puts tasks into slots, keeps those that find no slot, and takes the results.
 */
import { MultiprocessError, PoolTerminatedError, WorkerDiedError } from '../errors.ts'
import type { Source } from '../ground/event-loop.ts'
import type { Family } from '../ground/family.ts'
import { FifoQueue } from './fifo-queue.ts'
import { type Block, Messages, type Parcel, Pending } from './message.ts'
import {
  BLOCK,
  FUNCTION,
  FUNCTION_BLOCK,
  FUNCTION_LENGTH,
  IS_ERROR,
  IS_KEPT,
  KIND,
  SLOT_COUNT,
  TaskTable
} from './task-table.ts'
import { wakeOne } from './wake.ts'

const UNIMPORTED =
  'the result names functions or classes that have to be imported first, which a blocked thread cannot do: use apply'

/** Where the definition of a function stands. */
export interface FunctionEntry extends Block {
  readonly id: number
}

/** A task under way; exactly one of the two is called, once, and submits nothing before it returns. */
export interface Task {
  succeed(value: unknown): void
  fail(error: unknown): void
  /** The thread is blocked until it is settled: no module can be imported for it. */
  readonly isBlocking?: boolean
}

interface Waiting {
  readonly task: Task
  readonly fn: FunctionEntry
  readonly kind: number
  readonly parcel: Parcel
}

export class Dispatcher implements Source {
  readonly table: TaskTable
  readonly #family: Family
  readonly messages: Messages
  readonly #workers: number
  readonly #free: number[] = []
  /** By slot: the task in it, and the block of its message, in units; 0: none. */
  readonly #tasks: (Task | undefined)[] = []
  readonly #blocks = new Uint32Array(SLOT_COUNT)
  readonly #waiting = new FifoQueue<Waiting>()
  readonly #doneHeads: number[]
  #pending = 0
  #isOver = false
  /** Called when the last pending task is settled. */
  onIdle: () => void = () => {}

  constructor(family: Family, at: number, workers: number) {
    this.#family = family
    this.table = new TaskTable(family.memory, at, workers)
    this.table.clear(workers)
    this.messages = new Messages(family, this.table)
    this.#workers = workers
    this.#doneHeads = new Array(workers).fill(0)
    for (let slot = SLOT_COUNT - 1; slot >= 0; slot--) {
      this.#free.push(slot)
      this.#tasks.push(undefined)
    }
    family.loop.add(this)
  }

  get pending(): number {
    return this.#pending
  }

  /** @throws SerializationError when the message cannot cross; the task is then not submitted */
  submit(fn: FunctionEntry, kind: number, message: unknown, path: string, task: Task): void {
    if (this.#free.length === 0) this.poll()
    if (this.#waiting.length > 0 || this.#free.length === 0 || !this.table.hasPlace) {
      const parcel = this.messages.pack(message, path)
      if (this.#isOver) {
        this.messages.discard(parcel)
        throw new PoolTerminatedError()
      }
      this.#waiting.push({ task, fn, kind, parcel })
    } else {
      const slot = this.#free.pop() as number
      try {
        this.messages.write(slot, message, path)
        this.messages.hold(slot)
        // A getter among the arguments may have ended the pool.
        if (this.#isOver) throw new PoolTerminatedError()
      } catch (error) {
        this.messages.release(slot)
        this.#free.push(slot)
        throw error
      }
      this.#place(slot, fn, kind, task)
    }
    if (this.#pending++ === 0) this.#family.loop.hold()
    this.#family.loop.stir()
  }

  #place(slot: number, fn: FunctionEntry, kind: number, task: Task): void {
    const { table } = this
    const { words } = table
    const base = table.slot(slot)
    words[base + FUNCTION] = fn.id
    words[base + FUNCTION_BLOCK] = fn.block
    words[base + FUNCTION_LENGTH] = fn.length
    words[base + KIND] = kind
    this.#tasks[slot] = task
    this.#blocks[slot] = words[base + BLOCK]
    table.publish(slot)
    wakeOne(this.#family, table)
  }

  /**
   * Takes back tasks that no worker has begun; they are not settled.
   * @param isWanted answers true for those to take back
   */
  withdraw(isWanted: (task: Task) => boolean): Task[] {
    const withdrawn: Task[] = []
    for (const [slot, task] of this.#tasks.entries()) {
      if (task === undefined || !isWanted(task) || !this.table.withdraw(slot)) continue
      this.#vacate(slot)
      withdrawn.push(task)
    }
    for (const { task, parcel } of this.#waiting.filter(({ task }) => !isWanted(task))) {
      this.messages.discard(parcel)
      withdrawn.push(task)
    }
    this.#refill()
    this.#settled(withdrawn.length)
    return withdrawn
  }

  /** Takes the results that have come. */
  poll(): boolean {
    let isAny = false
    for (let worker = 0; worker < this.#workers; worker++) {
      const tail = this.table.doneTail(worker)
      while (this.#doneHeads[worker] !== tail) {
        const slot = this.table.doneSlot(worker, this.#doneHeads[worker])
        this.#doneHeads[worker] = (this.#doneHeads[worker] + 1) | 0
        this.#finish(slot)
        isAny = true
      }
    }
    if (isAny && this.#waiting.length > 0) this.#refill()
    return isAny
  }

  /**
   * A worker's process has ended: what it had finished is taken, what it had begun fails.
   * @returns how many tasks failed
   */
  bury(worker: number, exitcode: number, pid: number): number {
    this.poll()
    this.#doneHeads[worker] = 0
    let failed = 0
    for (const [slot, task] of this.#tasks.entries()) {
      const isDone = this.table.isDoneBy(slot, worker)
      if (isDone && task !== undefined) {
        this.#finish(slot)
      } else if (isDone || this.table.isTakenBy(slot, worker)) {
        this.#giveUp(slot)
        if (task === undefined) continue
        this.#settled(1)
        task.fail(new WorkerDiedError(deathMessage(exitcode, pid), { exitcode, pid }))
        failed++
      }
    }
    this.table.forgetSearcher(worker)
    this.table.resetWorker(worker)
    this.#refill()
    return failed
  }

  /** The error of a worker that could not start, if it left one. */
  startError(worker: number): unknown {
    const { block, length } = this.table.workerReason(worker)
    if (block === 0) return undefined
    const error = this.messages.readBlock(block, length)
    this.messages.free(block)
    return error instanceof Pending ? undefined : error
  }

  /** Fails all that is pending. The workers take no more, or are dead soon. */
  failAll(error: unknown): void {
    this.#isOver = true
    const failed = this.withdraw(() => true)
    for (const [slot, task] of this.#tasks.entries()) {
      // A worker may still write to the slot: it is freed once that has ended.
      if (task === undefined) continue
      this.#tasks[slot] = undefined
      failed.push(task)
      this.#settled(1)
    }
    for (const task of failed) task.fail(error)
  }

  wake(): void {
    if (this.table.hasReady) wakeOne(this.#family, this.table)
  }

  /** Lets the workers end once nothing is left to do. */
  close(): void {
    this.table.close()
    this.#family.lot.unpark(this.table.signalAt)
  }

  /** Once no worker runs. */
  dispose(): void {
    this.#family.loop.remove(this)
  }

  #finish(slot: number): void {
    const task = this.#tasks[slot]
    // Given up before, by failAll: what it left goes with its worker.
    if (task === undefined) return
    const { words } = this.table
    const base = this.table.slot(slot)
    const isError = words[base + IS_ERROR] !== 0
    let value: unknown
    let isDecoded = true
    try {
      value = this.messages.read(slot, false)
    } catch (error) {
      isDecoded = false
      value = error
    }
    this.table.release(slot)
    this.#vacate(slot)
    this.#settled(1)
    if (value instanceof Pending && task.isBlocking === true) {
      task.fail(new MultiprocessError(UNIMPORTED))
    } else if (value instanceof Pending) {
      value.promise.then(isError ? later => task.fail(later) : later => task.succeed(later), task.fail.bind(task))
    } else if (isError || !isDecoded) {
      task.fail(value)
    } else {
      task.succeed(value)
    }
  }

  #giveUp(slot: number): void {
    const block = this.table.words[this.table.slot(slot) + BLOCK] >>> 0
    if (block !== this.#blocks[slot]) this.messages.freeIfOwned(block)
    this.table.release(slot)
    this.#vacate(slot)
  }

  #vacate(slot: number): void {
    this.messages.release(slot)
    this.#tasks[slot] = undefined
    if (this.#blocks[slot] !== 0) {
      const { words } = this.table
      const keptAt = this.table.slot(slot) + IS_KEPT
      if (words[keptAt] === 0) this.messages.free(this.#blocks[slot])
      words[keptAt] = 0
      this.#blocks[slot] = 0
    }
    this.#free.push(slot)
  }

  #refill(): void {
    while (this.#waiting.length > 0 && this.#free.length > 0 && this.table.hasPlace) {
      const { task, fn, kind, parcel } = this.#waiting.shift() as Waiting
      const slot = this.#free.pop() as number
      this.messages.unpack(slot, parcel)
      this.#place(slot, fn, kind, task)
    }
  }

  #settled(count: number): void {
    if (count === 0) return
    this.#pending -= count
    if (this.#pending > 0) return
    this.#family.loop.release()
    this.onIdle()
  }
}

function deathMessage(exitcode: number, pid: number): string {
  const how = exitcode < 0 ? `was killed by signal ${-exitcode}` : `ended with exit code ${exitcode}`
  return `the worker with pid ${pid} ${how} while it ran the task`
}
