/** The queues of a server. */
import { checkInteger } from '../../checks.ts'
import { Empty, Full, TimeoutError, ValueError } from '../../errors.ts'
import { FifoQueue } from '../../pool/fifo-queue.ts'
import { WaitLine } from './wait-line.ts'

/** A queue at the server. */
export class QueueObject<T = unknown> {
  readonly #items = new FifoQueue<T>()
  readonly #maxsize: number
  readonly #getters = new WaitLine<T>()
  readonly #putters = new WaitLine<void, T>()

  /** @throws TypeError if `maxsize` is not a number, ValueError if it is not an integer */
  constructor(maxsize = 0) {
    this.#maxsize = Math.max(0, checkInteger('maxsize', maxsize))
  }

  /** Puts an item into the queue. @throws Full if the timeout expires first */
  put(item: T, timeout = Number.POSITIVE_INFINITY): void | Promise<void> {
    if (!this.full()) return this.add(item)
    if (timeout === 0) throw new Full()
    return this.#putters.wait(
      timeout,
      () => {
        throw new Full()
      },
      item
    )
  }

  /** Puts an item into the queue without waiting. @throws Full if the queue is full */
  putNowait(item: T): void {
    if (this.full()) throw new Full()
    this.add(item)
  }

  /** Takes the first item. @throws Empty if the timeout expires first */
  get(timeout = Number.POSITIVE_INFINITY): T | Promise<T> {
    if (this.#items.length > 0) return this.#take()
    if (timeout === 0) throw new Empty()
    return this.#getters.wait(
      timeout,
      () => {
        throw new Empty()
      },
      undefined
    )
  }

  /** Takes the first item without waiting. @throws Empty if the queue is empty */
  getNowait(): T | Promise<T> {
    return this.get(0)
  }

  /** Returns the number of items. */
  qsize(): number {
    return this.#items.length
  }

  /** Returns true if the queue has no item. */
  empty(): boolean {
    return this.#items.length === 0
  }

  /** Returns true if the queue has `maxsize` items. */
  full(): boolean {
    return this.#maxsize > 0 && this.#items.length >= this.#maxsize
  }

  protected add(item: T): void {
    const getter = this.#getters.first
    if (getter === undefined) this.#items.push(item)
    else getter.settle(() => item)
  }

  #take(): T {
    const item = this.#items.shift() as T
    const putter = this.#putters.first
    if (putter !== undefined) {
      this.add(putter.detail)
      putter.settle(() => undefined)
    }
    return item
  }
}

/** A queue at the server that counts unfinished items. */
export class JoinableQueueObject<T = unknown> extends QueueObject<T> {
  #unfinished = 0
  readonly #joiners = new WaitLine<void>()

  protected override add(item: T): void {
    this.#unfinished++
    super.add(item)
  }

  /** Reports that an item which was taken is done. @throws ValueError if it is called more often than items were put */
  taskDone(): void {
    if (this.#unfinished === 0) throw new ValueError('taskDone() was called more often than items were put')
    if (--this.#unfinished > 0) return
    for (const joiner of this.#joiners) joiner.settle(() => undefined)
  }

  /** Waits until all items are done. @throws TimeoutError if the timeout expires first */
  join(timeout = Number.POSITIVE_INFINITY): void | Promise<void> {
    if (this.#unfinished === 0) return
    return this.#joiners.wait(
      timeout,
      () => {
        throw new TimeoutError(`not all items were done within ${timeout} ms`)
      },
      undefined
    )
  }
}
