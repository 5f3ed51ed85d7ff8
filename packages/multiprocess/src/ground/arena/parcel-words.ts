/**
 * The words of a parcel: a shared block whose links keep the blocks that one message names. A parcel is held like any block, so a
 * reference in transit always belongs to a process or to a ring, and goes with it:
 *
 *     the sender creates the parcel, and holds it until the message is handed over
 *     a process that is being started has its bit in the parcel, set by its parent before the process exists
 *     a ring has the parcel while the ring contains the message. Under the ring's lock for sending, the parcel is put into the list
 *               that begins at the ring's NEXT, with the number of its message (SEQUENCE). The ring has it while RECEIVED <= SEQUENCE <
 *               SENT, so the one store that sends the message gives the parcel to the ring, and the one store that takes the
 *               message takes the parcel away. The receiver sets its bit before that store, and takes the parcel out of the list
 *               after it. If a sender dies before its store, whoever takes over the dead sender's lock takes the parcel out, or the
 *               reaper does; when the ring goes, all remaining parcels are taken out
 *     a ring has no parcels when no process can read it any more: its receiving end is gone (UNREAD), or the one process that
 *               reads it is (READER). Whoever frees the receiving end, or reaps the process, releases the remaining parcels; a
 *               later sender finds that the ring has not taken its parcel
 *     the reader releases the parcel once it has read the message, and then holds the blocks that it found in the message itself
 *
 * A parcel that was given to a process without a ring names its GIVER until that process takes it.
 */
import type { Change } from './arena.ts'
import { SLOT_COUNT, UNIT, WINDOW_BYTES } from './layout.ts'
import type { Memory } from './memory.ts'
import type { OwnerId } from './process-table.ts'

// Words of every shared block.
export const LIST = 4
export const HOLDERS = 8
export const ORIGIN = HOLDERS + SLOT_COUNT / 8
/** Relative to the place that ORIGIN points to: the block's kind, and its text. */
export const ORIGIN_KIND = 4
export const ORIGIN_TEXT = 8
export const LINKS = ORIGIN + 4
/** In a ring: its first parcel. In a parcel: the next one of its ring. Both in units; 0 means none. */
export const NEXT = ORIGIN + 8
/** In a parcel that is in the list of a ring: the parcel, or ring, before it; 0 if the parcel is in no list. */
export const PREVIOUS = ORIGIN + 12
/** The block's own bytes begin here, at a multiple of 8. */
export const SHARED_HEADER_BYTES = ORIGIN + 16
export const LINK_BYTES = 12

/** The ORIGIN of a parcel. */
export const PARCEL = -1
/** The number of links of one parcel. The first link of the next parcel keeps a full one. */
export const PARCEL_LINKS = 6
// Words of a parcel, after its links.
export const RING = SHARED_HEADER_BYTES + PARCEL_LINKS * LINK_BYTES
/** Where the ring's counters are, in bytes from the beginning of its block. */
export const SENT = RING + 4
export const RECEIVED = RING + 8
export const SEQUENCE = RING + 12
/** The ring's word that becomes nonzero once no process can read its messages any more. */
export const UNREAD = RING + 16
/**
 * The ring's word that names the one process that reads its messages (the word is 0 if there is none yet); 0 if several may read.
 */
export const READER = RING + 20
export const GIVER = RING + 24
/**
 * The parcel in another family that keeps the blocks of that family named by the message: the family's number, and the parcel's
 * place there in units; 0 means none.
 */
export const OTHER_FAMILY = RING + 28
export const OTHER_PARCEL = RING + 32
export const PARCEL_BYTES = RING + 36 - SHARED_HEADER_BYTES

/** Where a ring's words are that tell which of its messages were sent and received, in bytes from the beginning of its block. */
export interface RingPlaces {
  readonly sent: number
  readonly received: number
  /** See UNREAD. */
  readonly unread: number
  /** See READER. */
  readonly reader: number
}

/**
 * Returns true while a ring has the block (which is then a parcel).
 * @param isGone returns true if a process, the only reader of a ring, will read nothing more
 */
export function isInRing(memory: Memory, at: number, isGone: (reader: OwnerId) => boolean): boolean {
  if (memory.get(at + PREVIOUS) === 0 || isUnsent(memory, at)) return false
  if (((memory.get(at + SEQUENCE) - ringWord(memory, at, RECEIVED)) | 0) < 0) return false
  if (ringWord(memory, at, UNREAD) !== 0) return false
  const reader = memory.get(at + READER) === 0 ? 0 : ringWord(memory, at, READER)
  return reader === 0 || !isGone(reader)
}

/** Returns true if the message of a parcel in a list has not been sent yet. */
export function isUnsent(memory: Memory, parcel: number): boolean {
  return ((memory.get(parcel + SEQUENCE) - ringWord(memory, parcel, SENT)) | 0) >= 0
}

function ringWord(memory: Memory, parcel: number, word: number): number {
  const at = memory.get(parcel + RING) * UNIT + memory.get(parcel + word)
  return Atomics.load(memory.windowOf(at).words, (at % WINDOW_BYTES) >> 2)
}

/** Takes a parcel out of the list that contains it, if any. */
export function delist(memory: Memory, parcel: number, change: Change): void {
  const previous = memory.get(parcel + PREVIOUS)
  if (previous === 0) return
  const next = memory.get(parcel + NEXT)
  change.set(previous * UNIT + NEXT, next)
  if (next !== 0) change.set(next * UNIT + PREVIOUS, previous)
  change.set(parcel + NEXT, 0)
  change.set(parcel + PREVIOUS, 0)
}
