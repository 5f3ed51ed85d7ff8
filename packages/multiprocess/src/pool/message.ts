/** What crosses in a slot: in its payload when it fits, else in a block of the arena. */
import { decode, missingModulesOf } from '../codec/decode.ts'
import { Encoder, type Releases, runAll } from '../codec/encode.ts'
import { importModule } from '../codec/module-imports.ts'
import type { Family } from '../ground/family.ts'
import type { OwnerId } from '../ground/process-table.ts'
import { BLOCK, INLINE_BYTES, LENGTH, type TaskTable, UNIT } from './task-table.ts'

/** A message that waits for a slot. */
export interface Parcel {
  /** In units of 64 bytes; 0: `bytes` has it. */
  readonly block: number
  readonly length: number
  readonly bytes: Uint8Array | undefined
  readonly releases: Releases
}

/** A message that stands in a block of its own. */
export interface Block {
  /** In units of 64 bytes. */
  readonly block: number
  readonly length: number
  readonly releases: Releases
}

export class Messages {
  readonly #family: Family
  readonly #table: TaskTable
  readonly #encoder = new Encoder()
  /** By slot: what its message holds of shared objects. */
  readonly #held = new Map<number, Releases>()

  constructor(family: Family, table: TaskTable) {
    this.#family = family
    this.#table = table
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
    if (encoder.encode(value, bytes, start, start + INLINE_BYTES, path)) {
      words[base + LENGTH] = encoder.end - encoder.start
      words[base + BLOCK] = 0
    } else {
      const length = encoder.end - encoder.start
      words[base + LENGTH] = length
      words[base + BLOCK] = this.#store(encoder.bytes, encoder.start, length)
    }
  }

  /** The same for a message that has no slot yet. */
  pack(value: unknown, path: string): Parcel {
    const encoder = this.#encoder
    encoder.encode(value, undefined, 0, 0, path)
    const length = encoder.end - encoder.start
    const { releases } = encoder
    if (length <= INLINE_BYTES) {
      return { block: 0, length, bytes: encoder.bytes.slice(encoder.start, encoder.end), releases }
    }
    return { block: this.#store(encoder.bytes, encoder.start, length), length, bytes: undefined, releases }
  }

  unpack(slot: number, parcel: Parcel): void {
    const base = this.#table.slot(slot)
    if (parcel.bytes !== undefined) this.#table.bytes.set(parcel.bytes, this.#table.payload(slot))
    this.#table.words[base + LENGTH] = parcel.length
    this.#table.words[base + BLOCK] = parcel.block
    if (parcel.releases !== null) this.#held.set(slot, parcel.releases)
  }

  /** What the message just written to the slot holds is held until `release`. */
  hold(slot: number): void {
    if (this.#encoder.releases !== null) this.#held.set(slot, this.#encoder.releases)
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
    this.#encoder.encode(value, undefined, 0, 0, path)
    const { bytes, start, end, releases } = this.#encoder
    return { block: this.#store(bytes, start, end - start), length: end - start, releases }
  }

  /**
   * The value in the slot; a promise of it when it names functions whose modules must be imported first.
   * @param isKept the message stays, to be read again; otherwise what it holds, and its block, are given back
   */
  read(slot: number, isKept: boolean): unknown {
    const { words, bytes } = this.#table
    const base = this.#table.slot(slot)
    const block = words[base + BLOCK] >>> 0
    const length = words[base + LENGTH] >>> 0
    if (block === 0) {
      const start = this.#table.payload(slot)
      return decodeOnceImported(bytes, start, start + length, !isKept)
    }
    try {
      return this.readBlock(block, length, !isKept)
    } finally {
      if (!isKept) this.freeBlock(slot)
    }
  }

  readBlock(block: number, length: number, isLast = false): unknown {
    return this.#family.memory.withBytes(block * UNIT, length, (bytes, start) =>
      decodeOnceImported(bytes, start, start + length, isLast)
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

  /** Makes `owner` the owner of the slot's block: it frees it from now on. */
  handOver(slot: number, owner: OwnerId): void {
    const block = this.#table.words[this.#table.slot(slot) + BLOCK] >>> 0
    if (block !== 0) this.#family.arena.setOwner(block * UNIT, owner)
  }

  #store(bytes: Uint8Array, start: number, length: number): number {
    const { arena, memory } = this.#family
    const at = arena.allocate(length)
    try {
      memory.withBytes(at, length, (target, offset) => target.set(bytes.subarray(start, start + length), offset))
    } catch (error) {
      arena.free(at)
      throw error
    }
    return at / UNIT
  }
}

/** A value or, when modules had to be imported first, a Pending that has it later. */
export class Pending {
  readonly promise: Promise<unknown>

  constructor(promise: Promise<unknown>) {
    this.promise = promise
  }
}

function decodeOnceImported(bytes: Uint8Array, start: number, end: number, isLast: boolean): unknown {
  const modules = missingModulesOf(bytes, start, end)
  if (modules.length === 0) return decode(bytes, start, end, isLast)
  const copy = bytes.slice(start, end)
  return new Pending(Promise.all(modules.map(importModule)).then(() => decode(copy, 0, copy.length, isLast)))
}
