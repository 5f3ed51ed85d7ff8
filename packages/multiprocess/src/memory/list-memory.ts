/**
 * The shared memory of a ShareableList, in 32-bit words, low byte first:
 *
 *     0        MAGIC, which has the version of this layout
 *     1        how many items
 *     2 …      for each item two words: where its slot is, in words from the beginning, and its room, in bytes
 *     …        the slots
 *
 *     slot 0   VERSION: how often the item was set; its lowest bit says which cell has the value
 *     slot 1   two cells, each: type, length in bytes, and `room` bytes
 *
 * All but the slots is written before the segment gets its name, and never again. Of a slot:
 *
 *  - Writers, one at a time for the whole list by flock(2) on the segment's file, write to the cell that does not have the value,
 *    and then add 1 to VERSION. The kernel takes the lock from one that dies.
 *  - Readers take nothing. They read VERSION, the cell that it names, and VERSION again. The same version: nobody can have begun to
 *    write to that cell, since a writer comes to it only after VERSION has changed. Another one: they read again. Those whom writers
 *    overtake again and again take the lock.
 *
 * So a reader sees a value whole, the one before or the one after, whatever a writer is doing. Death of a writer at any point: before
 * it changes VERSION the old value stands, untouched, and the next writer writes over the half-written cell; afterwards the new one
 * stands. A reader that is stopped between its two looks for exactly 2 ** 32 changes would be deceived.
 *
 * Every word of a slot is read and written by Atomics, which are sequentially consistent, so no reader sees VERSION ahead of the
 * cell, on arm64 either.
 */
import { MultiprocessError, ValueError } from '../errors.ts'
import type { Segment } from '../ground/segment.ts'
import { type ListItem, type PackedItem, roomFor, unpackItem } from './list-items.ts'

const MAGIC = 0x4c53_0001
const COUNT_WORD = 1
const DIRECTORY_WORD = 2
const DIRECTORY_ENTRY = 2
const CELL_HEAD = 2
const TRIES = 64

/** A look at a slot: `bytes` is used again by the next one. */
interface Glance {
  readonly type: number
  readonly bytes: Uint8Array
}

export function sizeOfList(items: readonly PackedItem[]): number {
  let words = DIRECTORY_WORD + items.length * DIRECTORY_ENTRY
  for (const item of items) words += slotWords(roomFor(item))
  return words * 4
}

/** Writes a new list, which nobody else sees yet. */
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
  readonly #scratch: Int32Array

  /** @throws ValueError when the segment has no list */
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
    this.#scratch = new Int32Array(most / 4)
  }

  /** Bytes. */
  roomOf(index: number): number {
    return this.#words[DIRECTORY_WORD + index * DIRECTORY_ENTRY + 1]
  }

  /** The item as it was at one moment. */
  read(index: number): ListItem {
    const { type, bytes } = this.glance(index)
    return unpackItem(type, bytes)
  }

  glance(index: number): Glance {
    for (let tries = 0; tries < TRIES; tries++) {
      const found = this.#tryRead(index)
      if (found !== null) return found
    }
    return this.#segment.lock(() => this.#tryRead(index) as Glance)
  }

  /** The item fits its room. */
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
      new Uint8Array(this.#scratch.buffer).set(bytes)
      for (let i = 0; i < count; i++) Atomics.store(words, cell + CELL_HEAD + i, this.#scratch[i])
      Atomics.store(words, slot, (version + 1) | 0)
    })
  }

  /** null when the item was set meanwhile. */
  #tryRead(index: number): Glance | null {
    const words = this.#words
    const slot = this.#slotOf(index)
    const room = this.roomOf(index)
    const version = Atomics.load(words, slot)
    const cell = cellOf(slot, room, version)
    const type = Atomics.load(words, cell)
    const length = Atomics.load(words, cell + 1)
    const count = Math.ceil(Math.min(Math.max(0, length), room) / 4)
    for (let i = 0; i < count; i++) this.#scratch[i] = Atomics.load(words, cell + CELL_HEAD + i)
    if (Atomics.load(words, slot) !== version) return null
    if (length < 0 || length > room) {
      throw new MultiprocessError('the list is damaged: something else has written to its shared memory', {
        code: 'ERR_DAMAGED'
      })
    }
    return { type, bytes: new Uint8Array(this.#scratch.buffer, 0, length) }
  }

  #slotOf(index: number): number {
    return this.#words[DIRECTORY_WORD + index * DIRECTORY_ENTRY]
  }
}

function cellOf(slot: number, room: number, version: number): number {
  return slot + 1 + (version & 1) * (CELL_HEAD + room / 4)
}
