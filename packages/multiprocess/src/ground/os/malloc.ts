/**
 * What the C library does with memory that was given back. glibc returns a block of some hundred KiB, and the end of its heap, to
 * the kernel at once: each long message then takes its memory anew, page by page, which costs several times as much as
 * copying it (mallopt(3)). By and by glibc learns of longer blocks, but only until the first such setting is made: so this one has to
 * go as far.
 */
import { system } from './system.ts'

const M_TRIM_THRESHOLD = -1
const M_MMAP_THRESHOLD = -3
/** Blocks up to this length come from the heap; glibc takes no more (malloc.c, HEAP_MAX_SIZE / 2). */
const HEAP_BLOCK_BYTES = 2 ** 25
/** The heap keeps so much, to be used again: what the collector lets come together, and as much as the arena keeps. */
const KEPT_BYTES = 2 ** 26

let isSet = false

/** From now on this process keeps some memory for buffers to come. Nothing happens where the user has tuned it, or without glibc. */
export function keepFreedMemory(): void {
  if (isSet) return
  isSet = true
  const { GLIBC_TUNABLES = '', MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_ } = process.env
  if (MALLOC_TRIM_THRESHOLD_ || MALLOC_MMAP_THRESHOLD_ || GLIBC_TUNABLES.includes('glibc.malloc')) return
  const { mallopt } = system()
  mallopt?.(M_MMAP_THRESHOLD, HEAP_BLOCK_BYTES)
  mallopt?.(M_TRIM_THRESHOLD, KEPT_BYTES)
}
