/** `map`: chunks go out as results come back, so that a long input is never encoded at once. */
import type { Task } from './dispatcher.ts'

export interface Chunk {
  readonly items: unknown[]
  readonly task: Task
}

export interface MapSettings {
  readonly chunksize: number
  /** What a worker has left of a chunk, because others had nothing to do, is shared out in so many parts. */
  readonly parts: number
  submit(chunk: Chunk): void
  /** Runs in a microtask. */
  progress(done: number): void
  succeed(results: unknown[]): void
  fail(error: unknown): void
}

interface Range {
  readonly start: number
  readonly end: number
}

export class MapRun {
  readonly #items: readonly unknown[]
  readonly #settings: MapSettings
  readonly #results: unknown[]
  /** What workers gave back. */
  readonly #left: Range[] = []
  #next = 0
  #done = 0
  #told = 0
  #underWay = 0
  #isOver = false
  readonly tasks = new Set<Task>()

  constructor(items: readonly unknown[], settings: MapSettings) {
    this.#items = items
    this.#settings = settings
    this.#results = new Array(items.length)
  }

  /** Submits up to `count` chunks; what it throws is the run's failure. */
  submit(count: number): void {
    for (; count > 0 && !this.#isOver; count--) {
      const range = this.#left.shift() ?? this.#nextRange()
      if (range === undefined) break
      this.#submit(range)
    }
    if (this.#underWay === 0 && this.#left.length === 0 && this.#next >= this.#items.length) {
      this.#end(() => this.#settings.succeed(this.#results))
    }
  }

  #nextRange(): Range | undefined {
    if (this.#next >= this.#items.length) return undefined
    const start = this.#next
    this.#next = Math.min(this.#items.length, start + this.#settings.chunksize)
    return { start, end: this.#next }
  }

  #submit({ start, end }: Range): void {
    const items = this.#items.slice(start, end)
    const task: Task = {
      succeed: value => {
        const results = value as unknown[]
        this.tasks.delete(task)
        this.#underWay--
        this.#done += results.length
        for (let i = 0; i < results.length; i++) this.#results[start + i] = results[i]
        const more = results.length < items.length ? this.#share(start + results.length, end) : 0
        queueMicrotask(() => this.#continue(1 + more))
      },
      fail: error => {
        this.tasks.delete(task)
        this.#underWay--
        // From now on it has failed; what follows from that may submit, and so has to wait.
        this.#end(() => queueMicrotask(() => this.#settings.fail(error)))
      }
    }
    this.#underWay++
    this.tasks.add(task)
    try {
      this.#settings.submit({ items, task })
    } catch (error) {
      task.fail(error)
    }
  }

  /** @returns how many parts it makes of what was given back */
  #share(start: number, end: number): number {
    const size = Math.ceil((end - start) / this.#settings.parts)
    const before = this.#left.length
    for (let at = start; at < end; at += size) this.#left.push({ start: at, end: Math.min(end, at + size) })
    return this.#left.length - before
  }

  /** Ends the run, from outside. */
  fail(error: unknown): void {
    this.#end(() => this.#settings.fail(error))
  }

  #continue(count: number): void {
    if (this.#isOver) return
    if (this.#done > this.#told) this.#settings.progress(this.#done)
    this.#told = this.#done
    this.submit(count)
  }

  #end(answer: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    answer()
  }
}
