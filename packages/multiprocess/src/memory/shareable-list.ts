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

/** The type of a slot that was made for a `T`: 1 is a number like any other. */
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

export interface ShareableListOptions {
  /** Of the new list, or of the one to attach to. Left out: one that nobody has. */
  name?: string
}

/**
 * A list of fixed length in named shared memory, after Python's `ShareableList`. Each item has its slot, with some room; it may be
 * set to a value of any of the types as long as that fits.
 *
 * Reading never waits and never sees a part of a value, also while another process sets it, or was killed while it did. The layout
 * is this package's own: strings and bytes keep the NULs that they end with, and nothing ever grows into its neighbour, both of
 * which happens with CPython's. Python cannot read it, nor this class a list of Python's.
 *
 * Sent to another process it attaches there by name.
 */
export class ShareableList<T extends ListItem = ListItem> implements Iterable<ItemOf<T>>, Disposable {
  readonly shm: SharedMemory
  readonly #segment: Segment
  readonly #memory: ListMemory

  static {
    inspectAs<ShareableList>(ShareableList, (list, show) =>
      list.#isOpen() ? show([...list]) : `name: ${show(list.shm.name)}, closed`
    )
  }

  /**
   * @param sequence the items of a new list; left out: attaches to the list that `options.name` names
   * @throws ValueError for an item of another type, with its index; when there is no list in the shared memory of that name
   * @throws MultiprocessError as `new SharedMemory()`
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

  get length(): number {
    return this.#memory.length
  }

  /** The kinds of all items as Python's `struct` module writes them, such as `'d16sxxxxxxx?'`. */
  get format(): string {
    this.#checkOpen()
    let format = ''
    for (let i = 0; i < this.length; i++) format += this.#memory.formatOf(i)
    return format
  }

  /**
   * A value as it was at one moment; bytes are a copy.
   * @param index from 0, or, negative, from the end
   * @throws ValueError when there is no such item, or the list's shared memory is closed
   */
  at(index: number): ItemOf<T> {
    return this.#memory.read(this.#checkIndex(index)) as ItemOf<T>
  }

  /**
   * @param index from 0, or, negative, from the end
   * @throws ValueError when there is no such item, when it does not fit its slot, or is of a type that a list does not hold
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

  /** How often a value is in the list. Bytes are compared by content. */
  count(value: ItemOf<T>): number {
    let count = 0
    for (const item of this) if (isSameItem(item, value)) count++
    return count
  }

  /** Where a value is first, or -1. Bytes are compared by content. */
  indexOf(value: ItemOf<T>): number {
    for (let i = 0; i < this.length; i++) if (isSameItem(this.at(i), value)) return i
    return -1
  }

  /** Each item as it is when its turn comes. */
  *[Symbol.iterator](): IterableIterator<ItemOf<T>> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }

  /** `shm.close()` */
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
    throw new ValueError(`there is no item ${inspect(index)} in a ShareableList of ${this.length}`)
  }
}

/** In the place of a sequence: the segment of a list that crossed. */
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
