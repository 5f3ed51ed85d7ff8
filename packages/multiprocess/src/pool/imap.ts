/** `imap` and `imapUnordered`: results as they come, with an input that never runs further ahead than `buffersize`. */
import { TimeoutError } from '../errors.ts'
import { inspectAs } from '../ground/inspect.ts'
import { queueMicrotask } from '../ground/os/time.ts'
import { startTimer } from '../ground/os/timer.ts'
import { timeoutOf, type WaitOptions } from '../ground/waitable.ts'
import { rejection } from './caller-stack.ts'
import type { Task } from './dispatcher.ts'
import { FifoQueue } from './fifo-queue.ts'
import type { Chunk } from './map-run.ts'
import type { SettledItem } from './options.ts'
import { inContext } from './shared/in-context.ts'

/**
 * The results of `imap` or `imapUnordered`, as they arrive. See Python's `multiprocessing.pool.IMapIterator`.
 * @example
 * import { Pool } from 'multiprocess'
 *
 * await using pool = new Pool(2)
 * for await (const square of pool.imap((n: number) => n * n, [1, 2])) console.log(square)
 * // 1
 * // 4
 */
export interface IMapIterator<R> extends AsyncIterableIterator<R> {
  /**
   * Resolves to the next result, or rejects with the error of its item.
   * @param options.timeout milliseconds to wait. Default: any time
   * @throws TimeoutError if no result arrived in time; the next call may get it
   */
  next(options?: WaitOptions): Promise<IteratorResult<R>>
  /** Ends the iteration: tasks that no worker has begun are dropped, and the input is closed. */
  return(): Promise<IteratorResult<R>>
}

interface ItemOutcome {
  readonly isError: boolean
  readonly value: unknown
  /** The item itself, and its number; left out for an error of the input. */
  readonly item?: unknown
  readonly index?: number
}

interface NextCall {
  readonly resolve: (result: IteratorResult<unknown>) => void
  readonly reject: (error: unknown) => void
}

export interface IMapSettings {
  readonly chunksize: number
  readonly buffersize: number
  readonly isOrdered: boolean
  /** What must live as long as the run. */
  readonly owner?: object
  /** Results are objects that say what became of their items, errors too. */
  readonly isSettled: boolean
  submit(chunk: Chunk): void
  /** Takes back those of the tasks that no worker has begun. */
  withdraw(tasks: ReadonlySet<Task>): void
  /** The same; those that are begun are told to stop. */
  cancel(tasks: ReadonlySet<Task>): void
  /** So many results have come; runs in a microtask. */
  progress(done: number): void
  /** A chunk has its results: for each item whether it failed, and its value or error. */
  answered?(results: readonly unknown[]): void
  /** Nothing more will be submitted. */
  end(): void
  /** Nothing more will come; may be called again. */
  over(): void
}

export class IMapRun<R> implements IMapIterator<R> {
  readonly #settings: IMapSettings
  readonly #input: Iterator<unknown> | AsyncIterator<unknown>
  /** Takes from the input in the async context of the call. */
  readonly #pumpInContext: () => void
  /** Ordered: by chunk, a hole for each that is still to come. Unordered: as they come. */
  readonly #chunks: (ItemOutcome[] | undefined)[] = []
  readonly #ready = new FifoQueue<ItemOutcome>()
  readonly #waiters: NextCall[] = []
  readonly #tasks = new Set<Task>()
  #firstChunk = 0
  #chunkCount = 0
  #taken = 0
  /** Items taken from the input whose results the consumer has not got. */
  #ahead = 0
  #done = 0
  #isPumping = false
  #isInputDone = false
  #isOver = false
  #isEnded = false
  #isUnbound = false
  #failure: { readonly error: unknown } | undefined
  /** The error that ended the input, until all results have come. */
  #inputFailure: ItemOutcome | undefined

  static {
    inspectAs<IMapRun<unknown>>(
      IMapRun,
      run => `${run.#done} of ${run.#taken}${run.#isInputDone ? '' : ' or more'}${run.#isOver ? ', stopped' : ''}`,
      () => 'IMapIterator'
    )
  }

  constructor(input: Iterator<unknown> | AsyncIterator<unknown>, settings: IMapSettings) {
    this.#input = input
    this.#pumpInContext = inContext(() => void this.#pump())
    this.#settings = settings
    this.#schedule()
  }

  next(options: WaitOptions = {}): Promise<IteratorResult<R>> {
    const { signal } = options
    return new Promise<IteratorResult<unknown>>((resolve, reject) => {
      const timeout = timeoutOf(options)
      if (signal?.aborted) return reject(signal.reason)
      const leave = () => {
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
        const at = this.#waiters.indexOf(waiter)
        if (at >= 0) this.#waiters.splice(at, 1)
      }
      const waiter: NextCall = {
        resolve: result => {
          leave()
          resolve(result)
        },
        reject: error => {
          leave()
          resolve(rejection(error))
        }
      }
      const onAbort = () => waiter.reject(signal?.reason)
      const onTimeout = () => waiter.reject(new TimeoutError(`no result within ${timeout} ms`))
      let stopTimer = () => {}
      this.#waiters.push(waiter)
      this.#serve()
      if (!this.#waiters.includes(waiter)) return
      if (timeout === 0) return onTimeout()
      stopTimer = startTimer(onTimeout, timeout)
      signal?.addEventListener('abort', onAbort)
    }) as Promise<IteratorResult<R>>
  }

  /** Leaving a loop early: what no worker has begun is not begun, and the input is closed. */
  async return(): Promise<IteratorResult<R>> {
    if (!this.#isOver) {
      this.#stop()
      if (!this.#isInputDone) {
        this.#isInputDone = true
        try {
          await this.#input.return?.()
        } finally {
          this.#end()
        }
      }
      this.#end()
    }
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The pool takes no more: what the input has left is run without waiting for the consumer, as Python does always. */
  unbound(): void {
    this.#isUnbound = true
    this.#schedule()
  }

  /** The pool is gone: whoever waits for a result, or asks for one that is not there, gets the error. */
  fail(error: unknown): void {
    if (this.#isOver) return
    // Said once, as an iterator does: what is asked for after that is at its end.
    if (this.#waiters.length === 0) this.#failure = { error }
    this.#isOver = true
    this.#settings.over()
    for (const waiter of [...this.#waiters]) waiter.reject(error)
    if (!this.#isInputDone) {
      this.#isInputDone = true
      // What the input says of its end is of no use to anybody any more.
      Promise.resolve(this.#input.return?.()).catch(() => {})
    }
    this.#end()
  }

  /** The signal has fired: the results end with its reason. */
  abort(reason: unknown): void {
    if (this.#isOver) return
    this.#settings.cancel(this.#tasks)
    this.#tasks.clear()
    this.#ready.clear()
    this.#chunks.length = 0
    this.fail(reason)
  }

  #stop(): void {
    this.#isOver = true
    this.#settings.over()
    this.#ready.clear()
    this.#chunks.length = 0
    this.#settings.withdraw(this.#tasks)
    this.#tasks.clear()
    for (const waiter of [...this.#waiters]) waiter.resolve({ done: true, value: undefined })
  }

  #schedule(): void {
    if (this.#isPumping || this.#isInputDone || this.#isOver) return
    if (!this.#hasRoom) return
    this.#isPumping = true
    queueMicrotask(this.#pumpInContext)
  }

  /** Whether a chunk may be taken. Unbound, only what the workers have yet to do counts, and not what the consumer has. */
  get #hasRoom(): boolean {
    const { chunksize, buffersize } = this.#settings
    return (this.#isUnbound ? this.#tasks.size * chunksize : this.#ahead) + chunksize <= buffersize
  }

  /** Takes from the input and submits, until the consumer is `buffersize` behind. */
  async #pump(): Promise<void> {
    const { chunksize } = this.#settings
    let items: unknown[] = []
    try {
      while (!this.#isInputDone && !this.#isOver && this.#hasRoom) {
        while (items.length < chunksize && !this.#isInputDone) {
          let step = this.#input.next()
          if (step instanceof Promise || typeof (step as { then?: unknown }).then === 'function') step = await step
          const { done, value } = step as IteratorResult<unknown>
          if (this.#isOver) return
          if (done === true) this.#isInputDone = true
          else {
            items.push(value)
            this.#ahead++
          }
        }
        if (items.length > 0) this.#submit(items)
        items = []
      }
    } catch (error) {
      if (items.length > 0) this.#submit(items)
      // As Python does: an input that fails ends the results with its error, after those of the items before it.
      this.#isInputDone = true
      this.#inputFailure = { isError: true, value: error }
      this.#ahead++
    } finally {
      this.#isPumping = false
    }
    this.#serve()
  }

  #submit(items: unknown[]): void {
    const number = this.#chunkCount++
    const start = this.#taken
    this.#taken += items.length
    const task: Task = {
      succeed: value => {
        this.#tasks.delete(task)
        const flat = value as unknown[]
        this.#settings.answered?.(flat)
        this.#put(
          number,
          items.map((item, i) => ({ isError: flat[2 * i] === true, value: flat[2 * i + 1], item, index: start + i }))
        )
        queueMicrotask(() => this.#arrived(items.length))
      },
      fail: error => {
        this.#tasks.delete(task)
        this.#put(
          number,
          items.map((item, i) => ({ isError: true, value: error, item, index: start + i }))
        )
        queueMicrotask(() => this.#arrived(items.length))
      }
    }
    this.#tasks.add(task)
    try {
      this.#settings.submit({ start, items, task })
    } catch (error) {
      task.fail(error)
    }
  }

  #arrived(count: number): void {
    this.#done += count
    try {
      if (!this.#isOver) this.#settings.progress(this.#done)
    } finally {
      this.#serve()
    }
  }

  #put(number: number, outcomes: ItemOutcome[]): void {
    if (this.#isOver) return
    if (!this.#settings.isOrdered) {
      this.#firstChunk++
      for (const outcome of outcomes) this.#ready.push(outcome)
      return
    }
    this.#chunks[number - this.#firstChunk] = outcomes
    while (this.#chunks[0] !== undefined) {
      for (const outcome of this.#chunks.shift() as ItemOutcome[]) this.#ready.push(outcome)
      this.#firstChunk++
    }
  }

  #serve(): void {
    if (this.#inputFailure !== undefined && this.#firstChunk === this.#chunkCount) {
      this.#ready.push(this.#inputFailure)
      this.#inputFailure = undefined
    }
    while (this.#waiters.length > 0 && this.#ready.length > 0) {
      const outcome = this.#ready.shift() as ItemOutcome
      this.#ahead--
      const { isError, value } = outcome
      if (this.#settings.isSettled && outcome.index !== undefined) {
        this.#waiters[0].resolve({ done: false, value: settledItem(outcome) })
      } else if (isError) this.#waiters[0].reject(value)
      else this.#waiters[0].resolve({ done: false, value })
    }
    this.#schedule()
    const isEmpty =
      this.#isInputDone && !this.#isPumping && this.#firstChunk === this.#chunkCount && this.#ready.length === 0
    if (this.#isInputDone && !this.#isPumping) this.#end()
    if (this.#failure !== undefined && this.#waiters.length > 0) {
      const { error } = this.#failure
      this.#failure = undefined
      this.#waiters[0].reject(error)
    }
    if (this.#isOver || isEmpty) {
      this.#settings.over()
      for (const waiter of [...this.#waiters]) waiter.resolve({ done: true, value: undefined })
    }
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#settings.end()
  }
}

function settledItem({ isError, value, item, index }: ItemOutcome): SettledItem<unknown, unknown> {
  return isError
    ? { status: 'rejected', reason: value, item, index: index as number }
    : { status: 'fulfilled', value, item, index: index as number }
}
