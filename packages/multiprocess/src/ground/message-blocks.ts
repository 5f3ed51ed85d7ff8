/** Messages in blocks of the arena, and behind them what is looked at where it stands. */

import { PAGE_BYTES } from './arena/layout.ts'
import type { OwnerId } from './arena/process-table.ts'
import type { Family } from './family.ts'

/** What stands behind a message. */
export interface Behind {
  /** Each begins so many bytes, a multiple of a page, behind the message's last page. */
  readonly parts: readonly { readonly offset: number; readonly bytes: Uint8Array }[]
  /** From the first part to the end of the last one. */
  readonly length: number
}

/**
 * Copies the message in `bytes[start..end)`, and what stands behind it, to a block.
 * @param owner whose the block is; left out: this process
 * @returns where it begins
 * @throws MultiprocessError `ERR_OUT_OF_MEMORY` when the arena has no room for it
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

/** Where the first part stands, from the beginning of the block. */
export function alignToPage(length: number): number {
  return Math.ceil(length / PAGE_BYTES) * PAGE_BYTES
}
