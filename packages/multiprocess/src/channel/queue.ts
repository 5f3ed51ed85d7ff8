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
 * A queue: what is put in is taken out once, the first first. An item is in the queue when `put` has returned, or its
 * promise resolved, whatever becomes of the process that put it. What a process had taken when it died is lost with it.
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
   * @param maxsize items that it holds at the most; 0, the default, or less: as many as there is memory for
   * @throws TypeError if `maxsize` is not a number, ValueError if it is not an integer
   */
  constructor(maxsize = 0) {
    checkInteger('maxsize', maxsize, -LARGEST, LARGEST)
    const isFirst = isNew()
    super()
    this.#maxsize = Math.max(0, maxsize)
    this.ring = new Ring(handleOf(this), isFirst ? { messages: this.#maxsize, bytes: 0 } : undefined)
    this.#sender = new Sender(this.ring)
  }

  /** 0: no bound but memory. */
  get maxsize(): number {
    return this.#maxsize
  }

  /**
   * Puts an item in; the item is read before this returns. Waits in the event loop while the queue is full; the puts of one
   * process go in in the order they were made.
   * @throws Full when the timeout, in milliseconds, ran out; the signal's reason when that is aborted: the item is not put
   * @throws SerializationError when the item cannot cross; ValueError once closed
   */
  async put(item: T, options?: WaitOptions): Promise<void> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    this.#checkOpen()
    const letter = this.#sender.post(item, 'item', true)
    if (letter !== undefined && !(await this.#sender.send(letter, timeout, signal))) throw new Full()
  }

  /** The same, blocking the thread while the queue is full. */
  putSync(item: T, options?: { timeout?: number }): void {
    const { timeout } = waitOptions(options)
    this.#checkOpen()
    const letter = this.#sender.post(item, 'item', false)
    if (letter !== undefined && !this.#sender.sendSync(letter, timeout)) throw new Full()
  }

  /** The same, without waiting. @throws Full */
  putNowait(item: T): void {
    this.#checkOpen()
    const letter = this.#sender.post(item, 'item', true)
    if (letter === undefined) return
    this.#sender.discard(letter)
    throw new Full()
  }

  /**
   * Takes the first item, waiting in the event loop while there is none.
   * @throws Empty when the timeout, in milliseconds, ran out; the signal's reason when that is aborted: nothing is taken
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
   * The same, blocking the thread.
   * @throws MultiprocessError `ERR_IMPORT` when the item needs modules that can't be imported at once: those that await
   *   something at their top level. It stays in the queue then
   */
  getSync(options?: { timeout?: number }): T {
    const { timeout } = waitOptions(options)
    const { ring } = this
    const value = receiveReadable(ring)
    if (value !== NONE) return value as T
    return valueOf(ring.sent.waitSync(() => received(receiveReadable(ring)), timeout)) as T
  }

  /** The same, without waiting. @throws Empty */
  getNowait(): T {
    return valueOf(received(receiveReadable(this.ring))) as T
  }

  /** How many items stand in the queue, exactly, at this moment. */
  qsize(): number {
    return this.ring.size
  }

  empty(): boolean {
    return this.ring.isEmpty
  }

  full(): boolean {
    return this.ring.isFull
  }

  /** This process puts no more: `put` throws ValueError from now on. Others go on, and what was put stays. */
  close(): void {
    this.#isClosed = true
  }

  /**
   * Resolves at once: no thread stands between a process and its queue, and what was put is in.
   * @throws ValueError before `close()`, as Python's `join_thread` does
   */
  async joinThread(): Promise<void> {
    if (!this.#isClosed)
      throw new ValueError('cannot join the thread of a queue that is not closed: call close() first')
  }

  /** Does nothing: a process never waits at its end for its queues. */
  cancelJoinThread(): void {}

  /** Ready while an item is there. */
  get [waitable](): unknown {
    return { family: this.ring.family, word: this.ring.sent, isReady: () => !this.ring.isEmpty }
  }

  /** Items as they come, without end: leave the loop when there is nothing more to come. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) yield await this.get()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ValueError('cannot put into a queue that this process has closed')
  }
}

/** How many items are in a queue, for `util.inspect`. @param most 0: without bounds */
export function itemsText(ring: Ring, most: number, isClosed: boolean): string {
  const bound = most === 0 ? (ring.size === 1 ? ' item' : ' items') : ` of ${most}`
  return `${ring.size}${bound}${isClosed ? ', closed' : ''}`
}

function valueOf(received: Received | undefined): unknown {
  if (received === undefined) throw new Empty()
  return received.value
}

/** A queue that knows how many of its items are yet to be done: each is, by a `taskDone` of whoever took it. */
export class JoinableQueue<T = unknown> extends Queue<T> {
  protected static override readonly kind: BlockKind = 'JoinableQueue'

  static {
    inspectAs<JoinableQueue>(JoinableQueue, queue => `${lineOf(queue)}, ${queue.ring.unfinished} unfinished`)
  }

  /** An item that was taken is done. @throws ValueError when as many were as ever were put */
  taskDone(): void {
    if (!this.ring.finish()) throw new ValueError('taskDone() was called more often than items were put')
  }

  /**
   * Resolves once all items that were put are done.
   * @throws TimeoutError when the timeout, in milliseconds, ran out; the signal's reason when that is aborted
   */
  async join(options?: WaitOptions): Promise<void> {
    const { timeout, signal } = waitOptions(options)
    checkJoined(await this.ring.done.wait(() => this.#step(), timeout, signal), timeout)
  }

  /** The same, blocking the thread. */
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
