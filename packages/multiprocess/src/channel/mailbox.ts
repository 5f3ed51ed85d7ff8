/**
 * Frames of bytes for one process, which others put into its ring: what servers and their clients speak through. The word
 * OWNER behind the ring names the process that reads; it is rung in its event loop.
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

/** From the beginning of the block. */
const OWNER_AT = SHARED_HEADER_BYTES + RING_BYTES

const NOTHING = new Uint8Array(0)

export class Mailbox extends SharedObject {
  readonly family: Family
  readonly #ring: Ring
  readonly #owner: number

  /** @internal Made by `createMailbox` and `mailboxAt`. */
  constructor(isFirst: boolean) {
    super()
    const handle = handleOf(this)
    this.family = handle.family
    this.#owner = payloadAt(handle) + RING_BYTES
    this.#ring = new Ring(handle, isFirst ? { messages: 0, bytes: 0 } : undefined, OWNER_AT)
  }

  /** Who reads; 0: nobody yet. */
  get owner(): OwnerId {
    return this.family.memory.get(this.#owner)
  }

  set owner(value: OwnerId) {
    this.family.memory.set(this.#owner, value)
  }

  /**
   * Puts bytes in, and tells the reader.
   * @param parcel what keeps the shared objects that they name
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

  /** Whether all is taken that was in it when this was called: answered anew each time it is asked. */
  untilNow(): () => boolean {
    const end = this.#ring.sent.load()
    return () => ((end - this.#ring.received.load()) | 0) <= 0
  }

  /**
   * Takes what was put in first, and shows it to `use`, which has it for as long as it runs.
   * @returns false when there was nothing
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
    // Reading may run a class's own code, and that may take the next one.
    const { scratch } = ring
    ring.scratch = NOTHING
    try {
      use(scratch, 0, message)
    } finally {
      ring.scratch = scratch
    }
  }
}

/** A new one. @param owner who reads; left out: nobody yet */
export function createMailbox(family: Family, owner: OwnerId = 0): Mailbox {
  const at = family.shared.create(RING_BYTES + 4, '', kindNumber('Mailbox'))
  const mailbox = adopt({ family, at }, () => new Mailbox(true))
  mailbox.owner = owner
  return mailbox
}

/** The object of one that exists. */
export function mailboxAt(handle: Handle): Mailbox {
  return adopt(handle, () => new Mailbox(false))
}
