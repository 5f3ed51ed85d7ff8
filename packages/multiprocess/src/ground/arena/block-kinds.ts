/**
 * The kinds of shared blocks. A word of each block names its kind, for observers outside the family; they do not show kind 0.
 */
export const BLOCK_KINDS = [
  '',
  'Lock',
  'RLock',
  'Semaphore',
  'BoundedSemaphore',
  'Condition',
  'Event',
  'Barrier',
  'Queue',
  'JoinableQueue',
  'SimpleQueue',
  'Pipe',
  'Mailbox'
] as const

export type BlockKind = (typeof BLOCK_KINDS)[number]

/** Returns the number that is written to the block. */
export function kindNumber(kind: BlockKind): number {
  return BLOCK_KINDS.indexOf(kind)
}
