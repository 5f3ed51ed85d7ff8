/** A chunk of a ring, in the arena; `ring-layout.ts` says what it contains. */
import { UNIT, WINDOW_BYTES } from '../ground/arena/layout.ts'
import type { Memory } from '../ground/arena/memory.ts'

/** A long message that was received: its chunk now belongs to this process. */
export interface LongMessage {
  readonly chunk: number
  readonly length: number
}

export const NEXT = 0
export const SIZE = 4
export const LENGTH = 8
/** The parcel of a long message. */
export const PARCEL = 12
/** The messages of a chunk begin here. */
export const CHUNK_HEADER_BYTES = 16

/** Up to this length, a loop copies faster than a call. */
const LOOPED_BYTES = 48

const NO_WORDS: Int32Array = new Int32Array(0)
const NO_BYTES: Uint8Array = new Uint8Array(0)

/** The chunk that was used last. A chunk lies within one window. */
export class ChunkView {
  chunk = 0
  words = NO_WORDS
  bytes = NO_BYTES
  /** Where the chunk begins in `bytes`. */
  start = 0
  readonly #memory: Memory

  constructor(memory: Memory) {
    this.#memory = memory
  }

  look(chunk: number): void {
    if (chunk === this.chunk) return
    const at = chunk * UNIT
    const { words, bytes } = this.#memory.windowOf(at)
    this.chunk = chunk
    this.words = words
    this.bytes = bytes
    // The `| 0` tells V8 that this is an integer; V8 does not know how large a remainder is.
    this.start = (at % WINDOW_BYTES) | 0
  }

  /** The size of the chunk, read from the arena each time because another chunk may be there by now. */
  get size(): number {
    return this.words[(this.start + SIZE) >> 2]
  }
}

export function copy(source: Uint8Array, from: number, length: number, target: Uint8Array, to: number): void {
  if (length <= LOOPED_BYTES) for (let i = 0; i < length; i++) target[to + i] = source[from + i]
  else target.set(source.subarray(from, from + length), to)
}
