/**
 * Blocks of shared memory that any process of the family can allocate and free. Each block has an owner; whoever reaps a dead
 * process frees the blocks that the process owned. A death at any point leaves the arena consistent: every change is made under a
 * robust lock and through an undo log.
 */
import { MultiprocessError } from '../../errors.ts'
import { Journal } from './journal.ts'
import { ARENA_LOCK_WORD, FIRST_PAGE, LIVE_BLOCKS_WORD, PAGE_BYTES } from './layout.ts'
import type { Memory } from './memory.ts'
import { entryAt, KIND_RUN, KIND_SLAB, OWNER, Pages, TOP_ORDER } from './pages.ts'
import type { OwnerId } from './process-table.ts'
import { classOf, LARGEST_SMALL, Slabs } from './slabs.ts'
import { WordLock } from './word-lock.ts'

/** Changes that can be made to a block. Either all of them take effect or, if the process dies before the end, none. */
export interface Change {
  /** Changes the word at `at`. Other code changes this word only under the lock, too. */
  set(at: number, value: number): void
  /** Frees the block. */
  free(): void
}

export class Arena {
  readonly #memory: Memory
  readonly #self: OwnerId
  readonly #lock: WordLock
  readonly #journal: Journal
  readonly #pages: Pages
  readonly #slabs: Slabs

  constructor(memory: Memory, self: OwnerId, isAlive: (owner: OwnerId) => boolean) {
    this.#memory = memory
    this.#self = self
    this.#lock = new WordLock(memory, ARENA_LOCK_WORD * 4, self, isAlive)
    this.#journal = new Journal(memory)
    this.#pages = new Pages(memory, this.#journal)
    this.#slabs = new Slabs(memory, this.#journal, this.#pages)
  }

  /** Writes an empty arena. The first process of a family calls it once. */
  format(): void {
    this.#pages.format()
  }

  /** The number of blocks in use in the whole family. */
  get liveBlocks(): number {
    return this.#memory.get(LIVE_BLOCKS_WORD * 4)
  }

  /**
   * Allocates a block of at least `size` bytes at a multiple of 64. Its bytes have arbitrary values.
   * @returns its offset
   * @throws MultiprocessError `ERR_OUT_OF_MEMORY` if the arena has no room for it
   */
  allocate(size: number, owner: OwnerId = this.#self): number {
    if (!(size >= 0 && size <= Number.MAX_SAFE_INTEGER)) throw new RangeError(`cannot allocate ${size} bytes`)
    return this.#exclusive(() => {
      const at = size <= LARGEST_SMALL ? this.#slabs.take(classOf(size), owner) : this.#takeRun(size, owner)
      if (at >= 0) this.#journal.set(LIVE_BLOCKS_WORD * 4, this.liveBlocks + 1)
      else {
        throw new MultiprocessError(`no room for ${size} bytes in the family's shared memory`, {
          code: 'ERR_OUT_OF_MEMORY'
        })
      }
      return at
    })
  }

  #takeRun(size: number, owner: OwnerId): number {
    const order = Math.ceil(Math.log2(Math.ceil(size / PAGE_BYTES)))
    if (order > TOP_ORDER) return -1
    const page = this.#pages.take(order)
    if (page < 0) return -1
    this.#pages.setKind(page, KIND_RUN, order)
    this.#journal.set(entryAt(page) + OWNER, owner)
    return page * PAGE_BYTES
  }

  /** Frees a block. @throws Error if no block in use begins there, for example because it was already freed */
  free(at: number): void {
    const page = at / PAGE_BYTES
    // Only the owner frees a run, so no other process can be writing to it: its memory can be discarded before the lock is taken.
    if (Number.isInteger(page) && this.#pages.kind(page) === KIND_RUN) {
      const order = this.#pages.order(page)
      if (this.#pages.wantsDiscard(order)) this.#discard(page, 2 ** order)
    }
    this.#exclusive(() => this.#give(at))
  }

  #give(at: number): void {
    const ownerAt = this.#ownerAt(at)
    const page = Math.floor(at / PAGE_BYTES)
    if (this.#pages.kind(page) === KIND_SLAB) this.#slabs.give(ownerAt)
    else this.#pages.give(page, this.#pages.order(page))
    this.#journal.set(LIVE_BLOCKS_WORD * 4, this.liveBlocks - 1)
  }

  /** Returns the offset of the word that names the owner of a block. */
  #ownerAt(at: number): number {
    const page = Math.floor(at / PAGE_BYTES)
    const kind = this.#pages.kind(page)
    if (kind === KIND_RUN && at === page * PAGE_BYTES) return entryAt(page) + OWNER
    const ownerAt = kind === KIND_SLAB ? this.#slabs.ownerAt(at) : -1
    if (ownerAt < 0) throw new Error(`no block in use begins at ${at}`)
    return ownerAt
  }

  /** Returns the length in bytes of the block that begins at `at`. */
  sizeOf(at: number): number {
    const page = Math.floor(at / PAGE_BYTES)
    return this.#pages.kind(page) === KIND_RUN
      ? 2 ** this.#pages.order(page) * PAGE_BYTES
      : PAGE_BYTES - (at % PAGE_BYTES)
  }

  /** Returns the owner of the block that begins at `at`, or 0 if no block in use begins there. */
  ownerOf(at: number): OwnerId {
    return this.#exclusive(() => {
      try {
        return this.#memory.get(this.#ownerAt(at))
      } catch {
        return 0
      }
    })
  }

  /** Makes `owner` the owner of the block: the block is freed when that process dies. */
  setOwner(at: number, owner: OwnerId): void {
    this.#exclusive(() => this.#journal.set(this.#ownerAt(at), owner))
  }

  /** Frees all blocks of `owner`, which is dead. */
  freeAllOf(owner: OwnerId): void {
    // A dead owner gets no more blocks once its unfinished change has been undone, so the search page by page finds all of them.
    this.#exclusive(() => {})
    for (let page = FIRST_PAGE; page < this.#pages.highPage; page++) {
      const kind = this.#pages.kind(page)
      if (kind === KIND_RUN) {
        this.#exclusive(() => {
          if (this.#pages.kind(page) !== KIND_RUN || this.#memory.get(entryAt(page) + OWNER) !== owner) return
          this.#give(page * PAGE_BYTES)
        })
      } else if (kind === KIND_SLAB) {
        for (;;) {
          const isMore = this.#exclusive(() => {
            if (this.#pages.kind(page) !== KIND_SLAB) return false
            const { done, value } = this.#slabs.ownedBy(page, owner).next()
            if (!done) this.#give(value)
            return !done
          })
          if (!isMore) break
        }
      }
    }
  }

  /**
   * Passes each block of `owner` to `use`, under the lock. `use` may change the arena only through its argument. Blocks that are
   * allocated or freed during the sweep may be passed or not.
   */
  sweep(owner: OwnerId, use: (at: number, change: Change) => void): void {
    for (let page = FIRST_PAGE; page < this.#pages.highPage; page++) {
      for (const at of this.#exclusive(() => this.#blocksIn(page, owner))) {
        this.examine(at, owner, change => use(at, change))
      }
    }
  }

  /** Passes the block that begins at `at` to `use`, under the lock, if the block belongs to `owner`. */
  examine(at: number, owner: OwnerId, use: (change: Change) => void): void {
    this.#exclusive(() => {
      if (this.#blocksIn(Math.floor(at / PAGE_BYTES), owner, at).length === 0) return
      use({ set: (word, value) => this.#journal.set(word, value), free: () => this.#give(at) })
    })
  }

  /** @param only an offset: the only block to look for */
  #blocksIn(page: number, owner: OwnerId, only?: number): number[] {
    const kind = this.#pages.kind(page)
    if (kind === KIND_RUN) {
      const isAt = only === undefined || only === page * PAGE_BYTES
      return isAt && this.#memory.get(entryAt(page) + OWNER) === owner ? [page * PAGE_BYTES] : []
    }
    if (kind !== KIND_SLAB) return []
    if (only === undefined) return [...this.#slabs.ownedBy(page, owner)]
    const ownerAt = this.#slabs.ownerAt(only)
    return ownerAt >= 0 && this.#memory.get(ownerAt) === owner ? [only] : []
  }

  /** Checks the allocator's data for consistency, for tests. @throws Error that names what is wrong */
  check(): { freePages: number; usedPages: number } {
    return this.#exclusive(() => {
      let page = FIRST_PAGE
      let freePages = 0
      let usedPages = 0
      while (page < this.#memory.backing.length / PAGE_BYTES) {
        const kind = this.#pages.kind(page)
        const order = kind === KIND_SLAB ? 0 : this.#pages.order(page)
        if (kind === 0) throw new Error(`page ${page} belongs to no run`)
        if (kind !== KIND_SLAB && page % 2 ** order !== 0) throw new Error(`run at page ${page} is not aligned`)
        if (kind === 1) freePages += 2 ** order
        else usedPages += 2 ** order
        page += 2 ** order
      }
      return { freePages, usedPages }
    })
  }

  #exclusive<R>(change: () => R): R {
    // The journal shows whether the last holder died, even if the previous attempt to undo its change failed.
    this.#lock.acquire()
    try {
      this.#journal.undo()
      const result = change()
      this.#journal.commit()
      // Not before the commit: a death before it would have left the blocks in use with their bytes lost.
      for (const { page, count } of this.#pages.takeDiscards()) this.#discard(page, count)
      return result
    } catch (error) {
      this.#pages.takeDiscards()
      this.#journal.undo()
      throw error
    } finally {
      this.#lock.release()
    }
  }

  #discard(page: number, count: number): void {
    try {
      this.#memory.backing.discard(page * PAGE_BYTES, count * PAGE_BYTES)
    } catch {
      // The memory stays with the family and is used again.
    }
  }
}
