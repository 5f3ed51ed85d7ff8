/** Parcels keep the blocks that messages name while the messages are in transit. `parcel-words.ts` has the protocol. */
import type { Arena } from './arena.ts'
import { UNIT } from './layout.ts'
import type { Memory } from './memory.ts'
import {
  delist,
  GIVER,
  isUnsent,
  LINK_BYTES,
  LINKS,
  LIST,
  NEXT,
  ORIGIN,
  OTHER_FAMILY,
  OTHER_PARCEL,
  PARCEL,
  PARCEL_BYTES,
  PARCEL_LINKS,
  PREVIOUS,
  READER,
  RECEIVED,
  RING,
  type RingPlaces,
  SENT,
  SEQUENCE,
  SHARED_HEADER_BYTES,
  UNREAD
} from './parcel-words.ts'
import { type OwnerId, SHARED_OWNER } from './process-table.ts'
import type { SharedBlocks } from './shared-blocks.ts'

export class Parcels {
  readonly #memory: Memory
  readonly #arena: Arena
  readonly #blocks: SharedBlocks
  readonly #self: OwnerId

  constructor(memory: Memory, arena: Arena, blocks: SharedBlocks, self: OwnerId) {
    this.#memory = memory
    this.#arena = arena
    this.#blocks = blocks
    this.#self = self
  }

  /** Creates an empty parcel, held by this process. */
  create(): number {
    const at = this.#blocks.create(PARCEL_BYTES)
    this.#memory.set(at + ORIGIN, PARCEL)
    return at
  }

  /**
   * Makes a parcel of this process keep a block that this process holds.
   * @returns the parcel; if it is full, a new one that keeps the first
   */
  add(parcel: number, block: number): number {
    const count = -this.#memory.get(parcel + LIST)
    if (count === PARCEL_LINKS) {
      const next = this.add(this.create(), parcel)
      this.#blocks.drop(parcel)
      return this.add(next, block)
    }
    this.#arena.examine(parcel, SHARED_OWNER, change => {
      this.#memory.set(parcel + SHARED_HEADER_BYTES + count * LINK_BYTES, block / UNIT)
      change.set(block + LINKS, this.#memory.get(block + LINKS) + 1)
      change.set(parcel + LIST, -(count + 1))
    })
    return parcel
  }

  /** Makes a parcel of this process also keep a parcel of another family. */
  addOther(parcel: number, family: number, other: number): void {
    this.#memory.set(parcel + OTHER_FAMILY, family)
    this.#memory.set(parcel + OTHER_PARCEL, other / UNIT)
  }

  /** Gives a parcel of this process to another process, too. That process calls `taken` when it has found the parcel. */
  give(parcel: number, to: OwnerId): void {
    this.#memory.set(parcel + GIVER, this.#self)
    this.#blocks.hold(parcel, to)
  }

  taken(parcel: number): void {
    this.#memory.set(parcel + GIVER, 0)
  }

  /** Releases the parcels that a process, which is gone, gave to this process and that this process has not taken. */
  takeBack(giver: OwnerId): void {
    const given: number[] = []
    this.#arena.sweep(SHARED_OWNER, at => {
      const isGiven = this.#memory.get(at + ORIGIN) === PARCEL && this.#memory.get(at + GIVER) === giver
      if (isGiven && this.#blocks.isHolder(at, this.#self)) given.push(at)
    })
    for (const at of given) this.#blocks.drop(at)
  }

  /**
   * Puts a parcel of this process into the list of a ring. This process must hold the ring's lock for sending.
   * @param sequence the number of the message that is about to be sent
   */
  enlist(parcel: number, ring: number, places: RingPlaces, sequence: number): void {
    const memory = this.#memory
    memory.set(parcel + RING, ring / UNIT)
    memory.set(parcel + SENT, places.sent)
    memory.set(parcel + RECEIVED, places.received)
    memory.set(parcel + UNREAD, places.unread)
    memory.set(parcel + READER, places.reader)
    memory.set(parcel + SEQUENCE, sequence)
    this.#arena.examine(parcel, SHARED_OWNER, change => {
      const first = memory.get(ring + NEXT)
      change.set(parcel + NEXT, first)
      change.set(parcel + PREVIOUS, ring / UNIT)
      if (first !== 0) change.set(first * UNIT + PREVIOUS, parcel / UNIT)
      change.set(ring + NEXT, parcel / UNIT)
    })
  }

  /** Takes a parcel, which this process holds, out of the list of its ring. */
  delist(parcel: number): void {
    this.#arena.examine(parcel, SHARED_OWNER, change => delist(this.#memory, parcel, change))
  }

  /**
   * Takes out of a ring's list what a dead sender put into it but did not send. This process has taken over the dead sender's
   * lock.
   */
  delistUnsent(ring: number): void {
    this.#arena.examine(ring, SHARED_OWNER, change => {
      const first = this.#memory.get(ring + NEXT) * UNIT
      if (first !== 0 && isUnsent(this.#memory, first)) delist(this.#memory, first, change)
    })
  }
}
