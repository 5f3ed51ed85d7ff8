/** What crosses in a slot: in its payload when it fits, else in a block of the arena. */
import { Encoder, type Releases, runAll } from '../../codec/encode.ts' // lazy
import { Pending, receive } from '../../codec/receive.ts'
import { LargeBlock } from '../../codec/values/large-block.ts'
import type { LargeBuffers } from '../../codec/values/large-buffers.ts'
import { UNIT } from '../../ground/arena/layout.ts'
import type { OwnerId } from '../../ground/arena/process-table.ts'
import type { Family } from '../../ground/family.ts'
import { storeMessage } from '../../ground/message-blocks.ts'
import { type Parcel, withParcel } from '../../ground/parcel.ts'
import { BLOCK, FLAGS, INLINE_BYTES, KEPT, LENGTH, RESULT_PARCEL, type TaskTable } from './task-table.ts'

/** In LENGTH: large buffers are behind the message. */
const HAS_LARGE = 1 << 31

/** A message that waits for a slot. */
export interface Packed {
  /** In units of 64 bytes; 0: `bytes` has it. */
  readonly block: number
  readonly length: number
  readonly bytes: Uint8Array | undefined
  readonly releases: Releases
}

/** A message that has a block of its own. */
export interface Block {
  /** In units of 64 bytes. */
  readonly block: number
  readonly length: number
  readonly releases: Releases
  /** What keeps the shared objects that it names; `releases` let go of it, too. */
  readonly parcel: Parcel | null
}

export class Messages {
  readonly #family: Family
  readonly #table: TaskTable
  readonly #encoder = new Encoder()
  /** By slot: what its message holds of shared objects. */
  readonly #held = new Map<number, Releases>()
  readonly #allowsLarge: boolean
  /** What keeps the shared objects that the message written last names. */
  #parcel: Parcel | null = null

  /** @param isReadOnce what is written here is read once, by one: a worker's results */
  constructor(family: Family, table: TaskTable, isReadOnce: boolean) {
    this.#family = family
    this.#table = table
    // Threads cannot show memory that they share as an ArrayBuffer.
    this.#allowsLarge = family.platform.method === 'spawn'
    this.#encoder.allowsLarge = this.#allowsLarge
    if (family.platform.method === 'thread') this.#encoder.sharesBuffers = isReadOnce ? 'once' : 'held'
  }

  /**
   * Writes `value` to the slot. A block that it needs belongs to this process.
   * @throws SerializationError when the value cannot cross; the slot is as it was
   */
  write(slot: number, value: unknown, path: string): void {
    const { words, bytes } = this.#table
    const base = this.#table.slot(slot)
    const start = this.#table.payload(slot)
    const encoder = this.#encoder
    const isInline = encoder.encode(value, bytes, start, start + INLINE_BYTES, path)
    this.#parcel = encoder.parcel
    const length = encoder.end - encoder.start
    if (encoder.large !== null) {
      words[base + LENGTH] = length | HAS_LARGE
      words[base + BLOCK] = this.#storeLarge(encoder.large)
    } else if (isInline) {
      words[base + LENGTH] = length
      words[base + BLOCK] = 0
    } else {
      words[base + LENGTH] = length
      words[base + BLOCK] = this.#store(encoder.bytes, encoder.start, length)
    }
  }

  /**
   * The same for a message that has no slot yet.
   * @param isRepeated it may be read by one worker after the other
   */
  pack(value: unknown, path: string, isRepeated: boolean): Packed {
    const encoder = this.#encoder
    this.#encode(value, path, isRepeated)
    const length = encoder.end - encoder.start
    const { releases } = encoder
    if (encoder.large !== null) {
      return { block: this.#storeLarge(encoder.large), length: length | HAS_LARGE, bytes: undefined, releases }
    }
    if (length <= INLINE_BYTES) {
      return { block: 0, length, bytes: encoder.bytes.slice(encoder.start, encoder.end), releases }
    }
    return { block: this.#store(encoder.bytes, encoder.start, length), length, bytes: undefined, releases }
  }

  /** The next message is an array that the pool made: of items, or of results. */
  set row(array: unknown) {
    this.#encoder.row = array
  }

  /** Bytes of the message that was written or packed last. */
  get lastLength(): number {
    return this.#encoder.end - this.#encoder.start
  }

  unpack(slot: number, packed: Packed): void {
    const base = this.#table.slot(slot)
    if (packed.bytes !== undefined) this.#table.bytes.set(packed.bytes, this.#table.payload(slot))
    this.#table.words[base + LENGTH] = packed.length
    this.#table.words[base + BLOCK] = packed.block
    if (packed.releases !== null) this.#held.set(slot, packed.releases)
  }

  /** What the message just written to the slot holds is held until `release`. */
  hold(slot: number): void {
    if (this.#encoder.releases !== null) this.#held.set(slot, this.#encoder.releases)
  }

  /** What the slot's message holds is held on, for a message that is sent again. */
  forget(slot: number): void {
    this.#held.delete(slot)
  }

  /** Nobody reads the slot's message again. */
  release(slot: number): void {
    if (this.#held.size === 0) return
    runAll(this.#held.get(slot) ?? null)
    this.#held.delete(slot)
  }

  /** A message that is not sent after all, or read no more. */
  discard({ block, releases }: { readonly block: number; readonly releases: Releases }): void {
    this.free(block)
    runAll(releases)
  }

  /** A block of its own with an encoded value: its offset in units, and its length. */
  block(value: unknown, path: string): Block {
    this.#encode(value, path, true)
    const { bytes, start, end, releases, parcel } = this.#encoder
    return { block: this.#store(bytes, start, end - start), length: end - start, releases, parcel }
  }

  /** A reader takes large buffers over, so that there can be only one. */
  #encode(value: unknown, path: string, isRepeated: boolean): void {
    this.#encoder.allowsLarge = this.#allowsLarge && !isRepeated
    try {
      this.#encoder.encode(value, undefined, 0, 0, path)
    } finally {
      this.#encoder.allowsLarge = this.#allowsLarge
    }
  }

  /**
   * The value in the slot; a promise of it when it names functions whose modules must be imported first.
   * @param isBlocked nothing can be awaited
   * @param isKept the message stays, to be read again; otherwise what it holds, and its block, are given back
   */
  read(slot: number, isKept: boolean, isBlocked = false): unknown {
    const parcel = isKept ? 0 : this.#table.words[this.#table.slot(slot) + RESULT_PARCEL]
    if (parcel === 0) return this.#read(slot, isKept, isBlocked)
    let value: unknown
    this.#family.parcels.taken(parcel * UNIT)
    withParcel(this.#family, parcel * UNIT, () => {
      value = this.#read(slot, isKept, isBlocked)
    })
    return value
  }

  #read(slot: number, isKept: boolean, isBlocked: boolean): unknown {
    const { words, bytes } = this.#table
    const base = this.#table.slot(slot)
    const block = words[base + BLOCK] >>> 0
    const length = words[base + LENGTH]
    if (block === 0) {
      const start = this.#table.payload(slot)
      return receive(bytes, start, start + length, null, isBlocked)
    }
    if (length < 0) {
      if (isKept) this.#keep(base, block)
      else words[base + BLOCK] = 0
      return this.#readLarge(block, length & ~HAS_LARGE, isBlocked)
    }
    try {
      return this.readBlock(block, length, isBlocked)
    } finally {
      if (!isKept) this.freeBlock(slot)
    }
  }

  /** Takes the block over: it has views of it as long as it likes. A death between the two leaves the block to the pool's end. */
  #keep(base: number, block: number): void {
    this.#table.words[base + FLAGS] |= KEPT
    this.#family.arena.setOwner(block * UNIT, this.#family.self)
  }

  #readLarge(block: number, length: number, isBlocked: boolean): unknown {
    const { memory } = this.#family
    const large = new LargeBlock(this.#family, block * UNIT, length)
    let value: unknown
    try {
      value = memory.withBytes(block * UNIT, length, (bytes, start) =>
        receive(bytes, start, start + length, large, isBlocked)
      )
    } catch (error) {
      large.release()
      throw error
    }
    if (value instanceof Pending) {
      value.promise.finally(() => large.release()).catch(() => {})
    } else {
      large.release()
    }
    return value
  }

  readBlock(block: number, length: number, isBlocked = false): unknown {
    return this.#family.memory.withBytes(block * UNIT, length, (bytes, start) =>
      receive(bytes, start, start + length, null, isBlocked)
    )
  }

  /** Gives back the slot's block. */
  freeBlock(slot: number): void {
    const base = this.#table.slot(slot)
    const block = this.#table.words[base + BLOCK] >>> 0
    this.#table.words[base + BLOCK] = 0
    this.free(block)
  }

  /** @param block in units; 0: nothing */
  free(block: number): void {
    if (block !== 0) this.#family.arena.free(block * UNIT)
  }

  /** The same for what a dead worker may have been about to hand over: only if it did. */
  freeIfOwned(block: number): void {
    const { arena, self } = this.#family
    if (block !== 0 && arena.ownerOf(block * UNIT) === self) arena.free(block * UNIT)
  }

  /** Makes `owner` the owner of the slot's block, and of what its message names: it frees them from now on. */
  handOver(slot: number, owner: OwnerId): void {
    const parcel = this.#parcel
    this.#table.words[this.#table.slot(slot) + RESULT_PARCEL] =
      parcel === null ? 0 : parcel.giveTo(this.#family, owner) / UNIT
    const block = this.#table.words[this.#table.slot(slot) + BLOCK] >>> 0
    if (block !== 0) this.#family.arena.setOwner(block * UNIT, owner)
  }

  /** The last message, and behind it what belongs there. */
  #storeLarge(large: LargeBuffers): number {
    const { bytes, start, end } = this.#encoder
    this.#encoder.large = null
    return storeMessage(this.#family, bytes, start, end, large) / UNIT
  }

  #store(bytes: Uint8Array, start: number, length: number): number {
    return storeMessage(this.#family, bytes, start, start + length, null) / UNIT
  }
}
