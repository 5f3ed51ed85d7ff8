import { inspect } from 'node:util'
import { checkOptions, optionNames } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { brand } from '../ground/brand.ts'
import { inspectAs } from '../ground/inspect.ts'
import { Segment } from '../ground/segments/segment.ts' // lazy
import { isSameItem, type ListItem, packItem } from './list-items.ts' // lazy
import { fillList, ListMemory, sizeOfList } from './list-memory.ts' // lazy
import { checkName, createSegment } from './named-segment.ts' // lazy
import { type SegmentHandle, type SharedMemory, sharedMemoryOf } from './shared-memory.ts'

/** The type of a slot that was made for a `T`: `number` for a slot made for 1. */
export type ItemOf<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends bigint
      ? bigint
      : T extends boolean
        ? boolean
        : T extends Uint8Array
          ? Uint8Array
          : T

/** The options of a ShareableList. */
export interface ShareableListOptions {
  /** The name of the new list, or of the list to attach to. Default: a new name. */
  name?: string
}

/**
 * A list of fixed length in named shared memory, after Python's `ShareableList`. Each item has a slot with some room, and may be set to any
 * value that fits the room and has one of the list's types.
 *
 * Reading never waits and never returns a part of a value, even while another process sets the item or if it was killed meanwhile. The
 * layout is this package's own: strings and bytes keep the NULs at their end, and no item grows into its neighbour, as CPython's do. Python
 * cannot read these lists, and this class cannot read Python's.
 *
 * A list that is sent to another process attaches there by its name.
 * @example
 * import { ShareableList } from 'multiprocess'
 *
 * using list = new ShareableList([1, 'text', null])
 * list.set(0, 2)
 * console.log(list.at(0)) // 2
 * list.shm.unlink()
 */
export class ShareableList<T extends ListItem = ListItem> implements Iterable<ItemOf<T>>, Disposable {
  /** The shared memory of the list. */
  readonly shm: SharedMemory
  readonly #segment: Segment
  readonly #memory: ListMemory

  static {
    inspectAs<ShareableList>(ShareableList, (list, show) =>
      list.#isOpen() ? show([...list]) : `name: ${show(list.shm.name)}, closed`
    )
  }

  /**
   * @param sequence the items of a new list. Without it, the object attaches to the list that `options.name` names
   * @throws ValueError for an item of another type, with its index, or if the shared memory of that name holds no list
   * @throws MultiprocessError as `new SharedMemory()` does
   */
  constructor(sequence?: Iterable<T>, options: ShareableListOptions = {}) {
    this.#segment = sequence instanceof AttachedSegment ? sequence.segment : open(sequence, options)
    try {
      this.#memory = new ListMemory(this.#segment)
    } catch (error) {
      this.#segment.close()
      throw error
    }
    this.shm = sharedMemoryOf(this.#segment)
    brand(this, 'ShareableList')
  }

  /** The number of items. */
  get length(): number {
    return this.#memory.length
  }

  /** The types of all items in the form of Python's `struct`, such as `'d16sxxxxxxx?'`. */
  get format(): string {
    this.#checkOpen()
    let format = ''
    for (let i = 0; i < this.length; i++) format += this.#memory.formatOf(i)
    return format
  }

  /**
   * Returns an item as it was at one moment. Byte arrays are copied.
   * @param index from 0, or a negative number that counts from the end
   * @throws ValueError if the item does not exist, or the list's shared memory is closed
   */
  at(index: number): ItemOf<T> {
    return this.#memory.read(this.#checkIndex(index)) as ItemOf<T>
  }

  /**
   * @param index from 0, or a negative number that counts from the end
   * @throws ValueError if the item does not exist, or the value does not fit its slot or has a type that a list cannot hold
   */
  set(index: number, value: ItemOf<T>): void {
    const slot = this.#checkIndex(index)
    const item = packItem(value, slot)
    const room = this.#memory.roomOf(slot)
    if (item.bytes.length > room) {
      throw new ValueError(
        `item ${slot} cannot be set to a value of ${item.bytes.length} bytes: its slot has room for ${room}. ` +
          'A slot keeps the room that its first value needed; make the list with a longer one'
      )
    }
    this.#memory.write(slot, item)
  }

  /** Returns how many items equal a value. Byte arrays are compared by content. */
  count(value: ItemOf<T>): number {
    let count = 0
    for (const item of this) if (isSameItem(item, value)) count++
    return count
  }

  /** Returns the index of the first item that equals a value, or -1. Byte arrays are compared by content. */
  indexOf(value: ItemOf<T>): number {
    for (let i = 0; i < this.length; i++) if (isSameItem(this.at(i), value)) return i
    return -1
  }

  /** Iterates over the items; each is read when its turn comes. */
  *[Symbol.iterator](): IterableIterator<ItemOf<T>> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }

  /** Calls `shm.close()`. */
  [Symbol.dispose](): void {
    this.shm.close()
  }

  #isOpen(): boolean {
    return this.#segment.buffer.byteLength > 0
  }

  #checkOpen(): void {
    if (!this.#isOpen()) throw new ValueError(`the ShareableList ${JSON.stringify(this.shm.name)} is closed`)
  }

  #checkIndex(index: number): number {
    this.#checkOpen()
    const slot = index < 0 ? index + this.length : index
    if (Number.isInteger(index) && slot >= 0 && slot < this.length) return slot
    throw new ValueError(`item ${inspect(index)} does not exist in a ShareableList of length ${this.length}`)
  }
}

/** Takes the place of a sequence: the segment of a list that crossed. */
class AttachedSegment {
  readonly segment: Segment

  constructor(segment: Segment) {
    this.segment = segment
  }
}

export function attachList({ name, inode }: SegmentHandle): ShareableList {
  const segment = Segment.attach(name, inode, { keepsFile: true })
  return new ShareableList(new AttachedSegment(segment) as unknown as Iterable<ListItem>)
}

const LIST_OPTIONS = optionNames("{ name: 'list' }", 'name')

function open(sequence: Iterable<unknown> | undefined, options: ShareableListOptions): Segment {
  checkOptions(options, LIST_OPTIONS)
  const { name } = options
  if (name !== undefined) checkName(name)
  if (sequence === undefined || sequence === null) {
    if (name === undefined) throw new ValueError('give a sequence for a new list, or the name of one to attach to')
    return Segment.attach(name, undefined, { keepsFile: true })
  }
  if (typeof sequence[Symbol.iterator] !== 'function') {
    throw new ValueError(`the items of a ShareableList must be iterable, not ${inspect(sequence, { depth: 0 })}`)
  }
  const items = Array.from(sequence, packItem)
  return createSegment({
    name,
    size: sizeOfList(items),
    isTracked: true,
    keepsFile: true,
    fill: buffer => fillList(buffer, items)
  })
}
