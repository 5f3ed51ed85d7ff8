/** What a ring takes of a shared block's payload. */

/** Its words begin at a multiple of so many bytes. */
export const PADDING = 64
export const RING_WORDS = 84
export const RING_BYTES = PADDING + RING_WORDS * 4
