/**
 * A block of the arena whose message brings large buffers: they stand behind the message, each at the beginning of a page, and whoever
 * reads the message copies them, or, the largest, looks at them where they are. The block goes when the last of these views has been
 * collected.
 */

import { PAGE_BYTES } from '../../ground/arena/layout.ts'
import type { Family } from '../../ground/family.ts'
import { alignToPage } from '../../ground/message-blocks.ts'
import { keepFreedMemory } from '../../ground/os/malloc.ts'
import { type LargeSource, VIEWED_LENGTH } from './large-buffers.ts'

/** Past this many bytes in view, further buffers are copied: the collector may be in no hurry. */
const MOST_VIEWED = 2 ** 30
/** Bytes of a page of WebAssembly: a view is a whole number of pages. */
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

  /** @param at where the block begins; this process has it */
  constructor(family: Family, at: number, messageLength: number) {
    this.#family = family
    this.#at = at
    this.#data = at + alignToPage(messageLength)
  }

  bufferAt(offset: number, length: number): ArrayBuffer {
    const { arena } = this.#family
    const from = this.#data + offset
    if (offset % PAGE_BYTES !== 0 || from + length > this.#at + arena.sizeOf(this.#at)) {
      throw new RangeError('a buffer stands outside of its block')
    }
    if (length < VIEWED_LENGTH || (viewed > 0 && viewed + length > MOST_VIEWED)) return this.#copy(from, length)
    const view = length % VIEW_BYTES === 0 ? this.#view(from, length) : this.#viewExactly(from, length)
    return view ?? this.#copy(from, length)
  }

  /**
   * The buffer of a WebAssembly memory, over which the block is mapped: unlike other foreign memory it goes when V8 is done with it,
   * whoever else had it, and cannot be moved to another ArrayBuffer.
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
   * A mapping of its own, for lengths that no WebAssembly memory has. The program may move such a buffer to another ArrayBuffer,
   * and nobody knows then when it is done with it: in the place of the block it finds zeros from then on.
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

  /** The message has been read. */
  release(): void {
    if (--this.#users === 0) this.#family.arena.free(this.#at)
  }

  /** A view has been collected. */
  end(length: number, address: number | undefined): void {
    if (address !== undefined) this.#family.memory.backing.bury?.(address, length)
    viewed -= length
    this.release()
  }
}

/** Undefined where there is no WebAssembly, or no room for it. */
function memoryOf(pages: number): ArrayBuffer | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: { Memory: new (limits: object) => { buffer: ArrayBuffer } } }
  try {
    return WebAssembly && new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer
  } catch {
    return undefined
  }
}
