/**
 * The words of a ring. Messages follow one another in chunks, which form a list; a long message has its own chunk.
 *
 *     SEND_LOCK, RECEIVE_LOCK   robust locks: one sender, and one receiver, at a time
 *     SENT, RECEIVED            how many messages were sent and received, modulo 2^32. A receiver sleeps on SENT until there is a
 *                               message, a sender on RECEIVED until there is room. Each has its own cache line
 *     TAILS, HEADS              two of each: the one at `SENT & 1`, or `RECEIVED & 1`, is valid. CHUNK, OFFSET in it, and BYTES
 *                               that have passed
 *     NO_SENDERS, NO_RECEIVERS  1: that end of a pipe is gone
 *     chunk                     NEXT chunk | its SIZE, 0 if it has one long message | LENGTH and PARCEL of that | messages
 *     message                   LENGTH, its parcel if it NAMES shared objects, and LENGTH bytes; or END: the next message begins
 *                               the next chunk. In a LENGTH, the bit RAW marks bytes that were sent as they are
 *
 * A sender writes its message after the tail, then the other one of TAILS, and then SENT: this one store makes both valid. A
 * receiver copies the message, writes the other one of HEADS, and then RECEIVED. So a death before that store has no effect, and
 * a death after it leaves nothing unfinished. The next process has nothing to repair: it overwrites what a dead sender had
 * half-written, and frees a chunk that the dead sender had linked after the last one. A message that a dead receiver had taken is
 * lost with it. `ground/arena/parcel-words.ts` says what happens to the shared objects that a message names.
 *
 * The chunks belong to the shared block that contains the ring: its LIST names the first chunk. Receivers move LIST, and free the
 * chunks that all receivers have left. A sender fills the chunk of a long message before it takes the lock, while the chunk
 * belongs to the sender; a receiver makes that chunk its own after RECEIVED. Between allocating a chunk and linking it, and
 * between unlinking a chunk and freeing it, a death loses only that chunk (and, if it has a long message, the one after it) for
 * as long as the family lives.
 */
import type { RingPlaces } from '../ground/arena/parcel-words.ts'
import { SHARED_HEADER_BYTES } from '../ground/arena/shared-blocks.ts'
import { PADDING, RING_WORDS } from './ring-size.ts'

// Words, from a multiple of 64 bytes on. Words that senders write, words that receivers write, and words that both read are in
// separate cache lines.
export const SEND_LOCK = 0
export const TAILS = 4
export const SENT = 16
export const RECEIVE_LOCK = 32
export const HEADS = 36
export const RECEIVED = 48
export const DONE = 64
export const MOST_MESSAGES = 80
export const MOST_BYTES = 81
export const NO_SENDERS = 82
export const NO_RECEIVERS = RING_WORDS - 1

// Words of a place, in TAILS and HEADS.
export const CHUNK = 0
export const OFFSET = 1
export const BYTES = 2
export const PLACE_WORDS = 4

/** Instead of a message's LENGTH: the next message begins the next chunk. */
export const END = -1
/** A bit of LENGTH: the bytes were sent as they are. */
export const RAW = 0x80000000 | 0
/** A bit of the LENGTH of a message in a chunk with others: the next word names the message's parcel. */
export const NAMES = 0x40000000
export const FIRST_CHUNK_BYTES = 1024
export const LAST_CHUNK_BYTES = 65_536
/** A longer message has its own chunk. */
export const LARGEST_INLINE = 16_384

/** Where the words begin, from the beginning of the ring's block. */
export const WORDS_AT: number = Math.ceil(SHARED_HEADER_BYTES / PADDING) * PADDING

/** The places that `Parcels.enlist` needs. */
export const PLACES: RingPlaces = {
  sent: WORDS_AT + SENT * 4,
  received: WORDS_AT + RECEIVED * 4,
  unread: WORDS_AT + NO_RECEIVERS * 4,
  reader: 0
}

/** For `SharedBlocks.link`: the word that becomes 1 when an end of a pipe goes, and the word whose sleepers are woken then. */
export const RECEIVING_END = { gone: place(NO_RECEIVERS), wake: place(RECEIVED) }
export const SENDING_END = { gone: place(NO_SENDERS), wake: place(SENT) }

function place(word: number): number {
  return WORDS_AT + word * 4
}

/** Returns what a waiter on a ring waits for, for reports: see `Wait.subject`. @param at where the words of the ring begin */
export function subjectsOf(block: number, at: number): { sent: string; received: string; done: string } {
  const size = `which has {difference ${at + SENT * 4} ${at + RECEIVED * 4}} messages`
  return {
    sent: `to receive from {block ${block}}, ${size}`,
    received: `to send to {block ${block}}, ${size}`,
    done: `for the {difference ${at + SENT * 4} ${at + DONE * 4}} items of {block ${block}} that are not done`
  }
}
