/** The length of a ring in a shared block's payload. */

/** The words of a ring begin at a multiple of this many bytes. */
export const PADDING = 64
export const RING_WORDS = 84
export const RING_BYTES = PADDING + RING_WORDS * 4
