/** The pool's side of the task table: puts tasks into slots, keeps those that find no slot, and takes the results. */
import { Pending } from '../codec/receive.ts'
import { MultiprocessError } from '../errors.ts'
import type { OwnerId } from '../ground/arena/process-table.ts'
import type { Family } from '../ground/family.ts'
import { queueMicrotask } from '../ground/os/time.ts'
import type { Source } from '../ground/waiting/event-loop.ts'
import { deathError } from './endings.ts'
import { FifoQueue } from './fifo-queue.ts'
import type { FunctionEntry } from './functions.ts'
import type { Control } from './shared/control.ts'
import { Messages } from './shared/message.ts'
import type { PoolWords } from './shared/pool-words.ts'
import { isChunk, kindOf } from './shared/task-kinds.ts'
import {
  BLOCK,
  CANCEL,
  CONTROLLED,
  FLAGS,
  FUNCTION,
  FUNCTION_BLOCK,
  FUNCTION_LENGTH,
  IS_ERROR,
  KEPT,
  KIND,
  SLOT_COUNT,
  TaskTable
} from './shared/task-table.ts'
import { wakeOne } from './shared/wake.ts'
import { Supervisor, type Waiting } from './supervisor.ts'
import { TaskEvents } from './telling/task-events.ts'

const UNIMPORTED =
  'the result names functions or classes that have to be imported first, which a blocked thread cannot do: use apply'

/** A task under way; exactly one of the two is called, once, and submits nothing before it returns. */
export interface Task {
  succeed(value: unknown): void
  fail(error: unknown): void
  /** The thread is blocked until it is settled: no module can be imported for it. */
  readonly isBlocking?: boolean
}

/** Stands for a task that was settled while a worker had it: the slot is free once that has ended. */
const ABANDONED: Task = { succeed: () => {}, fail: () => {} }

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
  readonly supervisor: Supervisor
  readonly events: TaskEvents
  #pending = 0
  #submitted = 0
  #completed = 0
  #isOver = false
  /** What all that is pending fails with, once it is over. */
  #reason: unknown
  #news = 0
  readonly #told: PoolWords
  /** Called, in a microtask, when a worker's status has changed in a way that may ask for something. */
  onNews: () => void = () => {}
  /** More pending tasks than this ask for another worker. */
  limit = Number.POSITIVE_INFINITY
  /** Called when more tasks are pending than `limit`. */
  onPressure: () => void = () => {}
  /** Called when the last pending task is settled. */
  onIdle: () => void = () => {}

  /** @param pool what events say they come from */
  constructor(family: Family, at: number, workers: number, pool: object) {
    this.#family = family
    this.table = new TaskTable(family.memory, at, workers)
    this.table.clear(workers)
    this.#told = this.table.forOthers
    this.messages = new Messages(family, this.table, false)
    this.#workers = workers
    this.events = new TaskEvents(pool, this.table)
    this.supervisor = new Supervisor(this.table, (slot, error) => {
      this.events.failed(slot, this.table.takenBy(slot), error)
      this.#abandon(slot).fail(error)
    })
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

  get submitted(): number {
    return this.#submitted
  }

  get completed(): number {
    return this.#completed
  }

  /** @throws SerializationError when the message cannot cross; the task is then not submitted */
  submit(fn: FunctionEntry, kind: number, message: unknown, path: string, task: Task, control?: Control): void {
    if (this.#free.length === 0) this.poll()
    const retries = control?.retries ?? 0
    if (isChunk(kindOf(kind))) this.messages.row = message
    // What may be tried again is kept as it was sent.
    if (retries > 0 || this.#waiting.length > 0 || this.#free.length === 0 || !this.table.hasPlace) {
      const packed = this.messages.pack(message, path, retries > 0)
      if (this.#isOver) {
        this.messages.discard(packed)
        throw this.#reason
      }
      this.events.submitted(++this.#submitted, fn.name, message)
      this.#waiting.push({ task, id: this.#submitted, fn, kind, packed, control, retries })
      if (retries > 0) this.#refill()
    } else {
      const slot = this.#free.pop() as number
      try {
        this.messages.write(slot, message, path)
        this.messages.hold(slot)
        // A getter among the arguments may have ended the pool.
        if (this.#isOver) throw this.#reason
      } catch (error) {
        this.messages.release(slot)
        this.#free.push(slot)
        throw error
      }
      if (control !== undefined) this.supervisor.add(slot, control, undefined)
      // Its wait begins before a worker can see it.
      this.events.submitted(++this.#submitted, fn.name, message)
      this.#place(slot, fn, kind, task, this.#submitted, control)
    }
    if (this.#pending++ === 0) this.#family.loop.hold()
    this.#told.submitted = this.#submitted
    this.#told.pending = this.#pending
    if (this.#pending > this.limit) this.onPressure()
    this.#family.loop.stir()
  }

  #place(slot: number, fn: FunctionEntry, kind: number, task: Task, id: number, control: Control | undefined): void {
    const { table } = this
    const { words } = table
    const base = table.slot(slot)
    words[base + FUNCTION] = fn.id
    words[base + FUNCTION_BLOCK] = fn.block
    words[base + FUNCTION_LENGTH] = fn.length
    words[base + KIND] = kind
    table.setId(slot, id)
    let flags = 0
    if (control !== undefined) {
      flags = CONTROLLED
      words[base + CANCEL] = 0
      table.setStart(slot, 0)
    }
    if (this.events.isWanted(id)) flags |= this.events.placed(slot, id, fn.name)
    words[base + FLAGS] = flags
    this.#tasks[slot] = task
    this.events.names[slot] = fn.name
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
      if (this.events.count > 0) this.events.left(slot, -1, 'stopped')
      this.#vacate(slot)
      withdrawn.push(task)
    }
    for (const { task, packed, id, fn } of this.#waiting.filter(({ task }) => !isWanted(task))) {
      this.messages.discard(packed)
      this.events.dropped(id, fn.name)
      withdrawn.push(task)
    }
    this.#refill()
    this.#settled(withdrawn.length)
    return withdrawn
  }

  /**
   * Takes back tasks, also those that workers have begun, which are told to stop; they are not settled.
   * @param isWanted answers true for those to take back
   */
  cancel(isWanted: (task: Task) => boolean): Task[] {
    const cancelled = this.withdraw(isWanted)
    for (const [slot, task] of this.#tasks.entries()) {
      if (task === undefined || !isWanted(task)) continue
      cancelled.push(this.#abandon(slot))
      this.supervisor.abort(slot)
    }
    return cancelled
  }

  #abandon(slot: number): Task {
    const task = this.#tasks[slot] as Task
    this.#tasks[slot] = ABANDONED
    return task
  }

  /** Takes the results that have come. */
  poll(): boolean {
    let isAny = false
    if (this.events.hasUnstarted) this.events.look()
    const { news } = this.table
    if (news !== this.#news) {
      this.#news = news
      queueMicrotask(() => this.onNews())
    }
    for (let worker = 0; worker < this.#workers; worker++) {
      const tail = this.table.doneTail(worker)
      while (this.#doneHeads[worker] !== tail) {
        const slot = this.table.doneSlot(worker, this.#doneHeads[worker])
        this.#doneHeads[worker] = (this.#doneHeads[worker] + 1) | 0
        this.#finish(slot, worker)
        isAny = true
      }
    }
    if (isAny && this.#waiting.length > 0) this.#refill()
    return isAny
  }

  /**
   * A worker's process has ended: what it had finished is taken, what it had begun is tried again if it may be, and fails if not.
   * @param member who it was in the family
   * @returns how many it had begun
   */
  bury(worker: number, exitcode: number, member: { readonly id: OwnerId; readonly pid: number }): number {
    const { id, pid } = member
    this.poll()
    this.#doneHeads[worker] = 0
    let failed = 0
    const retried: Waiting[] = []
    for (const [slot, task] of this.#tasks.entries()) {
      const isDone = this.table.isDoneBy(slot, worker)
      if (isDone && task !== undefined) {
        this.#finish(slot, worker)
      } else if (isDone || this.table.isTakenBy(slot, worker)) {
        if (this.events.count > 0) this.events.left(slot, worker, 'stopped')
        const again = task === undefined || task === ABANDONED ? undefined : this.supervisor.again(slot)
        this.#giveUp(slot, again !== undefined)
        if (task === undefined) continue
        failed++
        if (again !== undefined) {
          this.events.retried(again.id)
          retried.push(again)
          continue
        }
        this.#settled(1)
        const error = this.#isOver ? this.#reason : deathError(exitcode, pid)
        if (!this.#isOver && task !== ABANDONED) this.events.failed(slot, worker, error)
        task.fail(error)
      }
    }
    this.#family.parcels.takeBack(id)
    this.table.forgetSearcher(worker)
    this.table.resetWorker(worker)
    for (const again of retried.sort((a, b) => b.id - a.id)) this.#waiting.unshift(again)
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

  /** From now on what is pending fails with this error: at once where a worker is found dead, and with `failAll`. */
  end(error: unknown): void {
    this.#isOver = true
    this.#reason = error
  }

  /** Fails all that is pending, after `end`. The workers take no more, or are dead soon. */
  failAll(): void {
    const failed = this.withdraw(() => true)
    for (const [slot, task] of this.#tasks.entries()) {
      // A worker may still write to the slot: it is freed once that has ended.
      if (task === undefined) continue
      this.#tasks[slot] = undefined
      failed.push(task)
      this.#settled(1)
    }
    for (const task of failed) task.fail(this.#reason)
  }

  wake(): void {
    if (this.table.hasReady) wakeOne(this.#family, this.table)
  }

  /** Lets the workers end once nothing is left to do. */
  close(): void {
    this.table.close()
    this.#family.lot.unpark(this.table.signalAt)
    for (let worker = 0; worker < this.#workers; worker++) this.#family.lot.unpark(this.table.permitAt(worker))
  }

  /** Once no worker runs. */
  dispose(): void {
    this.#told.withdraw()
    this.#family.loop.remove(this)
  }

  #finish(slot: number, worker: number): void {
    const task = this.#tasks[slot]
    // Given up before, by failAll: what it left goes with its worker.
    if (task === undefined) return
    const isError = this.table.words[this.table.slot(slot) + IS_ERROR] !== 0
    let value: unknown
    let isDecoded = true
    try {
      value = this.messages.read(slot, false, task.isBlocking)
    } catch (error) {
      isDecoded = false
      value = error
    }
    const hasFailed = isError || !isDecoded
    if (hasFailed && task !== ABANDONED) this.events.failed(slot, worker, value)
    if (this.events.count > 0) {
      this.events.left(slot, worker, task === ABANDONED ? 'stopped' : hasFailed ? 'error' : 'success')
    }
    this.table.release(slot)
    this.#vacate(slot)
    if (!hasFailed && task !== ABANDONED) this.#completed++
    this.#settled(1)
    if (value instanceof Pending && task.isBlocking === true) {
      task.fail(new MultiprocessError(UNIMPORTED))
    } else if (value instanceof Pending) {
      value.promise.then(isError ? later => task.fail(later) : later => task.succeed(later), task.fail.bind(task))
    } else if (hasFailed) {
      task.fail(value)
    } else {
      task.succeed(value)
    }
  }

  /** @param isKept the block with the message stays */
  #giveUp(slot: number, isKept: boolean): void {
    const block = this.table.words[this.table.slot(slot) + BLOCK] >>> 0
    if (block !== this.#blocks[slot]) this.messages.freeIfOwned(block)
    if (isKept) {
      this.#blocks[slot] = 0
      this.messages.forget(slot)
    }
    this.table.release(slot)
    this.#vacate(slot)
  }

  #vacate(slot: number): void {
    this.messages.release(slot)
    this.#tasks[slot] = undefined
    if (this.supervisor.count > 0) this.supervisor.remove(slot)
    if (this.#blocks[slot] !== 0) {
      const { words } = this.table
      if ((words[this.table.slot(slot) + FLAGS] & KEPT) === 0) this.messages.free(this.#blocks[slot])
      this.#blocks[slot] = 0
    }
    this.#free.push(slot)
  }

  #refill(): void {
    while (this.#waiting.length > 0 && this.#free.length > 0 && this.table.hasPlace) {
      const waiting = this.#waiting.shift() as Waiting
      const { task, id, fn, kind, packed, control, retries } = waiting
      const slot = this.#free.pop() as number
      this.messages.unpack(slot, packed)
      if (control !== undefined) this.supervisor.add(slot, control, retries > 0 ? waiting : undefined)
      this.#place(slot, fn, kind, task, id, control)
    }
  }

  #settled(count: number): void {
    if (count === 0) return
    this.#pending -= count
    this.#told.pending = this.#pending
    this.#told.completed = this.#completed
    if (this.#pending > 0) return
    this.#family.loop.release()
    this.onIdle()
  }
}
