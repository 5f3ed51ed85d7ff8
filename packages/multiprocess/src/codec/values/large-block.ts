/**
 * A block of the arena with a message and its large buffers: these follow the message, each at the beginning of a page. The reader of the
 * message copies them or, if they are very large, views them in place. The block is freed when the last of these views has been collected.
 */

import { PAGE_BYTES } from '../../ground/arena/layout.ts'
import type { Family } from '../../ground/family.ts'
import { alignToPage } from '../../ground/message-blocks.ts'
import { keepFreedMemory } from '../../ground/os/malloc.ts'
import { type LargeSource, VIEWED_LENGTH } from './large-buffers.ts'

/** Once views have this many bytes in total, further buffers are copied: the garbage collector may not run soon. */
const MOST_VIEWED = 2 ** 30
/** The bytes of a WebAssembly page: a view is a whole number of pages. */
const VIEW_BYTES = 2 ** 16

let viewed = 0
const collected = new FinalizationRegistry<{
  readonly block: LargeBlock
  readonly length: number
  readonly address?: number
}>(({ block, length, address }) => block.end(length, address))

export class LargeBlock implements LargeSource {
  readonly #family: Family
  readonly #at: number
  readonly #data: number
  /** The number of readers and views. */
  #users = 1

  /** @param at where the block begins; this process owns it */
  constructor(family: Family, at: number, messageLength: number) {
    this.#family = family
    this.#at = at
    this.#data = at + alignToPage(messageLength)
  }

  bufferAt(offset: number, length: number): ArrayBuffer {
    const { arena } = this.#family
    const from = this.#data + offset
    if (offset % PAGE_BYTES !== 0 || from + length > this.#at + arena.sizeOf(this.#at)) {
      throw new RangeError('cannot read the message: a buffer is outside of its block')
    }
    if (length < VIEWED_LENGTH || (viewed > 0 && viewed + length > MOST_VIEWED)) return this.#copy(from, length)
    const view = length % VIEW_BYTES === 0 ? this.#view(from, length) : this.#viewExactly(from, length)
    return view ?? this.#copy(from, length)
  }

  /**
   * Returns the buffer of a WebAssembly memory, over which the block is mapped. Unlike other foreign memory, V8 frees it when V8 no longer
   * needs it, whatever else referred to it, and it cannot be moved to another ArrayBuffer.
   */
  #view(from: number, length: number): ArrayBuffer | undefined {
    const { backing } = this.#family.memory
    const target = memoryOf(length / VIEW_BYTES)
    if (target === undefined || backing.mapOver === undefined) return undefined
    backing.mapOver(new Uint8Array(target), from)
    viewed += length
    this.#users++
    collected.register(target, { block: this, length })
    return target
  }

  /**
   * Maps lengths that no WebAssembly memory has separately. The program may move such a buffer to another ArrayBuffer, and then nothing
   * tells when the program no longer uses it: so the mapping is replaced by zeros.
   */
  #viewExactly(from: number, length: number): ArrayBuffer | undefined {
    const { backing } = this.#family.memory
    if (backing.bufferAt === undefined) return undefined
    const { address } = backing.map(from, length)
    const target = backing.bufferAt(address, length)
    viewed += length
    this.#users++
    collected.register(target, { block: this, length, address })
    return target
  }

  #copy(from: number, length: number): ArrayBuffer {
    keepFreedMemory()
    const copy = Buffer.allocUnsafeSlow(length)
    this.#family.memory.withBytes(from, length, (bytes, start) => copy.set(bytes.subarray(start, start + length)))
    return copy.buffer as ArrayBuffer
  }

  /** Releases the block: the message has been read. */
  release(): void {
    if (--this.#users === 0) this.#family.arena.free(this.#at)
  }

  /** Ends a view that has been collected. */
  end(length: number, address: number | undefined): void {
    if (address !== undefined) this.#family.memory.backing.bury?.(address, length)
    viewed -= length
    this.release()
  }
}

/** Returns undefined if there is no WebAssembly, or no room for the memory. */
function memoryOf(pages: number): ArrayBuffer | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: { Memory: new (limits: object) => { buffer: ArrayBuffer } } }
  try {
    return WebAssembly && new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer
  } catch {
    return undefined
  }
}
