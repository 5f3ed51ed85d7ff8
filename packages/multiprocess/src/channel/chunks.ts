/**
 * The chunks of a ring, in a list that begins at LIST of the ring's block. `ring-layout.ts` says which of them a death may lose.
 */
import { UNIT } from '../ground/arena/layout.ts'
import { LISTED_OWNER } from '../ground/arena/process-table.ts'
import type { Family } from '../ground/family.ts'
import { CHUNK_HEADER_BYTES, LENGTH, NEXT, PARCEL, SIZE } from './chunk.ts'
import { END, RAW } from './ring-layout.ts'

export class Chunks {
  readonly #family: Family
  readonly #list: number

  /** @param block the ring's block */
  constructor(family: Family, block: number) {
    this.#family = family
    this.#list = family.shared.listOf(block)
  }

  set first(chunk: number) {
    this.#family.memory.set(this.#list, chunk)
  }

  /** Creates an empty chunk that is in no list yet. */
  create(size: number): number {
    const { arena, memory } = this.#family
    const at = arena.allocate(size, LISTED_OWNER)
    memory.set(at + NEXT, 0)
    memory.set(at + SIZE, size)
    return at / UNIT
  }

  /** Creates the chunk of a long message. It belongs to this process. */
  pack(bytes: Uint8Array, start: number, length: number, isRaw: boolean): number {
    const { arena, memory } = this.#family
    const at = arena.allocate(CHUNK_HEADER_BYTES + length)
    try {
      this.show(at / UNIT, length, (target, offset) => target.set(bytes.subarray(start, start + length), offset))
    } catch (error) {
      arena.free(at)
      throw error
    }
    memory.set(at + SIZE, 0)
    memory.set(at + LENGTH, isRaw ? length | RAW : length)
    memory.set(at + PARCEL, 0)
    return at / UNIT
  }

  /** Puts a chunk after the last one, and tells readers at which offset the last one ends. */
  link(last: number, chunk: number, offset: number): void {
    const { memory, shared } = this.#family
    const left = memory.get(last * UNIT + NEXT)
    memory.set(last * UNIT + NEXT, chunk)
    memory.set(last * UNIT + offset, END)
    // A sender died before it sent its message.
    shared.freeList(left)
  }

  /** Puts the chunk of a long message, and an empty one for the next messages, after the last one. @returns the empty one */
  append(chunk: number, last: number, offset: number, size: number): number {
    const { arena, memory } = this.#family
    const next = this.create(size)
    memory.set(chunk * UNIT + NEXT, next)
    arena.setOwner(chunk * UNIT, LISTED_OWNER)
    this.link(last, chunk, offset)
    return next
  }

  /** Frees the chunks before `head`. @param kept a chunk that is not freed */
  unlink(head: number, kept: number): void {
    const { arena, memory } = this.#family
    for (let chunk = memory.get(this.#list); chunk !== head; ) {
      const next = memory.get(chunk * UNIT + NEXT)
      memory.set(this.#list, next)
      if (chunk !== kept) arena.free(chunk * UNIT)
      chunk = next
    }
  }

  /**
   * Passes the bytes of a long message to `use`. A message longer than a window of the arena is mapped separately, from its page
   * on.
   */
  show<R>(chunk: number, length: number, use: (bytes: Uint8Array, start: number) => R): R {
    return this.#family.memory.withBytes(chunk * UNIT, CHUNK_HEADER_BYTES + length, (bytes, start) =>
      use(bytes, start + CHUNK_HEADER_BYTES)
    )
  }
}
