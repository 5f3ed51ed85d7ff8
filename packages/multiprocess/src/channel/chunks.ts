/** The chunks of a ring, as a list that begins at LIST of the ring's block. `ring.ts` says what a death may lose of them. */
import { UNIT } from '../ground/arena/layout.ts'
import { LISTED_OWNER } from '../ground/arena/process-table.ts'
import type { Family } from '../ground/family.ts'
import { CHUNK_HEADER_BYTES, LENGTH, NEXT, PARCEL, SIZE } from './chunk.ts'
import { END, RAW } from './ring-layout.ts'

export class Chunks {
  readonly #family: Family
  readonly #list: number

  /** @param block of the ring */
  constructor(family: Family, block: number) {
    this.#family = family
    this.#list = family.shared.listOf(block)
  }

  set first(chunk: number) {
    this.#family.memory.set(this.#list, chunk)
  }

  /** Makes an empty chunk, which is in no list yet. */
  create(size: number): number {
    const { arena, memory } = this.#family
    const at = arena.allocate(size, LISTED_OWNER)
    memory.set(at + NEXT, 0)
    memory.set(at + SIZE, size)
    return at / UNIT
  }

  /** Makes the chunk of a long message, which belongs to this process. */
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

  /** Puts a chunk behind the last one, and tells readers that the last one ends at an offset. */
  link(last: number, chunk: number, offset: number): void {
    const { memory, shared } = this.#family
    const left = memory.get(last * UNIT + NEXT)
    memory.set(last * UNIT + NEXT, chunk)
    memory.set(last * UNIT + offset, END)
    // A sender died before its message was sent.
    shared.freeList(left)
  }

  /** Puts the chunk of a long message, and an empty one where the next messages go, behind the last one. @returns the empty one */
  append(chunk: number, last: number, offset: number, size: number): number {
    const { arena, memory } = this.#family
    const next = this.create(size)
    memory.set(chunk * UNIT + NEXT, next)
    arena.setOwner(chunk * UNIT, LISTED_OWNER)
    this.link(last, chunk, offset)
    return next
  }

  /** Gives back the chunks before `head`. @param kept but this one */
  unlink(head: number, kept: number): void {
    const { arena, memory } = this.#family
    for (let chunk = memory.get(this.#list); chunk !== head; ) {
      const next = memory.get(chunk * UNIT + NEXT)
      memory.set(this.#list, next)
      if (chunk !== kept) arena.free(chunk * UNIT)
      chunk = next
    }
  }

  /** Shows `use` the bytes of a long message. One longer than a window of the arena is mapped anew, from its page on. */
  show<R>(chunk: number, length: number, use: (bytes: Uint8Array, start: number) => R): R {
    return this.#family.memory.withBytes(chunk * UNIT, CHUNK_HEADER_BYTES + length, (bytes, start) =>
      use(bytes, start + CHUNK_HEADER_BYTES)
    )
  }
}
