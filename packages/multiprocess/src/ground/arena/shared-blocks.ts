/**
 * Blocks that belong to no process alone. A block lives as long as a process holds it, or another block keeps it.
 *
 *     COUNT           1 while something keeps the block that no other word names
 *     LIST            the first of the blocks that go with it, in units of 64 bytes; each names the next in its first word
 *                     < 0: this many links begin the block's own bytes, each BLOCK that it keeps | GONE | WAKE: when it goes, the
 *                     word at GONE in that block becomes 1, and the sleepers on the word at WAKE are woken; if GONE is 0, neither
 *     HOLDERS         a bit for each slot of the process table: the processes that hold the block
 *     ORIGIN          < PARCEL: PARCEL minus its kind, see block-kinds.ts; > 0: where the block has, after its own bytes, what it is
 *                     and where it was created: a length, the kind, and that many bytes of text
 *     LINKS           the number of links of other blocks that name it; changed through the arena's undo log
 *     NEXT, PREVIOUS  of a ring and the parcels in it: see parcel-words.ts
 *     the rest        the block's own bytes
 *
 * A block goes when COUNT, HOLDERS and LINKS are all 0 and no ring has it. A process that begins to hold a block sets its bit,
 * under the arena's lock, while another holder has the block. A process that releases a block clears its bit; whoever reaps a
 * dead process clears the dead process's bits. After each step that may have been the last, all words are examined, and examined
 * again under the lock: no bit can be set then, and if no bit is set and nothing keeps the block, none can be set later. In one
 * change of the arena, the block is freed, the blocks that its links name learn of it, and their LINKS are lowered. So a death
 * leaves either a block that no process has, which the reaper finds because it examines all blocks, or one that is gone. The
 * reaper also wakes the sleepers that the dead process had not woken yet.
 */
import type { Arena, Change } from './arena.ts'
import { SLOT_COUNT, UNIT, WINDOW_BYTES } from './layout.ts'
import type { Memory } from './memory.ts'
import {
  delist,
  HOLDERS,
  isInRing,
  LINK_BYTES,
  LINKS,
  LIST,
  NEXT,
  ORIGIN,
  ORIGIN_KIND,
  ORIGIN_TEXT,
  OTHER_FAMILY,
  OTHER_PARCEL,
  PARCEL,
  PREVIOUS,
  SHARED_HEADER_BYTES
} from './parcel-words.ts'
import { type OwnerId, type ProcessTable, SHARED_OWNER, slotOf } from './process-table.ts'

const COUNT = 0
/** The maximum number of parcels taken out of a ring's list in one change, so that the journal has room. */
const MOST_DELISTED = 64

export { SHARED_HEADER_BYTES } from './parcel-words.ts'

export class SharedBlocks {
  readonly #memory: Memory
  readonly #arena: Arena
  readonly #table: ProcessTable
  readonly #self: OwnerId

  readonly #wake: (at: number) => void
  readonly #dropElsewhere: (family: number, parcel: number) => void

  /**
   * @param wake wakes all sleepers on a word
   * @param dropElsewhere releases a parcel of another family that a parcel of this family has kept
   */
  constructor(
    memory: Memory,
    arena: Arena,
    table: ProcessTable,
    self: OwnerId,
    wake: (at: number) => void,
    dropElsewhere: (family: number, parcel: number) => void
  ) {
    this.#memory = memory
    this.#arena = arena
    this.#table = table
    this.#self = self
    this.#wake = wake
    this.#dropElsewhere = dropElsewhere
  }

  /**
   * Creates a block of zeros, held by this process.
   * @param size bytes besides the header
   * @param origin what the block is and where it was created, for reports; or ''
   * @param kind an index of BLOCK_KINDS, for observers outside the family
   */
  create(size: number, origin = '', kind = 0): number {
    const end = SHARED_HEADER_BYTES + Math.ceil(size / 4) * 4
    const text = origin === '' ? undefined : Buffer.from(origin)
    const length = text === undefined ? SHARED_HEADER_BYTES + size : end + ORIGIN_TEXT + text.length
    const at = this.#arena.allocate(length)
    this.#memory.withBytes(at, length, (bytes, start) => {
      bytes.fill(0, start, start + length)
      if (text !== undefined) bytes.set(text, start + end + ORIGIN_TEXT)
    })
    if (text !== undefined) {
      this.#memory.set(at + end, text.length)
      this.#memory.set(at + end + ORIGIN_KIND, kind)
    }
    if (text !== undefined || kind > 0) this.#memory.set(at + ORIGIN, text === undefined ? PARCEL - kind : end)
    this.#setBit(at)
    this.#arena.setOwner(at, SHARED_OWNER)
    return at
  }

  /** Returns the origin that was passed to `create`; '' also for a block that is gone. */
  originOf(at: number): string {
    if (!this.isBlock(at)) return ''
    const origin = this.#memory.get(at + ORIGIN)
    if (origin <= 0) return ''
    const length = this.#memory.get(at + origin)
    return this.#memory.withBytes(at + origin + ORIGIN_TEXT, length, (bytes, start) =>
      Buffer.from(bytes.subarray(start, start + length)).toString()
    )
  }

  /** Returns true if a block that belongs to no process alone begins there. */
  isBlock(at: number): boolean {
    return Number.isSafeInteger(at) && at > 0 && this.#arena.ownerOf(at) === SHARED_OWNER
  }

  /** Makes a process hold the block. Until then, another holder must have it. @param holder this process by default */
  hold(at: number, holder: OwnerId = this.#self): void {
    this.#arena.examine(at, SHARED_OWNER, () => this.#setBit(at, holder))
  }

  /** Makes a process release the block. @param holder this process by default */
  drop(at: number, holder: OwnerId = this.#self): void {
    this.#clearBit(at, holder)
    this.#settle(at)
  }

  isHolder(at: number, holder: OwnerId): boolean {
    const { words, index, bit } = this.#holder(at, holder)
    return (Atomics.load(words, index) & bit) !== 0
  }

  /** Returns the place of the word that names the first of the blocks that go with this one. They belong to LISTED_OWNER. */
  listOf(at: number): number {
    return at + LIST
  }

  /**
   * Makes the block keep others. May be called once, right after `create`.
   * @param links the blocks, and the offsets of their words GONE and WAKE
   */
  link(at: number, links: readonly { readonly block: number; readonly gone: number; readonly wake: number }[]): void {
    this.#arena.examine(at, SHARED_OWNER, change => {
      links.forEach(({ block, gone, wake }, i) => {
        change.set(block + LINKS, this.#memory.get(block + LINKS) + 1)
        const link = at + SHARED_HEADER_BYTES + i * LINK_BYTES
        this.#memory.set(link, block / UNIT)
        this.#memory.set(link + 4, gone)
        this.#memory.set(link + 8, wake)
      })
      change.set(at + LIST, -links.length)
    })
  }

  /** Returns the block that a link names. */
  linked(at: number, index: number): number {
    return this.#memory.get(at + SHARED_HEADER_BYTES + index * LINK_BYTES) * UNIT
  }

  /** Frees the blocks of a list. @param unit the first block, in units; 0 means none */
  freeList(unit: number): void {
    while (unit !== 0) {
      const next = this.#memory.get(unit * UNIT)
      this.#arena.free(unit * UNIT)
      unit = next
    }
  }

  /**
   * Makes a dead process, whose slot is not free yet, release all it holds, and frees what it was about to free. Another process
   * may reap it, too, and finish first: then the bits of the next process in the slot must stay. That process cannot begin to
   * hold a block while this method examines it, because both take the arena's lock.
   */
  countOut(dead: OwnerId): void {
    const ends: (() => void)[] = []
    this.#table.setReaped(dead)
    this.#arena.sweep(SHARED_OWNER, (at, change) => {
      if (this.#table.isLive(dead) || this.#table.isStarting(dead)) this.#clearBit(at, dead)
      const end = this.#giveBack(at, change)
      if (end !== undefined) ends.push(end)
    })
    for (const end of ends) end()
  }

  /** Frees the block if nothing has it. */
  #settle(at: number): void {
    if (this.#isHad(at)) return
    let end: (() => void) | undefined
    this.#arena.examine(at, SHARED_OWNER, change => {
      end = this.#giveBack(at, change)
    })
    end?.()
  }

  #isHad(at: number): boolean {
    const words = this.#words(at)
    const count = this.#index(at + COUNT)
    if (Atomics.load(words, count) !== 0 || Atomics.load(words, this.#index(at + LINKS)) !== 0) return true
    const own = this.#holder(at, this.#self)
    if (Atomics.load(words, own.index) !== 0) return true
    const holders = this.#index(at + HOLDERS)
    for (let i = 0; i < SLOT_COUNT / 32; i++) if (Atomics.load(words, holders + i) !== 0) return true
    return Atomics.load(words, count) !== 0
  }

  /** @returns a function to run after the change; undefined if something has the block */
  #giveBack(at: number, change: Change): (() => void) | undefined {
    const memory = this.#memory
    // In this order: a sender releases the parcel once the ring has it, and a receiver sets its bit before the ring releases it.
    if (this.#isHad(at) || isInRing(memory, at, this.#isGone)) return undefined
    if (memory.get(at + PREVIOUS) !== 0) delist(memory, at, change)
    else if (memory.get(at + NEXT) !== 0) return this.#takeParcels(at, change)
    const isParcel = memory.get(at + ORIGIN) === PARCEL
    const other = isParcel ? memory.get(at + OTHER_PARCEL) * UNIT : 0
    const otherFamily = isParcel ? memory.get(at + OTHER_FAMILY) : 0
    const list = memory.get(at + LIST)
    if (list > 0) {
      change.free()
      return () => this.freeList(list)
    }
    const links = Array.from({ length: -list }, (_, i) => {
      const link = at + SHARED_HEADER_BYTES + i * LINK_BYTES
      return { block: this.linked(at, i), gone: memory.get(link + 4), wake: memory.get(link + 8) }
    })
    for (const { block, gone } of links) {
      if (gone !== 0) Atomics.store(this.#words(block), this.#index(block + gone), 1)
      change.set(block + LINKS, memory.get(block + LINKS) - 1)
    }
    change.free()
    return () => {
      for (const { block, gone, wake } of links) {
        if (gone !== 0) {
          this.#wake(block + wake)
          this.#settleParcels(block)
        }
        this.#settle(block)
      }
      if (other !== 0) this.#dropElsewhere(otherFamily, other)
    }
  }

  /** Releases the parcels of a ring that no process reads any more. */
  #settleParcels(ring: number): void {
    const parcels: number[] = []
    this.#arena.examine(ring, SHARED_OWNER, () => {
      for (let unit = this.#memory.get(ring + NEXT); unit !== 0; unit = this.#memory.get(unit * UNIT + NEXT)) {
        parcels.push(unit * UNIT)
      }
    })
    for (const parcel of parcels) this.#settle(parcel)
  }

  /** Returns true if a process that was the only reader of a ring reads no more. */
  readonly #isGone = (reader: OwnerId): boolean => {
    const table = this.#table
    return (!table.isLive(reader) && !table.isStarting(reader)) || table.isReaped(reader)
  }

  /** Takes the parcels out of a ring that nothing has: they go before the ring does. */
  #takeParcels(ring: number, change: Change): () => void {
    const parcels: number[] = []
    for (let i = 0; i < MOST_DELISTED; i++) {
      const parcel = this.#memory.get(ring + NEXT) * UNIT
      if (parcel === 0) break
      delist(this.#memory, parcel, change)
      parcels.push(parcel)
    }
    return () => {
      for (const parcel of [...parcels, ring]) this.#settle(parcel)
    }
  }

  #setBit(at: number, owner: OwnerId = this.#self): void {
    const { words, index, bit } = this.#holder(at, owner)
    Atomics.or(words, index, bit)
  }

  #clearBit(at: number, owner: OwnerId): void {
    const { words, index, bit } = this.#holder(at, owner)
    Atomics.and(words, index, ~bit)
  }

  #holder(at: number, owner: OwnerId): { words: Int32Array; index: number; bit: number } {
    const slot = slotOf(owner)
    return { words: this.#words(at), index: this.#index(at + HOLDERS) + (slot >> 5), bit: 1 << (slot & 31) }
  }

  #words(at: number): Int32Array {
    return this.#memory.windowOf(at).words
  }

  #index(at: number): number {
    return (at % WINDOW_BYTES) >> 2
  }
}
