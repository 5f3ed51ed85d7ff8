/**
 * Work for one of the family that was started before there was any: it blocks until its parent gives it a preparation. Words of
 * its slot in the process table, after which it sleeps:
 *
 *     WORK          0 → 1                     by the parent, once, after the others
 *     AT, LENGTH    the block, which the waiting one owns: it is freed with it, whatever happens
 */
import type { Family } from './family.ts'
import type { OwnerId } from './process-table.ts'

/** A longer preparation is given back at once; a shorter one with its owner. */
export const KEPT_BYTES = 65_536

/** @throws MultiprocessError when there is no memory for it */
export function giveWork({ arena, memory, table }: Family, to: OwnerId, preparation: Uint8Array): void {
  const at = arena.allocate(preparation.length, to)
  memory.withBytes(at, preparation.length, (bytes, start) => bytes.set(preparation, start))
  table.setWork(to, at, preparation.length)
  memory.wake(table.workWord(to) * 4, 1)
}

/** Blocks the thread until the parent of this one has given it work. */
export function awaitWork({ arena, memory, table, self }: Family): Uint8Array {
  while (!table.hasWork(self)) memory.wait(table.workWord(self) * 4, 0, Number.POSITIVE_INFINITY)
  const { at, length } = table.work(self)
  const preparation = new Uint8Array(length)
  memory.withBytes(at, length, (bytes, start) => preparation.set(bytes.subarray(start, start + length)))
  if (length > KEPT_BYTES) arena.free(at)
  return preparation
}
