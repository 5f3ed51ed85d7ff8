/**
 * The word of a slot by which a started process or thread reports, once, that its first module runs: 0 → 1. A process writes the
 * word through the arena's descriptor, because attaching to the arena takes longer than most of its start.
 */
import { SLOT_BYTES, SLOT_COUNT, TABLE_AT } from './layout.ts'

/** The index of the word in the slot. */
export const REPORTED = 29

/** Returns where the word is, in bytes from the beginning of the arena. */
export function reportedAt(id: number): number {
  return TABLE_AT + (id & (SLOT_COUNT - 1)) * SLOT_BYTES + REPORTED * 4
}
