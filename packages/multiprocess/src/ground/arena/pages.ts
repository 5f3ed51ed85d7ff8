/**
 * Runs of 64 KiB pages in a buddy system (Knowlton 1965): a run of order n has 2^n pages, begins at a multiple of its length, and
 * joins its neighbour of the same order when both are free. All words are changed through the journal, under the arena's lock.
 *
 * The words of a page's entry:
 *
 *     KIND       with the order, and DIRTY if a free run may have memory behind it; 0 for a page that is not the first of a run
 *     NEXT       of a free run: the next one, as page + 1
 *     PREVIOUS   of a free run: the previous one, as page + 1
 *     OWNER      of a run in use
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

/** The number of free pages that may keep their memory before it is discarded: 64 MiB. */
const DIRTY_LIMIT = 1024
const DIRTY = 1 << 16
/** The maximum in one change, so that the journal has room. */
const MAX_DISCARDS = 64

const NEXT = 4
const PREVIOUS = 8
export const OWNER = 12

export function entryAt(page: number): number {
  return PAGES_AT + page * PAGE_ENTRY_BYTES
}

export interface Run {
  readonly page: number
  /** The number of pages. */
  readonly count: number
}

export class Pages {
  readonly #memory: Memory
  readonly #journal: Journal
  #discards: Run[] = []

  constructor(memory: Memory, journal: Journal) {
    this.#memory = memory
    this.#journal = journal
  }

  /** Writes an empty page table. The first process of a family calls it once. */
  format(): void {
    let page = FIRST_PAGE
    const count = this.#memory.backing.length / PAGE_BYTES
    while (page < count) {
      const order = Math.min(TOP_ORDER, 31 - Math.clz32(page))
      this.#push(page, order, false)
      page += 2 ** order
    }
    this.#journal.set(HIGH_PAGE_WORD * 4, FIRST_PAGE)
    this.#journal.commit()
  }

  kind(page: number): number {
    return this.#memory.get(entryAt(page)) & 0xf
  }

  order(page: number): number {
    return (this.#memory.get(entryAt(page)) >> 4) & 0xff
  }

  setKind(page: number, kind: number, order: number): void {
    this.#journal.set(entryAt(page), kind | (order << 4))
  }

  get highPage(): number {
    return this.#memory.get(HIGH_PAGE_WORD * 4)
  }

  /**
   * Takes a free run and returns its first page, or -1 if none is left. The page stays KIND_INSIDE until the caller sets its
   * kind.
   */
  take(order: number): number {
    let from = order
    while (from <= TOP_ORDER && this.#head(from) === 0) from++
    if (from > TOP_ORDER) return -1
    const page = this.#head(from) - 1
    const isDirty = this.#unlink(page, from)
    // The upper halves of a run that is too long are freed, the largest first.
    while (from > order) this.#push(page + 2 ** --from, from, isDirty)
    this.setKind(page, KIND_INSIDE, 0)
    const high = page + 2 ** order
    if (high > this.highPage) this.#journal.set(HIGH_PAGE_WORD * 4, high)
    return page
  }

  give(page: number, order: number): void {
    while (order < TOP_ORDER) {
      const buddy = page ^ (2 ** order)
      if (this.kind(buddy) !== KIND_FREE || this.order(buddy) !== order) break
      this.#unlink(buddy, order)
      this.setKind(Math.max(page, buddy), KIND_INSIDE, 0)
      page = Math.min(page, buddy)
      order++
    }
    this.#push(page, order, true)
    if (this.#dirty > DIRTY_LIMIT) this.#clean()
  }

  /** Marks dirty runs as clean, the longest first, until half the limit is left. Their memory is to be discarded. */
  #clean(): void {
    for (let order = TOP_ORDER; order >= 0; order--) {
      for (let head = this.#head(order); head !== 0; head = this.#memory.get(entryAt(head - 1) + NEXT)) {
        if (this.#dirty <= DIRTY_LIMIT / 2 || this.#discards.length >= MAX_DISCARDS) return
        const page = head - 1
        if ((this.#memory.get(entryAt(page)) & DIRTY) === 0) continue
        this.setKind(page, KIND_FREE, order)
        this.#setDirty(this.#dirty - this.#touched(page, order))
        this.#discards.push({ page, count: this.#touched(page, order) })
      }
    }
  }

  /** Returns the runs to discard after the change is committed. */
  takeDiscards(): readonly Run[] {
    const discards = this.#discards
    if (discards.length > 0) this.#discards = []
    return discards
  }

  /** Returns true if the caller should call `discard` before it frees a run of this order, outside the lock. */
  wantsDiscard(order: number): boolean {
    return 2 ** order > DIRTY_LIMIT / 2
  }

  /** Returns the number of pages of a run that were ever in use: pages above the highest used one have no memory. */
  #touched(page: number, order: number): number {
    return Math.max(0, Math.min(page + 2 ** order, this.highPage) - page)
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

  #push(page: number, order: number, isDirty: boolean): void {
    const head = this.#head(order)
    this.#journal.set(entryAt(page), KIND_FREE | (order << 4) | (isDirty ? DIRTY : 0))
    this.#journal.set(entryAt(page) + NEXT, head)
    this.#journal.set(entryAt(page) + PREVIOUS, 0)
    if (head !== 0) this.#journal.set(entryAt(head - 1) + PREVIOUS, page + 1)
    this.#journal.set((FREE_RUNS_WORD + order) * 4, page + 1)
    if (isDirty) this.#setDirty(this.#dirty + this.#touched(page, order))
  }

  /** @returns true if the run was dirty */
  #unlink(page: number, order: number): boolean {
    const isDirty = (this.#memory.get(entryAt(page)) & DIRTY) !== 0
    const next = this.#memory.get(entryAt(page) + NEXT)
    const previous = this.#memory.get(entryAt(page) + PREVIOUS)
    if (next !== 0) this.#journal.set(entryAt(next - 1) + PREVIOUS, previous)
    this.#journal.set(previous !== 0 ? entryAt(previous - 1) + NEXT : (FREE_RUNS_WORD + order) * 4, next)
    if (isDirty) this.#setDirty(Math.max(0, this.#dirty - this.#touched(page, order)))
    return isDirty
  }
}
