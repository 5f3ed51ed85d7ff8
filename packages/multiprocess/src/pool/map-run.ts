/** `map`: chunks go out as results come back, so that a long input is never encoded at once. */
import type { Task } from './dispatcher.ts'

export interface Chunk {
  readonly items: unknown[]
  readonly task: Task
}

export class MapRun {
  readonly #items: readonly unknown[]
  readonly #chunksize: number
  readonly #results: unknown[]
  readonly #submit: (chunk: Chunk) => void
  readonly #succeed: (results: unknown[]) => void
  readonly #fail: (error: unknown) => void
  #next = 0
  #underWay = 0
  #isOver = false
  readonly tasks = new Set<Task>()

  constructor(
    items: readonly unknown[],
    chunksize: number,
    submit: (chunk: Chunk) => void,
    succeed: (results: unknown[]) => void,
    fail: (error: unknown) => void
  ) {
    this.#items = items
    this.#chunksize = chunksize
    this.#results = new Array(items.length)
    this.#submit = submit
    this.#succeed = succeed
    this.#fail = fail
  }

  /** Submits up to `count` chunks; what it throws is the run's failure. */
  submit(count: number): void {
    while (count-- > 0 && this.#next < this.#items.length && !this.#isOver) {
      const start = this.#next
      const items = this.#items.slice(start, start + this.#chunksize)
      this.#next += items.length
      const task: Task = {
        succeed: results => {
          this.tasks.delete(task)
          this.#underWay--
          for (let i = 0; i < items.length; i++) this.#results[start + i] = (results as unknown[])[i]
          queueMicrotask(() => this.#continue())
        },
        fail: error => {
          this.tasks.delete(task)
          this.#underWay--
          // From now on it has failed; what follows from that may submit, and so has to wait.
          this.#end(() => queueMicrotask(() => this.#fail(error)))
        }
      }
      this.#underWay++
      this.tasks.add(task)
      try {
        this.#submit({ items, task })
      } catch (error) {
        task.fail(error)
        return
      }
    }
    if (this.#underWay === 0 && this.#next >= this.#items.length) this.#end(() => this.#succeed(this.#results))
  }

  /** Ends the run, from outside. */
  fail(error: unknown): void {
    this.#end(() => this.#fail(error))
  }

  #continue(): void {
    if (!this.#isOver) this.submit(1)
  }

  #end(answer: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    answer()
  }
}
