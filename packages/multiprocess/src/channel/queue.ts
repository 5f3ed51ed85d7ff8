/** Queues that any process may put into and take from: Python's `multiprocessing.Queue` and `JoinableQueue`. */
import { checkInteger } from '../checks.ts'
import { Pending } from '../codec/receive.ts'
import { Empty, Full, TimeoutError, ValueError } from '../errors.ts'
import type { BlockKind } from '../ground/arena/block-kinds.ts'
import { inspectAs } from '../ground/inspect.ts'
import { type Waitable, type WaitOptions, waitable } from '../ground/waitable.ts'
import { handleOf, isNew, SharedObject } from '../memory/shared-object.ts'
import { waitOptions } from '../sync/waiting.ts'
import { NONE, type Received, received, receiveLetter, receiveReadable, Sender } from './message.ts' // lazy
import { Ring } from './ring.ts' // lazy
import { RING_BYTES } from './ring-size.ts'

const LARGEST = 0x7fffffff

let lineOf: (queue: Queue) => string

/**
 * A queue: items are taken in the order in which they were put, each of them once. See Python's `multiprocessing.Queue`. An item
 * is in the queue once `put` has returned, or its promise has resolved, even if the process that put the item dies. If a process
 * dies, the items that it had taken are lost with it.
 * @example
 * import { Process, Queue } from 'multiprocess'
 *
 * const queue = new Queue<string>()
 * const child = new Process({ target: () => queue.put('done') })
 * child.start()
 * console.log(await queue.get({ timeout: 10_000 })) // done
 */
export class Queue<T = unknown> extends SharedObject implements Waitable, AsyncIterable<T> {
  protected static override readonly size: number = RING_BYTES
  protected static override readonly kind: BlockKind = 'Queue'
  protected readonly ring: Ring
  readonly #sender: Sender
  readonly #maxsize: number
  #isClosed = false

  static {
    lineOf = queue => itemsText(queue.ring, queue.#maxsize, queue.#isClosed)
    inspectAs<Queue>(Queue, lineOf)
  }

  /**
   * @param maxsize the maximum number of items. Default: 0; with 0 or less, only memory limits the queue
   * @throws TypeError if `maxsize` is not a number; ValueError if it is not an integer
   */
  constructor(maxsize = 0) {
    checkInteger('maxsize', maxsize, -LARGEST, LARGEST)
    const isFirst = isNew()
    super()
    this.#maxsize = Math.max(0, maxsize)
    this.ring = new Ring(handleOf(this), isFirst ? { messages: this.#maxsize, bytes: 0 } : undefined)
    this.#sender = new Sender(this.ring)
  }

  /** The maximum number of items; 0 if only memory limits the queue. */
  get maxsize(): number {
    return this.#maxsize
  }

  /**
   * Puts an item into the queue. The item is read before the call returns. Waits in the event loop while the queue is full; items
   * of one process enter in the order of the calls.
   * @param options.timeout milliseconds. Default: Infinity
   * @throws Full if the timeout expires first; the signal's reason if the signal is aborted: in both cases the item is not put
   * @throws SerializationError if the item cannot cross; ValueError after `close()`
   */
  async put(item: T, options?: WaitOptions): Promise<void> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    this.#checkOpen()
    const letter = this.#sender.post(item, 'item', true)
    if (letter !== undefined && !(await this.#sender.send(letter, timeout, signal))) throw new Full()
  }

  /** Does the same as `put`, and blocks the thread while the queue is full. */
  putSync(item: T, options?: { timeout?: number }): void {
    const { timeout } = waitOptions(options)
    this.#checkOpen()
    const letter = this.#sender.post(item, 'item', false)
    if (letter !== undefined && !this.#sender.sendSync(letter, timeout)) throw new Full()
  }

  /** Does the same as `put` without waiting. @throws Full if the queue is full */
  putNowait(item: T): void {
    this.#checkOpen()
    const letter = this.#sender.post(item, 'item', true)
    if (letter === undefined) return
    this.#sender.discard(letter)
    throw new Full()
  }

  /**
   * Takes the first item, and waits in the event loop while there is none.
   * @param options.timeout milliseconds. Default: Infinity
   * @throws Empty if the timeout expires first; the signal's reason if the signal is aborted: in both cases nothing is taken
   */
  async get(options?: WaitOptions): Promise<T> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    const { ring } = this
    let value = receiveLetter(ring)
    if (value === NONE) {
      value = valueOf(await ring.sent.wait(() => received(receiveLetter(ring)), timeout, signal, undefined, true))
    }
    return (value instanceof Pending ? await value.promise : value) as T
  }

  /**
   * Does the same as `get`, and blocks the thread.
   * @throws MultiprocessError `ERR_IMPORT` if the item needs modules that cannot be imported at once, because they await at their
   * top level: the item then stays in the queue
   */
  getSync(options?: { timeout?: number }): T {
    const { timeout } = waitOptions(options)
    const { ring } = this
    const value = receiveReadable(ring)
    if (value !== NONE) return value as T
    return valueOf(ring.sent.waitSync(() => received(receiveReadable(ring)), timeout)) as T
  }

  /** Does the same as `getSync` without waiting. @throws Empty if the queue is empty */
  getNowait(): T {
    return valueOf(received(receiveReadable(this.ring))) as T
  }

  /** Returns the number of items in the queue, which is exact at the moment of the call. */
  qsize(): number {
    return this.ring.size
  }

  /** Returns true if the queue has no item. */
  empty(): boolean {
    return this.ring.isEmpty
  }

  /** Returns true if the queue has `maxsize` items. False if only memory limits the queue. */
  full(): boolean {
    return this.ring.isFull
  }

  /**
   * Closes the queue in this process: from now on, `put` throws ValueError here. Other processes can still put, and all items
   * stay.
   */
  close(): void {
    this.#isClosed = true
  }

  /**
   * Resolves at once: a process writes into its queue directly, without a thread, so every item that was put is already in it.
   * @throws ValueError before `close()`, as Python's `join_thread` does
   */
  async joinThread(): Promise<void> {
    if (!this.#isClosed)
      throw new ValueError('cannot join the thread of a queue that is not closed: call close() first')
  }

  /** Does nothing: a process never waits for its queues when it ends. */
  cancelJoinThread(): void {}

  /** Makes the queue an object that `wait` accepts: ready while it has an item. */
  get [waitable](): unknown {
    return { family: this.ring.family, word: this.ring.sent, isReady: () => !this.ring.isEmpty }
  }

  /** Iterates over the items as they arrive, without end: leave the loop after the last item. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) yield await this.get()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ValueError('cannot put into a queue that this process has closed')
  }
}

/** Returns the number of items in a queue, for `util.inspect`. @param most the maximum; 0 for no maximum */
export function itemsText(ring: Ring, most: number, isClosed: boolean): string {
  const bound = most === 0 ? (ring.size === 1 ? ' item' : ' items') : ` of ${most}`
  return `${ring.size}${bound}${isClosed ? ', closed' : ''}`
}

function valueOf(received: Received | undefined): unknown {
  if (received === undefined) throw new Empty()
  return received.value
}

/**
 * A queue that counts unfinished items: `taskDone` reports that an item which was taken is done. See Python's
 * `multiprocessing.JoinableQueue`.
 * @example
 * import { JoinableQueue } from 'multiprocess'
 *
 * const queue = new JoinableQueue<number>()
 * await queue.put(1)
 * await queue.get()
 * queue.taskDone()
 * await queue.join()
 */
export class JoinableQueue<T = unknown> extends Queue<T> {
  protected static override readonly kind: BlockKind = 'JoinableQueue'

  static {
    inspectAs<JoinableQueue>(JoinableQueue, queue => `${lineOf(queue)}, ${queue.ring.unfinished} unfinished`)
  }

  /** Reports that an item which was taken is done. @throws ValueError if it is called more often than items were put */
  taskDone(): void {
    if (!this.ring.finish()) throw new ValueError('taskDone() was called more often than items were put')
  }

  /**
   * Resolves once all items that were put are done.
   * @param options.timeout milliseconds. Default: Infinity
   * @throws TimeoutError if the timeout expires first; the signal's reason if the signal is aborted
   */
  async join(options?: WaitOptions): Promise<void> {
    const { timeout, signal } = waitOptions(options)
    checkJoined(await this.ring.done.wait(() => this.#step(), timeout, signal), timeout)
  }

  /** Does the same as `join`, and blocks the thread. */
  joinSync(options?: { timeout?: number }): void {
    const { timeout } = waitOptions(options)
    checkJoined(
      this.ring.done.waitSync(() => this.#step(), timeout),
      timeout
    )
  }

  #step(): true | undefined {
    return this.ring.unfinished === 0 ? true : undefined
  }
}

function checkJoined(isJoined: true | undefined, timeout: number): void {
  if (!isJoined) throw new TimeoutError(`not all items were done within ${timeout} ms`)
}
