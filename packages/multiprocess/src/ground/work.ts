/**
 * Work for a member of the family that was started before there was any: the member blocks until its parent gives it a
 * preparation. It sleeps on WORK. The words of its slot in the process table:
 *
 *     WORK          0 → 1, or 2 if parts follow the message   by the parent, once, after the other words
 *     AT, LENGTH    the block, which the waiting member owns: it is freed with the member, whatever happens
 */

import type { OwnerId } from './arena/process-table.ts'
import type { Family } from './family.ts'
import { type Behind, storeMessage } from './message-blocks.ts'

/** A longer preparation is freed at once; a shorter one together with its owner. */
export const KEPT_BYTES = 65_536

/** The work that a child gets. */
export interface Given {
  readonly preparation: Uint8Array
  readonly behind: Behind | null
  /** The parcel that keeps the shared objects named by the preparation; 0 if it names none. */
  readonly parcel: number
}

/** @throws MultiprocessError if there is no memory for it */
export function giveWork(family: Family, to: OwnerId, { preparation, behind, parcel }: Given): void {
  const { memory, table } = family
  const at = storeMessage(family, preparation, 0, preparation.length, behind, to)
  if (parcel !== 0) family.shared.hold(parcel, to)
  table.setWork(to, at, preparation.length, behind !== null)
  memory.wake(table.workWord(to) * 4, 1)
}

export interface Work {
  readonly message: Uint8Array
  /** The block. It still exists if parts follow the message. */
  readonly at: number
  readonly hasMore: boolean
}

/** Blocks the thread until its parent has given it work. */
export function awaitWork({ arena, memory, table, self }: Family): Work {
  while (!table.hasWork(self)) memory.wait(table.workWord(self) * 4, 0, Number.POSITIVE_INFINITY)
  const { at, length, hasMore } = table.work(self)
  const message = new Uint8Array(length)
  memory.withBytes(at, length, (bytes, start) => message.set(bytes.subarray(start, start + length)))
  if (length > KEPT_BYTES && !hasMore) arena.free(at)
  return { message, at, hasMore }
}
