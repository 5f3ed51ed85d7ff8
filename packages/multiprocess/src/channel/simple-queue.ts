/** A queue with nothing but `put` and `get`: Python's `multiprocessing.SimpleQueue`. */
import { Pending } from '../codec/receive.ts'
import { ValueError } from '../errors.ts'
import type { BlockKind } from '../ground/arena/block-kinds.ts'
import { inspectAs } from '../ground/inspect.ts'
import { handleOf, isNew, SharedObject } from '../memory/shared-object.ts'
import { NONE, type Received, received, receiveLetter, receiveReadable, Sender } from './message.ts' // lazy
import { itemsText } from './queue.ts'
import { Ring } from './ring.ts' // lazy
import { RING_BYTES } from './ring-size.ts'

/**
 * A queue without a maximum, with only `put`, `get` and `empty`. See Python's `multiprocessing.SimpleQueue`. A death has the same
 * effects as in `Queue`.
 * @example
 * import { SimpleQueue } from 'multiprocess'
 *
 * const queue = new SimpleQueue<string>()
 * await queue.put('first')
 * console.log(await queue.get()) // first
 */
export class SimpleQueue<T = unknown> extends SharedObject {
  protected static override readonly size: number = RING_BYTES
  protected static override readonly kind: BlockKind = 'SimpleQueue'
  readonly #ring: Ring
  readonly #sender: Sender
  #isClosed = false

  static {
    inspectAs<SimpleQueue>(SimpleQueue, queue => itemsText(queue.#ring, 0, queue.#isClosed))
  }

  /** Creates an empty queue. */
  constructor() {
    const isFirst = isNew()
    super()
    this.#ring = new Ring(handleOf(this), isFirst ? { messages: 0, bytes: 0 } : undefined)
    this.#sender = new Sender(this.#ring)
  }

  /** Puts an item into the queue. @throws SerializationError if the item cannot cross; ValueError after `close()` */
  async put(item: T): Promise<void> {
    this.putSync(item)
  }

  /** Does the same as `put`; it never has to wait. */
  putSync(item: T): void {
    this.#checkOpen()
    this.#sender.post(item, 'item', false)
  }

  /** Takes the first item, and waits in the event loop while there is none. @throws ValueError after `close()` */
  async get(): Promise<T> {
    this.#checkOpen()
    const ring = this.#ring
    let value = receiveLetter(ring)
    if (value === NONE) {
      const step = () => received(receiveLetter(ring))
      value = ((await ring.sent.wait(step, Number.POSITIVE_INFINITY, undefined, undefined, true)) as Received).value
    }
    return (value instanceof Pending ? await value.promise : value) as T
  }

  /** Does the same as `get`, and blocks the thread. @throws MultiprocessError as `Queue.getSync` does */
  getSync(): T {
    this.#checkOpen()
    const ring = this.#ring
    const value = receiveReadable(ring)
    if (value !== NONE) return value as T
    return (ring.sent.waitSync(() => received(receiveReadable(ring)), Number.POSITIVE_INFINITY) as Received).value as T
  }

  /** Returns true if the queue has no item. @throws ValueError after `close()` */
  empty(): boolean {
    this.#checkOpen()
    return this.#ring.isEmpty
  }

  /** Closes the queue in this process, which can then neither put nor get. Other processes are not affected. */
  close(): void {
    this.#isClosed = true
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ValueError('this process has closed the queue')
  }
}
