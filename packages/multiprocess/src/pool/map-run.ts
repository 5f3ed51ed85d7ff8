/** `map`: chunks go out as results come back, so that a long input is never encoded at once. */
import { monotonicMs, queueMicrotask } from '../ground/os/time.ts'
import type { Task } from './dispatcher.ts'
import type { FunctionEntry } from './functions.ts'
import { Pieces } from './pieces.ts'
import type { Control } from './shared/control.ts'
import type { Progress } from './telling/progress.ts'
import type { CallTrace } from './telling/tracing.ts'

/** What is to be done with the items of a `map`. */
export interface MapPlan {
  readonly kind: number
  readonly entry: FunctionEntry
  readonly chunksize: number | undefined
  readonly control: Control | undefined
  readonly progress: Progress | undefined
  readonly trace: CallTrace | undefined
}

export interface Chunk {
  /** The number of its first item among all. */
  readonly start: number
  readonly items: unknown[]
  readonly task: Task
}

/** The first chunks of a long input show how many of its items make a message of this many bytes, */
const CHUNK_BYTES = 2 ** 20
/** and take this many milliseconds: that much is done again if a worker dies. */
const CHUNK_MS = 10
const FIRST_CHUNK = 1024
const MOST_ITEMS = 65_536

export interface MapSettings {
  readonly chunksize: number
  /** Chunks may be shorter: none has much more than CHUNK_BYTES, or takes much longer than CHUNK_MS. */
  readonly isAdaptive: boolean
  /** So many work; what one has left of a chunk, because others had nothing to do, is shared out in as many parts. */
  readonly workers: number
  /** @returns the bytes of its message */
  submit(chunk: Chunk): number
  /** Runs in a microtask of its own. */
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
  readonly #pieces = new Pieces()
  #chunksize: number
  /** When the first results came, and how many there were. */
  #firstAt = 0
  #firstDone = 0
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
    this.#chunksize = settings.isAdaptive ? Math.min(settings.chunksize, FIRST_CHUNK) : settings.chunksize
  }

  /** Submits up to `count` chunks; what it throws is the run's failure. */
  submit(count: number): void {
    for (; count > 0 && !this.#isOver; count--) {
      const range = this.#left.shift() ?? this.#nextRange()
      if (range === undefined) break
      this.#submit(range)
    }
    if (this.#underWay === 0 && this.#left.length === 0 && this.#next >= this.#items.length) {
      this.#end(() => this.#settings.succeed(this.#pieces.join()))
    }
  }

  #nextRange(): Range | undefined {
    if (this.#next >= this.#items.length) return undefined
    const start = this.#next
    this.#next = Math.min(this.#items.length, start + this.#chunksize)
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
        if (this.#firstDone === 0) {
          this.#firstDone = this.#done
          this.#firstAt = monotonicMs()
        }
        this.#pieces.add(start, results)
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
      const bytes = this.#settings.submit({ start, items, task })
      if (this.#settings.isAdaptive) this.#adapt(bytes / items.length)
    } catch (error) {
      task.fail(error)
    }
  }

  #adapt(bytesAnItem: number): void {
    const ms = monotonicMs() - this.#firstAt
    const fast = ms > 0 ? ((this.#done - this.#firstDone) / ms) * (CHUNK_MS / this.#settings.workers) : 0
    const fitting = Math.min(MOST_ITEMS, fast, CHUNK_BYTES / bytesAnItem)
    this.#chunksize = Math.min(this.#settings.chunksize, Math.max(FIRST_CHUNK, Math.floor(fitting)))
  }

  /** @returns how many parts it makes of what was given back */
  #share(start: number, end: number): number {
    const size = Math.ceil((end - start) / this.#settings.workers)
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
    if (this.#done > this.#told) {
      const done = this.#done
      this.#told = done
      // In a turn of its own: what it throws keeps nothing from going on.
      queueMicrotask(() => this.#settings.progress(done))
    }
    this.submit(count)
  }

  #end(answer: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    answer()
  }
}
