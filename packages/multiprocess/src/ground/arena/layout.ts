/**
 * The layout of the arena. Offsets are bytes from its beginning; `…_WORD` are indices of 32-bit words in the first window.
 *
 *     0        header: the arena's lock, journal, list heads; the seats of spinners
 *     64 KiB   process table: 1,024 slots of 256 bytes
 *     512 KiB  parking lot: 256 buckets of 64 bytes
 *     576 KiB  what threads know of processes: a word of 64 bits for each window
 *     1 MiB    page table: 16 bytes for each of the 1,048,576 pages of 64 KiB
 *     32 MiB   blocks
 *
 * The file is sparse: bytes that no process has touched take no memory.
 */

/** Blocks begin at multiples of this many bytes. Words name blocks in these units. */
export const UNIT = 64

/**
 * Bytes mapped at a time: 4 MiB. V8 counts them as memory of its heap's objects, twice with the instructions' own mapping. It collects young
 * garbage at each buffer that is made while young ones have 32 MiB, and each collection brings the next one of the whole heap nearer: with
 * windows of 16 MiB a program that begins had four of the first kind, and sometimes one of the second, which takes as long as starting Node.
 */
export const WINDOW_BITS = 22
export const WINDOW_BYTES = 2 ** WINDOW_BITS
export const PAGE_BITS = 16
export const PAGE_BYTES = 2 ** PAGE_BITS
export const ARENA_BYTES = 2 ** 36
export const PAGE_COUNT = ARENA_BYTES / PAGE_BYTES

export const MAGIC_WORD = 0
export const MAGIC = 0x6d700002
/** Two words for the watcher of named segments: its pid and the inode of its pipe. One compare-and-exchange writes both. */
export const WATCHER_WORD = 8

export const ARENA_LOCK_WORD = 16
export const JOURNAL_COUNT_WORD = 17
/** One more than the number of the highest page that was ever in use. */
export const HIGH_PAGE_WORD = 18
/** The number of free pages that may still have memory behind them. */
export const DIRTY_PAGES_WORD = 19
/** The number of blocks in use. */
export const LIVE_BLOCKS_WORD = 20
/** A random number that tells families apart. */
export const FAMILY_WORD = 21
/** The lock of the records of waits, and the time of the last report of them. */
export const WAITS_LOCK_WORD = 22
export const REPORTED_WORD = 23
/** For each order, 0 to 20: the first free run, as page + 1. */
export const FREE_RUNS_WORD = 32
/** For each size class, 0 to 9: the first slab with room, as page + 1. */
export const SLABS_WORD = 56
/** The slots of the processes that spin, one word each. */
export const SEATS_WORD = 80
export const SEAT_COUNT = 8
export const JOURNAL_WORD = 256
export const JOURNAL_CAPACITY = 512
/** In an arena of threads, what they know of processes: two words, then a 64-bit word for each window. */
export const PROCESSES_WORD = (576 * 1024) / 4

export const TABLE_AT = 64 * 1024
export const SLOT_BYTES = 256
export const SLOT_COUNT = 1024

export const BUCKETS_AT = 512 * 1024
export const BUCKET_BYTES = 64
export const BUCKET_COUNT = 256

export const PAGES_AT = 2 ** 20
export const PAGE_ENTRY_BYTES = 16
export const FIRST_PAGE = (32 * 2 ** 20) / PAGE_BYTES
