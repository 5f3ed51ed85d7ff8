/**
 * What a pool tells of its tasks, to those who listen: on the channels of `node:diagnostics_channel`, and to a trace. Where
 * nobody listens nothing is kept, and workers look at no clock.
 *
 * Workers write the times to the slot; an announced begin also rings the pool, so that it is told when it happens.
 */
import type { Channel } from 'node:diagnostics_channel'
import { Pending } from '../../codec/receive.ts'
import { queueMicrotask } from '../../ground/os/time.ts'
import { ANNOUNCED, OBSERVED, type TaskTable } from '../shared/task-table.ts'
import { nextPoolNumber, stage } from './audience.ts'
import { Insights } from './insights.ts' // lazy
import { Timings } from './timings.ts'
import { Traces, tracing, type Whereabouts } from './tracing.ts'
import { Watch } from './watch.ts'

/** How a task ended. `stopped`: it was aborted, timed out or dropped, or its worker died. */
export type TaskOutcome = 'success' | 'error' | 'stopped'

/** The payload of `multiprocess:pool:task:submit`. */
export interface TaskSubmitMessage {
  /** The pool. */
  readonly pool: object
  /** The number of the task in its pool. */
  readonly id: number
  /** The function's name. */
  readonly name: string
}

/** The payload of `multiprocess:pool:task:start`. */
export interface TaskStartMessage extends TaskSubmitMessage {
  /** Of the worker. */
  readonly pid: number
  /** When it began, in milliseconds of the monotonic clock (`process.hrtime`). */
  readonly start: number
}

/** The payload of `multiprocess:pool:task:end`. */
export interface TaskEndMessage extends TaskSubmitMessage {
  /** How the task ended. */
  readonly outcome: TaskOutcome
  /** The pid of the worker; 0 if no worker began the task. */
  readonly pid: number
  /** When the task began, in milliseconds of the monotonic clock; undefined if no worker began it. */
  readonly start: number | undefined
  /** When the task ended, in milliseconds of the monotonic clock; undefined if it was stopped. */
  readonly end: number | undefined
}

/** The payloads of `multiprocess:pool:worker:start` and, with `exitcode`, `multiprocess:pool:worker:end`. */
export interface WorkerMessage {
  /** The pool. */
  readonly pool: object
  /** The pid of the worker; of a thread, its `threadId`. */
  readonly pid: number
  /** The exit status, or -N for signal N. */
  readonly exitcode?: number
}

interface Observed {
  readonly id: number
  readonly name: string
  isStarted: boolean
}

const { channel } = process.getBuiltinModule('node:diagnostics_channel')
const onSubmit = channel('multiprocess:pool:task:submit')
const onStart = channel('multiprocess:pool:task:start')
const onEnd = channel('multiprocess:pool:task:end')
const onWorkerStart = channel('multiprocess:pool:worker:start')
const onWorkerEnd = channel('multiprocess:pool:worker:end')

/** Stands for a pool that nothing refers to any more. */
const DROPPED = Object.freeze({})

export class TaskEvents {
  /** The events do not keep a pool that the program has dropped. */
  readonly #pool: WeakRef<object>
  readonly #table: TaskTable
  readonly #watch: Watch
  readonly #observed = new Map<number, Observed>()
  /** The tasks that the audience hears of, by id. */
  readonly #heard = new Set<number>()
  #unstarted = 0
  #trace: ((task: TaskEndMessage) => void) | undefined
  #restarts = 0
  /** Tasks of which somebody in this process always wants to hear. */
  #isMeasured = false
  readonly traces = new Traces(id => this.#whereIs(id))
  /** Of the functions, by slot. */
  readonly names: string[] = []
  /** Of the pool, among those of this process. */
  readonly number = nextPoolNumber()
  /** Tasks observed in slots: a field, since it is asked for with every task. */
  count = 0
  /** The worker's pid, by its place. */
  pidOf: (worker: number) => number = () => 0
  /** How long tasks wait and run, if anybody asked. */
  timings: Timings | undefined
  /** Where the time went, if anybody asked. */
  insights: Insights | undefined

  constructor(pool: object, table: TaskTable) {
    this.#pool = new WeakRef(pool)
    this.#table = table
    this.#watch = new Watch(table.forOthers)
  }

  /** Gets each task that a worker has ended. */
  set trace(trace: (task: TaskEndMessage) => void) {
    this.#trace = trace
    this.#isMeasured = true
  }

  /** Measures each task and worker from now on. */
  measure(): void {
    this.#isMeasured = true
    this.timings = new Timings()
    this.insights = new Insights(this.#table)
  }

  get #sender(): object {
    return this.#pool.deref() ?? DROPPED
  }

  /** Whether anybody wants to hear of a task that is published now. */
  isWanted(id: number): boolean {
    return (
      (this.#heard.size > 0 && this.#heard.has(id)) ||
      this.#isMeasured ||
      this.traces.count > 0 ||
      onEnd.hasSubscribers ||
      onStart.hasSubscribers ||
      this.#watch.isOn
    )
  }

  get hasUnstarted(): boolean {
    return this.#unstarted > 0
  }

  submitted(id: number, name: string, sent: unknown): void {
    const message = this.traces.count > 0 ? this.traces.submitted(id, sent) : sent
    this.timings?.submitted(id)
    this.insights?.submitted(id, name, message)
    if (this.#watch.isOn) this.#watch.submitted(id)
    if (stage.audience?.wants()) {
      this.#heard.add(id)
      stage.audience.submitted({ pool: this.number, id, name }, message)
    }
    if (onSubmit.hasSubscribers) this.#publish(onSubmit, { pool: this.#sender, id, name })
  }

  /** A task is about to be published in the slot. @returns the flags that it is given */
  placed(slot: number, id: number, name: string): number {
    this.#table.setStart(slot, 0)
    this.#table.setEnd(slot, 0)
    this.#observed.set(slot, { id, name, isStarted: false })
    this.count = this.#observed.size
    this.#unstarted++
    return onStart.hasSubscribers ? OBSERVED | ANNOUNCED : OBSERVED
  }

  /** Tells of those that workers have begun. */
  look(): void {
    for (const [slot, task] of this.#observed) {
      const worker = task.isStarted ? -1 : this.#table.takenBy(slot)
      if (worker >= 0 && this.#table.start(slot) > 0) this.#started(slot, task, this.pidOf(worker))
    }
  }

  #started(slot: number, task: Observed, pid: number): void {
    task.isStarted = true
    this.#unstarted--
    const { id, name } = task
    const start = this.#table.start(slot)
    if (this.#heard.has(id)) stage.audience?.started({ pool: this.number, id, name }, pid, start)
    if (onStart.hasSubscribers) this.#publish(onStart, { pool: this.#sender, id, name, pid, start })
  }

  /** The task has left the slot. @param worker who had it, or -1 */
  left(slot: number, worker: number, outcome: TaskOutcome): void {
    const task = this.#observed.get(slot)
    if (task === undefined) return
    const start = worker < 0 ? 0 : this.#table.start(slot)
    const pid = worker < 0 ? 0 : this.pidOf(worker)
    if (start > 0 && !task.isStarted) this.#started(slot, task, pid)
    if (!task.isStarted) this.#unstarted--
    this.#observed.delete(slot)
    this.count = this.#observed.size
    const { id, name } = task
    this.#ended(id, name, pid, outcome, start || undefined, this.#table.end(slot) || undefined)
  }

  /** Its worker has died, and it waits for another one. */
  retried(id: number): void {
    this.traces.retried(id)
  }

  #whereIs(id: number): Whereabouts | undefined {
    for (const [slot, task] of this.#observed) {
      if (task.id !== id) continue
      const worker = this.#table.takenBy(slot)
      const start = this.#table.start(slot)
      return worker >= 0 && start > 0 ? { pid: this.pidOf(worker), start } : undefined
    }
  }

  /** A task that was in no slot is dropped. */
  dropped(id: number, name: string): void {
    this.#ended(id, name, 0, 'stopped', undefined, undefined)
  }

  #ended(
    id: number,
    name: string,
    pid: number,
    outcome: TaskOutcome,
    start: number | undefined,
    end: number | undefined
  ): void {
    this.timings?.ended(id, start, end)
    this.insights?.ended(id, start, end)
    if (this.#watch.isOn) this.#watch.ended(id, start, end)
    if (this.traces.count > 0) this.traces.left(id, outcome, pid, start, end)
    if (this.#heard.delete(id)) stage.audience?.ended({ pool: this.number, id, name }, pid, outcome, start, end)
    if (this.#trace === undefined && !onEnd.hasSubscribers) return
    const message: TaskEndMessage = { pool: this.#sender, id, name, outcome, pid, start, end }
    if (start !== undefined) this.#trace?.(message)
    if (onEnd.hasSubscribers) this.#publish(onEnd, message)
  }

  /** Tells the audience that the task in a slot, or the last one there, has failed. @param worker the place of its worker, or -1 */
  failed(slot: number, worker: number, error: unknown): void {
    const { audience } = stage
    if (audience === undefined) return
    const task = { pool: this.number, id: this.#table.id(slot), name: this.names[slot] ?? '' }
    const pid = worker < 0 ? 0 : this.pidOf(worker)
    const tell = (reason: unknown) => audience.failed(task, pid, reason)
    // Decoding an error may have to wait for imports.
    if (error instanceof Pending) error.promise.then(tell, tell)
    else tell(error)
  }

  /** @param at when the pool began to start it, of the monotonic clock */
  workerStarted(pid: number, place: number, at: number): void {
    stage.audience?.workerStarted(this.number, pid)
    this.insights?.workerStarted(place, pid, at)
    const { restarts } = this.#table.forOthers
    if (restarts > this.#restarts) tracing.restarted?.(restarts - this.#restarts)
    this.#restarts = restarts
    if (onWorkerStart.hasSubscribers) this.#publish(onWorkerStart, { pool: this.#sender, pid })
  }

  workerEnded(pid: number, exitcode: number): void {
    stage.audience?.workerEnded(this.number, pid, exitcode)
    if (onWorkerEnd.hasSubscribers) this.#publish(onWorkerEnd, { pool: this.#sender, pid, exitcode })
  }

  /** In a microtask: subscribers may do as they like, also with the pool. */
  #publish(channel: Channel, message: object): void {
    queueMicrotask(() => channel.publish(message))
  }
}
