/** What shared blocks are, in a word of each, for those who look at a family from outside. Blocks of kind 0 are nothing to show. */
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

/** What is written to the block. */
export function kindNumber(kind: BlockKind): number {
  return BLOCK_KINDS.indexOf(kind)
}
