/**
 * Runs of 64 KiB pages by the buddy system (Knowlton 1965): a run of order n has 2^n pages, begins at a multiple of its
 * length, and joins its neighbour of the same order when both are free. All words are changed through the journal, under
 * the arena's lock.
 *
 * Page entry: KIND and order | NEXT free run, as page + 1 | PREVIOUS, as page + 1 | OWNER of a run in use. A page that
 * is not the first of a run has KIND 0.
 */
import type { Journal } from './journal.ts'
import {
  DIRTY_PAGES_WORD,
  FIRST_PAGE,
  FREE_RUNS_WORD,
  HIGH_PAGE_WORD,
  PAGE_BYTES,
  PAGE_ENTRY_BYTES,
  PAGES_AT
} from './layout.ts'
import type { Memory } from './memory.ts'

export const KIND_INSIDE = 0
export const KIND_FREE = 1
export const KIND_RUN = 2
export const KIND_SLAB = 3
export const TOP_ORDER = 19

/** Free pages that may keep their memory, before it is given back: 64 MiB. */
const DIRTY_LIMIT = 1024
/** Runs shorter than 1 MiB are not worth a system call of their own. */
const DISCARD_ORDER = 4

const NEXT = 4
const PREVIOUS = 8
export const OWNER = 12

export function entryAt(page: number): number {
  return PAGES_AT + page * PAGE_ENTRY_BYTES
}

export class Pages {
  readonly #memory: Memory
  readonly #journal: Journal

  constructor(memory: Memory, journal: Journal) {
    this.#memory = memory
    this.#journal = journal
  }

  /** Once, by the first process of a family. */
  format(): void {
    let page = FIRST_PAGE
    const count = this.#memory.backing.length / PAGE_BYTES
    while (page < count) {
      const order = Math.min(TOP_ORDER, 31 - Math.clz32(page))
      this.#push(page, order)
      page += 2 ** order
    }
    this.#journal.set(HIGH_PAGE_WORD * 4, FIRST_PAGE)
    this.#journal.commit()
  }

  kind(page: number): number {
    return this.#memory.get(entryAt(page)) & 0xf
  }

  order(page: number): number {
    return this.#memory.get(entryAt(page)) >> 4
  }

  setKind(page: number, kind: number, order: number): void {
    this.#journal.set(entryAt(page), kind | (order << 4))
  }

  get highPage(): number {
    return this.#memory.get(HIGH_PAGE_WORD * 4)
  }

  /** The first page of a run that nobody has; it stays KIND_INSIDE until the caller says otherwise. -1: none is left. */
  take(order: number): number {
    let from = order
    while (from <= TOP_ORDER && this.#head(from) === 0) from++
    if (from > TOP_ORDER) return -1
    const page = this.#head(from) - 1
    this.#unlink(page, from)
    // The upper halves of what is too long go back, the largest first.
    while (from > order) this.#push(page + 2 ** --from, from)
    this.setKind(page, KIND_INSIDE, 0)
    const high = page + 2 ** order
    if (high > this.highPage) this.#journal.set(HIGH_PAGE_WORD * 4, high)
    this.#setDirty(Math.max(0, this.#dirty - 2 ** order))
    return page
  }

  give(page: number, order: number): void {
    this.#setDirty(this.#dirty + 2 ** order)
    while (order < TOP_ORDER) {
      const buddy = page ^ (2 ** order)
      if (this.kind(buddy) !== KIND_FREE || this.order(buddy) !== order) break
      this.#unlink(buddy, order)
      this.setKind(Math.max(page, buddy), KIND_INSIDE, 0)
      page = Math.min(page, buddy)
      order++
    }
    this.#push(page, order)
    if (this.#dirty > DIRTY_LIMIT && order >= DISCARD_ORDER) {
      // Pages past the highest used one have no memory; asking for them again would only walk an empty range.
      const end = Math.min(page + 2 ** order, this.highPage)
      if (end > page) this.#memory.backing.discard(page * PAGE_BYTES, (end - page) * PAGE_BYTES)
      this.#setDirty(0)
    }
  }

  /** Whether giving a run of this order back should be preceded by `discard`, outside of the lock. */
  wantsDiscard(order: number): boolean {
    return order >= DISCARD_ORDER && this.#dirty + 2 ** order > DIRTY_LIMIT
  }

  get #dirty(): number {
    return this.#memory.get(DIRTY_PAGES_WORD * 4)
  }

  #setDirty(pages: number): void {
    this.#journal.set(DIRTY_PAGES_WORD * 4, pages)
  }

  #head(order: number): number {
    return this.#memory.get((FREE_RUNS_WORD + order) * 4)
  }

  #push(page: number, order: number): void {
    const head = this.#head(order)
    this.setKind(page, KIND_FREE, order)
    this.#journal.set(entryAt(page) + NEXT, head)
    this.#journal.set(entryAt(page) + PREVIOUS, 0)
    if (head !== 0) this.#journal.set(entryAt(head - 1) + PREVIOUS, page + 1)
    this.#journal.set((FREE_RUNS_WORD + order) * 4, page + 1)
  }

  #unlink(page: number, order: number): void {
    const next = this.#memory.get(entryAt(page) + NEXT)
    const previous = this.#memory.get(entryAt(page) + PREVIOUS)
    if (next !== 0) this.#journal.set(entryAt(next - 1) + PREVIOUS, previous)
    this.#journal.set(previous !== 0 ? entryAt(previous - 1) + NEXT : (FREE_RUNS_WORD + order) * 4, next)
  }
}
