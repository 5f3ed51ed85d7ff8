/**
 * The shared memory of a ShareableList, in 32-bit words, low byte first:
 *
 *     0        MAGIC, which has the version of this layout
 *     1        the number of items
 *     2 …      two words for each item: the place of its slot, in words from the beginning, and its room, in bytes
 *     …        the slots
 *
 *     slot 0   VERSION: the number of times that the item was set; its lowest bit says which cell has the value
 *     slot 1   two cells, each: type, length in bytes, and `room` bytes
 *
 * All words but the slots are written before the segment gets its name, and never again. The slots change as follows:
 *
 *  - Writers exclude each other by flock(2) on the segment's file. A writer writes to the cell that does not have the value, and then
 *    adds 1 to VERSION. The kernel takes the lock from a writer that dies.
 *  - Readers take no lock. A reader reads VERSION, the cell that it names, and VERSION again. If both versions are equal, no writer has
 *    begun to write to that cell, since a writer comes to it only after VERSION has changed. Otherwise the reader reads again. A reader
 *    that writers overtake again and again takes the lock.
 *
 * So a reader sees a whole value, the old one or the new one, whatever a writer does. If a writer dies before it changes VERSION, the
 * old value remains, and the next writer writes over the half-written cell; after that, the new value remains. A reader that is stopped
 * between its two looks for exactly 2 ** 32 changes would read a wrong value.
 *
 * Every word of a slot is read and written by Atomics, which are sequentially consistent, so no reader sees VERSION ahead of the
 * cell, on arm64 either.
 */
import { ValueError } from '../errors.ts'
import type { Segment } from '../ground/segments/segment.ts'
import { damaged, formatOf, type ListItem, NULL, NUMBER, type PackedItem, roomFor, unpackItem } from './list-items.ts'

const MAGIC = 0x4c53_0001
const COUNT_WORD = 1
const DIRECTORY_WORD = 2
const DIRECTORY_ENTRY = 2
const CELL_HEAD = 2
const TRIES = 64

export function sizeOfList(items: readonly PackedItem[]): number {
  let words = DIRECTORY_WORD + items.length * DIRECTORY_ENTRY
  for (const item of items) words += slotWords(roomFor(item))
  return words * 4
}

/** Writes a new list, which no other process can see yet. */
export function fillList(buffer: ArrayBuffer, items: readonly PackedItem[]): void {
  const words = new Int32Array(buffer)
  words[0] = MAGIC
  words[COUNT_WORD] = items.length
  let at = DIRECTORY_WORD + items.length * DIRECTORY_ENTRY
  items.forEach((item, index) => {
    const room = roomFor(item)
    words[DIRECTORY_WORD + index * DIRECTORY_ENTRY] = at
    words[DIRECTORY_WORD + index * DIRECTORY_ENTRY + 1] = room
    words[at + 1] = item.type
    words[at + 2] = item.bytes.length
    new Uint8Array(buffer, (at + 1 + CELL_HEAD) * 4).set(item.bytes)
    at += slotWords(room)
  })
}

function slotWords(room: number): number {
  return 1 + 2 * (CELL_HEAD + room / 4)
}

export class ListMemory {
  readonly length: number
  readonly #segment: Segment
  readonly #words: Int32Array
  /** The cell that the last look at a slot found. */
  readonly #found: Int32Array
  readonly #foundBytes: Uint8Array
  readonly #foundNumber: Float64Array
  #type = NULL
  #size = 0

  /** @throws ValueError if the segment holds no list */
  constructor(segment: Segment) {
    const words = new Int32Array(segment.buffer, 0, Math.floor(segment.size / 4))
    const refuse = () => new ValueError(`the shared memory ${JSON.stringify(segment.name)} holds no ShareableList`)
    if (words[0] !== MAGIC) throw refuse()
    this.length = words[COUNT_WORD]
    this.#segment = segment
    this.#words = words
    let most = 0
    let at = DIRECTORY_WORD + this.length * DIRECTORY_ENTRY
    if (!(this.length >= 0 && at <= words.length)) throw refuse()
    for (let index = 0; index < this.length; index++) {
      const room = this.roomOf(index)
      if (this.#slotOf(index) !== at || room < 0 || room % 4 !== 0) throw refuse()
      at += slotWords(room)
      if (at > words.length) throw refuse()
      most = Math.max(most, room)
    }
    const scratch = new ArrayBuffer(Math.max(8, 8 * Math.ceil(most / 8)))
    this.#found = new Int32Array(scratch)
    this.#foundBytes = new Uint8Array(scratch)
    this.#foundNumber = new Float64Array(scratch)
  }

  /** The room of an item, in bytes. */
  roomOf(index: number): number {
    return this.#words[DIRECTORY_WORD + index * DIRECTORY_ENTRY + 1]
  }

  /** Returns the item as it was at one moment. */
  read(index: number): ListItem {
    this.#look(index)
    if (this.#type === NUMBER && this.#size === 8) return this.#foundNumber[0]
    return unpackItem(this.#type, this.#foundBytes.subarray(0, this.#size))
  }

  formatOf(index: number): string {
    this.#look(index)
    return formatOf(this.#type, this.#size, this.roomOf(index))
  }

  /** Sets the item, which must fit its room. */
  write(index: number, { type, bytes }: PackedItem): void {
    const words = this.#words
    const slot = this.#slotOf(index)
    const room = this.roomOf(index)
    this.#segment.lock(() => {
      const version = Atomics.load(words, slot)
      const cell = cellOf(slot, room, version + 1)
      Atomics.store(words, cell, type)
      Atomics.store(words, cell + 1, bytes.length)
      const count = Math.ceil(bytes.length / 4)
      this.#foundBytes.set(bytes)
      for (let i = 0; i < count; i++) Atomics.store(words, cell + CELL_HEAD + i, this.#found[i])
      Atomics.store(words, slot, (version + 1) | 0)
    })
  }

  #look(index: number): void {
    for (let tries = 0; tries < TRIES; tries++) if (this.#tryLook(index)) return
    this.#segment.lock(() => this.#tryLook(index))
  }

  /** Returns false if the item was set meanwhile. */
  #tryLook(index: number): boolean {
    const words = this.#words
    const slot = this.#slotOf(index)
    const room = this.roomOf(index)
    const version = Atomics.load(words, slot)
    const cell = cellOf(slot, room, version)
    const type = Atomics.load(words, cell)
    const size = Atomics.load(words, cell + 1)
    const count = Math.ceil(Math.min(Math.max(0, size), room) / 4)
    for (let i = 0; i < count; i++) this.#found[i] = Atomics.load(words, cell + CELL_HEAD + i)
    if (Atomics.load(words, slot) !== version) return false
    if (size < 0 || size > room) throw damaged()
    this.#type = type
    this.#size = size
    return true
  }

  #slotOf(index: number): number {
    return this.#words[DIRECTORY_WORD + index * DIRECTORY_ENTRY]
  }
}

function cellOf(slot: number, room: number, version: number): number {
  return slot + 1 + (version & 1) * (CELL_HEAD + room / 4)
}
