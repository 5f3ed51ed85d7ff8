/**
 * The words of a ring. Messages are one behind the other in chunks, which form a list; a long message has a chunk of its own.
 *
 *     SEND_LOCK, RECEIVE_LOCK   robust locks: one sender, and one receiver, at a time
 *     SENT, RECEIVED            how many messages were sent and received, modulo 2^32. A receiver sleeps on SENT until there is a
 *                               message, a sender on RECEIVED until there is room. Each has a cache line of its own
 *     TAILS, HEADS              two of each: the one at `SENT & 1`, or `RECEIVED & 1`, holds. CHUNK, OFFSET in it, and BYTES
 *                               that have passed
 *     NO_SENDERS, NO_RECEIVERS  1: that end of a pipe is gone
 *     chunk                     NEXT chunk | SIZE of it, 0: it has one long message | LENGTH and PARCEL of that | messages
 *     message                   LENGTH, its parcel if it NAMES shared objects, and LENGTH bytes; or END: the next message begins
 *                               the next chunk. In a LENGTH the bit RAW marks bytes that were sent as they are
 *
 * A sender writes its message behind the tail, then the other one of TAILS, and then SENT: this one store makes both hold.
 * A receiver copies the message, writes the other one of HEADS, and then RECEIVED. So a death before that store has done
 * nothing, and a death after it everything, and the next process has nothing to mend: it overwrites what a dead sender had
 * half-written, and gives back a chunk that the dead sender had linked behind the last one. The message that a dead receiver had
 * taken is lost with it. What becomes of the shared objects that a message names: see ground/arena/parcel-words.ts.
 *
 * The chunks belong to the shared block that the ring is part of: its LIST names the first. Receivers move LIST, and give
 * back the chunks that all have left. A sender fills the chunk of a long message before it takes the lock, while the chunk
 * is its own; a receiver makes it its own after RECEIVED. Between taking a chunk from the arena and linking it, and between
 * unlinking one and giving it back, a death loses that one chunk, and with that of a long message the one behind it, for as
 * long as the family lives, and nothing else.
 */
import type { RingPlaces } from '../ground/arena/parcel-words.ts'
import { SHARED_HEADER_BYTES } from '../ground/arena/shared-blocks.ts'
import { PADDING, RING_WORDS } from './ring-size.ts'

// Words, from a multiple of 64 bytes on. What senders write, what receivers write, and what both read are apart.
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

/** In the place of a message's LENGTH: the next message begins the next chunk. */
export const END = -1
/** In a LENGTH: the bytes were sent as they are. */
export const RAW = 0x80000000 | 0
/** In the LENGTH of a message among others: the word behind it names the message's parcel. */
export const NAMES = 0x40000000
export const FIRST_CHUNK_BYTES = 1024
export const LAST_CHUNK_BYTES = 65_536
/** A longer message has a chunk of its own. */
export const LARGEST_INLINE = 16_384

/** Where the words begin, from the beginning of the ring's block. */
export const WORDS_AT: number = Math.ceil(SHARED_HEADER_BYTES / PADDING) * PADDING

/** What `Parcels.enlist` asks of a ring. */
export const PLACES: RingPlaces = {
  sent: WORDS_AT + SENT * 4,
  received: WORDS_AT + RECEIVED * 4,
  unread: WORDS_AT + NO_RECEIVERS * 4,
  reader: 0
}

/** For `SharedBlocks.link`: what becomes 1 when an end of a pipe goes, and who is woken then. */
export const RECEIVING_END = { gone: place(NO_RECEIVERS), wake: place(RECEIVED) }
export const SENDING_END = { gone: place(NO_SENDERS), wake: place(SENT) }

function place(word: number): number {
  return WORDS_AT + word * 4
}

/** What is waited for, for reports: see `Wait.subject`. @param at where the words of the ring begin */
export function subjectsOf(block: number, at: number): { sent: string; received: string; done: string } {
  const size = `which has {difference ${at + SENT * 4} ${at + RECEIVED * 4}} messages`
  return {
    sent: `to receive from {block ${block}}, ${size}`,
    received: `to send to {block ${block}}, ${size}`,
    done: `for the {difference ${at + SENT * 4} ${at + DONE * 4}} items of {block ${block}} that are not done`
  }
}
