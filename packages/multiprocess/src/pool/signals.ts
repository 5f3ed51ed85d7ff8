/** Tasks by the signal that stops them: one listener for each signal, however many tasks share it. */
import type { Task } from './dispatcher.ts'

interface Group {
  readonly tasks: Set<Task>
  readonly listener: () => void
}

export class Signals {
  readonly #groups = new Map<AbortSignal, Group>()
  readonly #onAbort: (tasks: ReadonlySet<Task>, reason: unknown) => void

  /** @param onAbort gets the tasks that are not settled when a signal fires */
  constructor(onAbort: (tasks: ReadonlySet<Task>, reason: unknown) => void) {
    this.#onAbort = onAbort
  }

  /** Returns a task that represents the given one, and that leaves the signal once it is settled. */
  guard(signal: AbortSignal, task: Task): Task {
    let group = this.#groups.get(signal)
    if (group === undefined) {
      const tasks = new Set<Task>()
      const listener = () => {
        this.#groups.delete(signal)
        this.#onAbort(tasks, signal.reason)
      }
      group = { tasks, listener }
      signal.addEventListener('abort', listener, { once: true })
      this.#groups.set(signal, group)
    }
    const { tasks } = group
    const guarded: Task = {
      succeed: value => {
        this.#leave(signal, tasks, guarded)
        task.succeed(value)
      },
      fail: error => {
        this.#leave(signal, tasks, guarded)
        task.fail(error)
      }
    }
    tasks.add(guarded)
    return guarded
  }

  /** The task was not submitted after all. */
  forget(signal: AbortSignal, task: Task): void {
    const group = this.#groups.get(signal)
    if (group !== undefined) this.#leave(signal, group.tasks, task)
  }

  #leave(signal: AbortSignal, tasks: Set<Task>, task: Task): void {
    tasks.delete(task)
    const group = this.#groups.get(signal)
    if (tasks.size > 0 || group?.tasks !== tasks) return
    signal.removeEventListener('abort', group.listener)
    this.#groups.delete(signal)
  }
}
