/** Messages in blocks of the arena. Large parts, which are not copied out, follow the message. */

import { PAGE_BYTES } from './arena/layout.ts'
import type { OwnerId } from './arena/process-table.ts'
import type { Family } from './family.ts'

/** The parts that follow a message. */
export interface Behind {
  /** Each part begins this many bytes (a multiple of a page) after the end of the message's last page. */
  readonly parts: readonly { readonly offset: number; readonly bytes: Uint8Array }[]
  /** The length in bytes from the first part to the end of the last one. */
  readonly length: number
}

/**
 * Copies the message in `bytes[start..end)`, and the parts that follow it, to a block.
 * @param owner the owner of the block; this process by default
 * @returns the offset of the block
 * @throws MultiprocessError `ERR_OUT_OF_MEMORY` if the arena has no room for it
 */
export function storeMessage(
  { arena, memory, self }: Family,
  bytes: Uint8Array,
  start: number,
  end: number,
  behind: Behind | null,
  owner: OwnerId = self
): number {
  const length = end - start
  const data = alignToPage(length)
  const at = arena.allocate(behind === null ? length : data + behind.length, owner)
  try {
    memory.withBytes(at, length, (target, offset) => target.set(bytes.subarray(start, end), offset))
    for (const part of behind?.parts ?? []) {
      memory.withBytes(at + data + part.offset, part.bytes.length, (target, offset) => target.set(part.bytes, offset))
    }
  } catch (error) {
    arena.free(at)
    throw error
  }
  return at
}

/** Returns where the first part is, from the beginning of the block. */
export function alignToPage(length: number): number {
  return Math.ceil(length / PAGE_BYTES) * PAGE_BYTES
}
