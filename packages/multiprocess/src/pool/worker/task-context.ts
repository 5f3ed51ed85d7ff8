/**
 * In a worker: which task the running code belongs to, and the signals that tell tasks to stop.
 *
 * A task's synchronous part is told by what the worker runs right now, which costs nothing. What comes after an `await` is
 * told by AsyncLocalStorage, which before Node 24 makes every promise dearer: it is used for tasks that may be stopped, and
 * for all from the moment that somebody asks.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import { queueMicrotask } from '../../ground/os/time.ts'
import type { EventLoop, Source } from '../../ground/waiting/event-loop.ts'
import { CANCEL, CANCEL_TIMED_OUT, CONTROLLED, FLAGS, type TaskTable } from '../shared/task-table.ts'
import { answerQuestions, areQuestionsExpected, type CurrentTask } from './task-questions.ts'

export class TaskContexts implements Source {
  readonly #table: TaskTable
  readonly #loop: EventLoop
  readonly #concurrency: number
  /** Those that somebody asked for, or that may be stopped, by slot. */
  readonly #tasks = new Map<number, RunningTask>()
  readonly #listening = new Set<RunningTask>()
  #storage: AsyncLocalStorage<RunningTask> | undefined
  #isAsked = false
  #isSource = false
  /** Tasks known here: a field, since it is asked for with every task. */
  count = 0
  /** The slot of the task whose synchronous part runs now, or -1. */
  slot = -1
  /** The slot of the asynchronous task that is under way, or -1; where only one can be. */
  awaited = -1

  constructor(table: TaskTable, loop: EventLoop, concurrency: number) {
    this.#table = table
    this.#loop = loop
    this.#concurrency = concurrency
    answerQuestions(() => this.current())
  }

  /** Whether the task has to be run by `run`. */
  isNeeded(slot: number): boolean {
    const isControlled = (this.#table.words[this.#table.slot(slot) + FLAGS] & CONTROLLED) !== 0
    return isControlled || this.#isAsked || (this.#concurrency > 1 && areQuestionsExpected())
  }

  run<R>(slot: number, call: () => R): R {
    this.#storage ??= new (process.getBuiltinModule('node:async_hooks').AsyncLocalStorage)<RunningTask>()
    return this.#storage.run(this.#task(slot), call)
  }

  /** The task has ended. */
  leave(slot: number): void {
    const task = this.#tasks.get(slot)
    if (task === undefined) return
    this.#tasks.delete(slot)
    this.count = this.#tasks.size
    if (this.#listening.delete(task)) this.#loop.release()
  }

  current(): RunningTask | undefined {
    const known = this.#storage?.getStore()
    if (known !== undefined) return known
    this.#isAsked = true
    if (this.slot >= 0) {
      const task = this.#task(this.slot)
      this.#storage ??= new (process.getBuiltinModule('node:async_hooks').AsyncLocalStorage)<RunningTask>()
      this.#storage.enterWith(task)
      return task
    }
    // The first question of all, after an await: where tasks come one after the other it is the one that is awaited.
    return this.awaited >= 0 ? this.#task(this.awaited) : undefined
  }

  /** Somebody listens to the task's signal: this process looks for word of it, and lives until the task has ended. */
  listen(task: RunningTask): void {
    if ((this.#table.words[this.#table.slot(task.slot) + FLAGS] & CONTROLLED) === 0) return
    if (this.#listening.has(task) || this.#tasks.get(task.slot) !== task) return
    if (!this.#isSource) this.#loop.add(this)
    this.#isSource = true
    this.#listening.add(task)
    this.#loop.hold()
  }

  /** The error that the task is stopped with, if it is. */
  reasonOf(task: RunningTask): DOMException | undefined {
    if (this.#tasks.get(task.slot) !== task) return undefined
    const word = Atomics.load(this.#table.words, this.#table.slot(task.slot) + CANCEL)
    if (word === 0) return undefined
    return word === CANCEL_TIMED_OUT
      ? new DOMException('The task ran longer than its timeout', 'TimeoutError')
      : new DOMException('This operation was aborted', 'AbortError')
  }

  poll(): boolean {
    let isAny = false
    for (const task of this.#listening) {
      if (task.isStopped || this.reasonOf(task) === undefined) continue
      task.isStopped = true
      isAny = true
      // A source runs no user code.
      queueMicrotask(() => task.look())
    }
    return isAny
  }

  #task(slot: number): RunningTask {
    let task = this.#tasks.get(slot)
    if (task === undefined) {
      task = new RunningTask(this, slot, this.#table.id(slot))
      this.#tasks.set(slot, task)
      this.count = this.#tasks.size
    }
    return task
  }
}

class RunningTask implements CurrentTask {
  readonly #contexts: TaskContexts
  readonly slot: number
  readonly id: number
  readonly #controller = new AbortController()
  /** It will be aborted in a moment. */
  isStopped = false

  constructor(contexts: TaskContexts, slot: number, id: number) {
    this.#contexts = contexts
    this.slot = slot
    this.id = id
  }

  /** A task that asks in a busy loop, where no event can arrive, still sees the signal fire. */
  get signal(): AbortSignal {
    this.#contexts.listen(this)
    this.look()
    return this.#controller.signal
  }

  look(): void {
    const reason = this.#contexts.reasonOf(this)
    if (reason === undefined || this.#controller.signal.aborted) return
    this.isStopped = true
    this.#controller.abort(reason)
  }
}
