/**
 * Blocks that belong to no process alone. A block lives as long as a process holds it, or another block keeps it.
 *
 *     COUNT           1 while something keeps it that no other word tells
 *     LIST            the first of the blocks that go with it, in units of 64 bytes; each names the next in its first word
 *                     < 0: as many links begin the block's own bytes, each BLOCK that it keeps | GONE | WAKE: when it goes, the
 *                     word at GONE in that block becomes 1, and who sleeps on the one at WAKE is woken; GONE 0: nobody is told
 *     HOLDERS         a bit for each slot of the process table: who holds it
 *     ORIGIN          < PARCEL: PARCEL less its kind, see block-kinds.ts; > 0: where behind them stands what it is and where it was made:
 *                     a length, the kind, and that many bytes of text
 *     LINKS           blocks whose links name it; changed through the arena's undo log
 *     NEXT, PREVIOUS  of a ring and the parcels in it: see parcel-words.ts
 *     the rest        what it is for
 *
 * A block goes when COUNT, HOLDERS and LINKS are all 0 and no ring has it. A process that comes to hold it sets its bit, under the
 * arena's lock, while another holder has the block; a process that lets go clears its bit, and whoever reaps a dead process does
 * that in its stead. After each step that may have been the last, all of them are looked at, and looked at once more under the lock:
 * no bit can be set then, and where none was and nothing keeps the block, none can come. The block is given back, what its links
 * name is told, and its LINKS are lowered, in one change of the arena. So a death leaves either a block that nobody has, which the
 * reaper finds, since it looks at all of them, or one that is gone; the reaper also wakes those whom the dead process did not come
 * to wake.
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
/** Parcels that are taken out of the list of a ring in one change, so that the journal has room. */
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
   * @param wake wakes all who sleep on a word
   * @param dropElsewhere lets go of a parcel of another family, which one of this family has kept
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
   * A block of zeros, held by this process.
   * @param size bytes besides the header
   * @param origin what it is, and where it was made, for reports; ''
   * @param kind an index of BLOCK_KINDS, for those who look on from outside
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

  /** What `create` was told of a block's origin; '' for one that is gone, too. */
  originOf(at: number): string {
    if (!this.isBlock(at)) return ''
    const origin = this.#memory.get(at + ORIGIN)
    if (origin <= 0) return ''
    const length = this.#memory.get(at + origin)
    return this.#memory.withBytes(at + origin + ORIGIN_TEXT, length, (bytes, start) =>
      Buffer.from(bytes.subarray(start, start + length)).toString()
    )
  }

  /** Whether a block of this kind begins there. */
  isBlock(at: number): boolean {
    return Number.isSafeInteger(at) && at > 0 && this.#arena.ownerOf(at) === SHARED_OWNER
  }

  /** A process holds the block from now on; until then another holder must have it. @param holder left out: this process */
  hold(at: number, holder: OwnerId = this.#self): void {
    this.#arena.examine(at, SHARED_OWNER, () => this.#setBit(at, holder))
  }

  /** A process holds the block no longer. @param holder left out: this process */
  drop(at: number, holder: OwnerId = this.#self): void {
    this.#clearBit(at, holder)
    this.#settle(at)
  }

  isHolder(at: number, holder: OwnerId): boolean {
    const { words, index, bit } = this.#holder(at, holder)
    return (Atomics.load(words, index) & bit) !== 0
  }

  /** Where the first of the blocks is named that go when this one does. They belong to LISTED_OWNER. */
  listOf(at: number): number {
    return at + LIST
  }

  /**
   * Makes the block keep others from now on; once, right after `create`.
   * @param links which, with offsets in them of words
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

  /** The block that a link names. */
  linked(at: number, index: number): number {
    return this.#memory.get(at + SHARED_HEADER_BYTES + index * LINK_BYTES) * UNIT
  }

  /** Gives back blocks of a list. @param unit of the first, 0: none */
  freeList(unit: number): void {
    while (unit !== 0) {
      const next = this.#memory.get(unit * UNIT)
      this.#arena.free(unit * UNIT)
      unit = next
    }
  }

  /**
   * A dead process, whose slot is not free yet, holds nothing, and what it was about to give back is given back. Another may
   * reap it too, and be done with it first: what the next one in its slot holds stays. That one comes to hold nothing while
   * this looks, for both take the arena's lock.
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

  /** Gives it back if nobody has it. */
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

  /** @returns what is to be done afterwards; undefined: somebody has it */
  #giveBack(at: number, change: Change): (() => void) | undefined {
    const memory = this.#memory
    // In this order: a sender lets go once the ring has the parcel, and a receiver has its bit before the ring lets go.
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

  /** Lets go of the parcels of a ring that nobody reads any more. */
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

  /** Takes parcels out of a ring that nobody has: they go before it does. */
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
