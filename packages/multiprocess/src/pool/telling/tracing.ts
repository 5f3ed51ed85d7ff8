/**
 * Tasks that are traced: they carry their caller's context to the worker, and their trace is told what becomes of them. Nothing is traced
 * until `multiprocess/otel` sets `tracing.begin`.
 */
import { queueMicrotask } from '../../ground/os/time.ts'
import type { Dispatcher, Task } from '../dispatcher.ts'
import type { FunctionEntry } from '../functions.ts'
import type { Control } from '../shared/control.ts'
import { CALL, itemCount, kindOf, TRACED } from '../shared/task-kinds.ts'
import type { TaskOutcome } from './task-events.ts'

export interface TracedTask {
  /** The function's name. */
  readonly name: string
  /** One of task-kinds.ts, without flags. */
  readonly kind: number
  /** Items of its chunk; 1 where it has none. */
  readonly items: number
  readonly signal: AbortSignal | undefined
}

/** What a task's trace is told, in this order; `succeeded` or `failed` may come before `ran`. */
export interface TaskTrace {
  /** Crosses with the task. */
  readonly carrier: object
  submitted(id: number): void
  /** A worker has begun it. @param start on the clock of monotonicMs() */
  began(pid: number, start: number): void
  /** The worker has left it. @param end undefined: it was stopped, or the worker has died */
  ran(end: number | undefined): void
  /** Its worker has died, and it will be given to another one. */
  retried(): void
  succeeded(value: unknown): void
  failed(error: unknown): void
  /** Nobody waits for its result any more, and no worker has it. */
  stopped(): void
}

/** One call of a pool's method, in the context of its caller. */
export interface CallTrace {
  begin(task: TracedTask): TaskTrace
}

/** What is traced: undefined until somebody wants it. */
export const tracing: {
  begin: (() => CallTrace) | undefined
  /** Workers were started in places of others. */
  restarted: ((count: number) => void) | undefined
} = { begin: undefined, restarted: undefined }

/** Submits a task, traced if there is a `call`. @throws as Dispatcher.submit */
export function submitTo(
  dispatcher: Dispatcher,
  call: CallTrace | undefined,
  fn: FunctionEntry,
  kind: number,
  message: unknown,
  path: string,
  task: Task,
  control: Control | undefined
): void {
  if (call === undefined) dispatcher.submit(fn, kind, message, path, task, control)
  else dispatcher.events.traces.submit(dispatcher, call, { fn, kind, message, path, task, control })
}

interface Submission {
  readonly fn: FunctionEntry
  readonly kind: number
  readonly message: unknown
  readonly path: string
  readonly task: Task
  readonly control: Control | undefined
}

interface Traced {
  readonly trace: TaskTrace
  /** Without the carrier. */
  readonly message: unknown
  id: number
  hasBegun: boolean
  isAgain: boolean
}

/** Where a task runs just now. */
export interface Whereabouts {
  readonly pid: number
  readonly start: number
}

/** The traced tasks of a pool. */
export class Traces {
  readonly #find: (id: number) => Whereabouts | undefined
  /** By the message that is sent, until they have a number. */
  readonly #sent = new Map<unknown, Traced>()
  readonly #tasks = new Map<number, Traced>()
  /** Those that are under way: a field, since it is asked for with every task. */
  count = 0

  /** @param find finds the worker that has a task */
  constructor(find: (id: number) => Whereabouts | undefined) {
    this.#find = find
  }

  submit(dispatcher: Dispatcher, call: CallTrace, { fn, kind, message, path, task, control }: Submission): void {
    const plain = kindOf(kind)
    const items = itemCount(plain, message)
    const trace = call.begin({ name: fn.name, kind: plain, items, signal: control?.signal })
    const traced: Traced = { trace, message, id: 0, hasBegun: false, isAgain: false }
    const sent = withCarrier(plain, message, trace.carrier)
    this.#follow(task, traced)
    this.#sent.set(sent, traced)
    this.#recount()
    try {
      dispatcher.submit(fn, kind | TRACED, sent, path, task, control)
    } catch (error) {
      this.#sent.delete(sent)
      this.#recount()
      trace.failed(error)
      throw error
    }
  }

  /** The message has become task `id`. @returns the message without what it carries */
  submitted(id: number, sent: unknown): unknown {
    const traced = this.#sent.get(sent)
    if (traced === undefined) return sent
    this.#sent.delete(sent)
    this.#tasks.set(id, traced)
    traced.id = id
    traced.trace.submitted(id)
    return traced.message
  }

  /** The worker that had it, if any, has left it. */
  left(id: number, outcome: TaskOutcome, pid: number, start: number | undefined, end: number | undefined): void {
    const traced = this.#tasks.get(id)
    if (traced === undefined) return
    if (start !== undefined) {
      this.#begin(traced, { pid, start })
      traced.trace.ran(end)
    }
    if (outcome !== 'stopped') {
      this.#forget(id)
      return
    }
    // What it fails with, or that it is tried again, is told right after this.
    queueMicrotask(() => {
      if (traced.isAgain) {
        traced.isAgain = false
        return
      }
      this.#forget(id)
      traced.trace.stopped()
    })
  }

  retried(id: number): void {
    const traced = this.#tasks.get(id)
    if (traced === undefined) return
    traced.isAgain = true
    traced.hasBegun = false
    traced.trace.retried()
  }

  /** The task itself is changed: it is known by its identity. */
  #follow(task: Task, traced: Traced): void {
    const { succeed, fail } = task
    task.succeed = value => {
      traced.trace.succeeded(value)
      succeed.call(task, value)
    }
    task.fail = error => {
      const place = traced.hasBegun ? undefined : this.#find(traced.id)
      if (place !== undefined) this.#begin(traced, place)
      traced.trace.failed(error)
      fail.call(task, error)
    }
  }

  #begin(traced: Traced, { pid, start }: Whereabouts): void {
    if (traced.hasBegun) return
    traced.hasBegun = true
    traced.trace.began(pid, start)
  }

  #forget(id: number): void {
    this.#tasks.delete(id)
    this.#recount()
  }

  #recount(): void {
    this.count = this.#sent.size + this.#tasks.size
  }
}

/** The carrier goes last: paths in errors stay those of the message. */
function withCarrier(kind: number, message: unknown, carrier: object): unknown {
  return kind === CALL ? { ...(message as object), carrier } : [...(message as unknown[]), carrier]
}
