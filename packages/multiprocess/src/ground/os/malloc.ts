/**
 * What the C library does with freed memory. By default, glibc gives a freed block of some hundred KiB, and the end of its heap,
 * back to the kernel at once. Each long message then takes its memory anew, page by page, which costs several times as much as
 * copying the message (mallopt(3)). glibc raises these limits by itself as it meets longer blocks, but stops doing so at the
 * first explicit setting. So the setting made here covers the longest blocks that glibc allows.
 */
import { system } from './system.ts'

const M_TRIM_THRESHOLD = -1
const M_MMAP_THRESHOLD = -3
/** glibc takes blocks up to this length from the heap, and allows no larger limit (malloc.c, HEAP_MAX_SIZE / 2). */
const HEAP_BLOCK_BYTES = 2 ** 25
/**
 * The heap keeps this many free bytes for reuse: about what accumulates between two garbage collections, and as much as the arena
 * keeps.
 */
const KEPT_BYTES = 2 ** 26

let isSet = false

/** Makes this process keep freed memory for later buffers. Does nothing if the user has tuned glibc, or if there is no glibc. */
export function keepFreedMemory(): void {
  if (isSet) return
  isSet = true
  const { GLIBC_TUNABLES = '', MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_ } = process.env
  if (MALLOC_TRIM_THRESHOLD_ || MALLOC_MMAP_THRESHOLD_ || GLIBC_TUNABLES.includes('glibc.malloc')) return
  const { mallopt } = system()
  mallopt?.(M_MMAP_THRESHOLD, HEAP_BLOCK_BYTES)
  mallopt?.(M_TRIM_THRESHOLD, KEPT_BYTES)
}
