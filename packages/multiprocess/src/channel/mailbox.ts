/**
 * A mailbox: a ring of frames of bytes that one process reads. Servers and their clients communicate through mailboxes. The word
 * OWNER after the ring names the process that reads; its event loop is rung.
 */

import { kindNumber } from '../ground/arena/block-kinds.ts'
import type { OwnerId } from '../ground/arena/process-table.ts'
import { SHARED_HEADER_BYTES } from '../ground/arena/shared-blocks.ts'
import type { Family } from '../ground/family.ts'
import { type Parcel, withParcel } from '../ground/parcel.ts'
import { adopt, type Handle, handleOf, payloadAt, SharedObject } from '../memory/shared-object.ts'
import type { LongMessage } from './chunk.ts'
import { LARGEST_INLINE, Ring } from './ring.ts' // lazy
import { RING_BYTES } from './ring-size.ts'

/** The place of OWNER, from the beginning of the block. */
const OWNER_AT = SHARED_HEADER_BYTES + RING_BYTES

const NOTHING = new Uint8Array(0)

export class Mailbox extends SharedObject {
  readonly family: Family
  readonly #ring: Ring
  readonly #owner: number

  /** @internal `createMailbox` and `mailboxAt` create mailboxes. */
  constructor(isFirst: boolean) {
    super()
    const handle = handleOf(this)
    this.family = handle.family
    this.#owner = payloadAt(handle) + RING_BYTES
    this.#ring = new Ring(handle, isFirst ? { messages: 0, bytes: 0 } : undefined, OWNER_AT)
  }

  /** The process that reads; 0 if there is none yet. */
  get owner(): OwnerId {
    return this.family.memory.get(this.#owner)
  }

  set owner(value: OwnerId) {
    this.family.memory.set(this.#owner, value)
  }

  /**
   * Puts bytes into the mailbox, and wakes the reader.
   * @param parcel keeps the shared objects that the bytes name
   * @throws MultiprocessError `ERR_OUT_OF_MEMORY`
   */
  post(bytes: Uint8Array, start: number, length: number, parcel: Parcel | null = null): void {
    const ring = this.#ring
    const chunk = length > LARGEST_INLINE ? ring.pack(bytes, start, length, true) : 0
    try {
      ring.send(bytes, start, length, true, chunk, parcel)
    } catch (error) {
      ring.discard(chunk)
      throw error
    }
    this.family.loop.ring(this.owner)
  }

  get isEmpty(): boolean {
    return this.#ring.isEmpty
  }

  /** Returns a function that returns true once all frames have been taken that were in the mailbox at the time of this call. */
  untilNow(): () => boolean {
    const end = this.#ring.sent.load()
    return () => ((end - this.#ring.received.load()) | 0) <= 0
  }

  /**
   * Takes the first frame and passes its bytes to `use`, which must not keep them.
   * @returns false if the mailbox was empty
   */
  take(use: (bytes: Uint8Array, start: number, end: number) => void): boolean {
    const ring = this.#ring
    const message = ring.receive()
    if (message === undefined) return false
    if (ring.parcel === 0) this.#show(message, use)
    else withParcel(this.family, ring.parcel, () => this.#show(message, use))
    return true
  }

  #show(message: number | LongMessage, use: (bytes: Uint8Array, start: number, end: number) => void): void {
    const ring = this.#ring
    if (typeof message !== 'number') {
      try {
        ring.read(message, (bytes, start) => use(bytes, start, start + message.length))
      } finally {
        ring.free(message)
      }
      return
    }
    // Reading may run code of a class, and that code may take the next frame.
    const { scratch } = ring
    ring.scratch = NOTHING
    try {
      use(scratch, 0, message)
    } finally {
      ring.scratch = scratch
    }
  }
}

/** Creates a mailbox. @param owner the process that reads; none by default */
export function createMailbox(family: Family, owner: OwnerId = 0): Mailbox {
  const at = family.shared.create(RING_BYTES + 4, '', kindNumber('Mailbox'))
  const mailbox = adopt({ family, at }, () => new Mailbox(true))
  mailbox.owner = owner
  return mailbox
}

/** Returns an object for a mailbox that exists. */
export function mailboxAt(handle: Handle): Mailbox {
  return adopt(handle, () => new Mailbox(false))
}
