/**
 * Small blocks: pages divided into objects of one size, from 64 bytes to 16 KiB (Bonwick 1994). All words are changed through the
 * journal, under the arena's lock.
 *
 * The words of a page's entry: KIND_SLAB with the size class | NEXT slab of the class with room, as page + 1 | PREVIOUS | the
 * number of objects in use. The page begins with: FREE object, as index + 1 | FRESH, where the objects that were never used begin
 * | and, from word 16 on, one word for each object: its owner, or FREE_MARK | the next free object, as index + 1.
 */
import type { Journal } from './journal.ts'
import { PAGE_BYTES, SLABS_WORD, UNIT } from './layout.ts'
import type { Memory } from './memory.ts'
import { entryAt, KIND_SLAB, type Pages } from './pages.ts'

const SMALLEST_BITS = 6
export const CLASS_COUNT = 9
export const LARGEST_SMALL = 2 ** (SMALLEST_BITS + CLASS_COUNT - 1)

const NEXT = 4
const PREVIOUS = 8
const USED = 12

const FREE = 0
export const FRESH = 4
export const OWNERS = 64
const FREE_MARK = -0x80000000

interface Shape {
  readonly size: number
  readonly count: number
  readonly first: number
}

function shape(size: number): Shape {
  let count = Math.floor((PAGE_BYTES - OWNERS) / (size + 4))
  let first = 0
  do first = Math.ceil((OWNERS + 4 * count) / UNIT) * UNIT
  while (first + count * size > PAGE_BYTES && count-- > 0)
  return { size, count, first }
}

/** For each size class, how its objects lie in a page. */
export const SHAPES: readonly Shape[] = Array.from({ length: CLASS_COUNT }, (_, index) =>
  shape(2 ** (SMALLEST_BITS + index))
)

export function classOf(size: number): number {
  return size <= 2 ** SMALLEST_BITS ? 0 : 32 - Math.clz32(size - 1) - SMALLEST_BITS
}

export class Slabs {
  readonly #memory: Memory
  readonly #journal: Journal
  readonly #pages: Pages

  constructor(memory: Memory, journal: Journal, pages: Pages) {
    this.#memory = memory
    this.#journal = journal
    this.#pages = pages
  }

  /** Takes an object for `owner`. Returns its offset, or -1 if no page is left. */
  take(sizeClass: number, owner: number): number {
    let page = this.#head(sizeClass) - 1
    if (page < 0) {
      page = this.#pages.take(0)
      if (page < 0) return -1
      this.#pages.setKind(page, KIND_SLAB, sizeClass)
      this.#journal.set(page * PAGE_BYTES + FREE, 0)
      this.#journal.set(page * PAGE_BYTES + FRESH, 0)
      this.#journal.set(entryAt(page) + USED, 0)
      this.#link(page, sizeClass)
    }
    const { size, count, first } = SHAPES[sizeClass]
    const base = page * PAGE_BYTES
    let index = this.#memory.get(base + FREE) - 1
    if (index >= 0) {
      this.#journal.set(base + FREE, this.#memory.get(base + OWNERS + index * 4) & ~FREE_MARK)
    } else {
      index = this.#memory.get(base + FRESH)
      this.#journal.set(base + FRESH, index + 1)
    }
    this.#journal.set(base + OWNERS + index * 4, owner)
    const used = this.#memory.get(entryAt(page) + USED) + 1
    this.#journal.set(entryAt(page) + USED, used)
    if (used === count) this.#unlink(page, sizeClass)
    return base + first + index * size
  }

  /** Returns the offset of the word with the owner of the object at `at`, or -1 if no object in use begins there. */
  ownerAt(at: number): number {
    const page = Math.floor(at / PAGE_BYTES)
    const { size, count, first } = SHAPES[this.#pages.order(page)]
    const index = (at - page * PAGE_BYTES - first) / size
    if (!Number.isInteger(index) || index < 0 || index >= count) return -1
    const ownerAt = page * PAGE_BYTES + OWNERS + index * 4
    if (index >= this.#memory.get(page * PAGE_BYTES + FRESH) || this.#memory.get(ownerAt) < 0) return -1
    return ownerAt
  }

  /** Frees an object. @param ownerAt the value that `ownerAt` returned */
  give(ownerAt: number): void {
    const page = Math.floor(ownerAt / PAGE_BYTES)
    const base = page * PAGE_BYTES
    const sizeClass = this.#pages.order(page)
    const index = (ownerAt - base - OWNERS) / 4
    this.#journal.set(ownerAt, FREE_MARK | this.#memory.get(base + FREE))
    this.#journal.set(base + FREE, index + 1)
    const used = this.#memory.get(entryAt(page) + USED) - 1
    this.#journal.set(entryAt(page) + USED, used)
    if (used === SHAPES[sizeClass].count - 1) this.#link(page, sizeClass)
    // The only slab with room stays, so that taking and freeing one object does not take and free a page each time.
    const isOnly = this.#head(sizeClass) === page + 1 && this.#memory.get(entryAt(page) + NEXT) === 0
    if (used === 0 && !isOnly) {
      this.#unlink(page, sizeClass)
      this.#pages.give(page, 0)
    }
  }

  /** Yields the offsets of the objects of a slab that belong to `owner`. */
  *ownedBy(page: number, owner: number): Generator<number> {
    const { size, first } = SHAPES[this.#pages.order(page)]
    const base = page * PAGE_BYTES
    const fresh = this.#memory.get(base + FRESH)
    for (let index = 0; index < fresh; index++) {
      if (this.#memory.get(base + OWNERS + index * 4) === owner) yield base + first + index * size
    }
  }

  #head(sizeClass: number): number {
    return this.#memory.get((SLABS_WORD + sizeClass) * 4)
  }

  #link(page: number, sizeClass: number): void {
    const head = this.#head(sizeClass)
    this.#journal.set(entryAt(page) + NEXT, head)
    this.#journal.set(entryAt(page) + PREVIOUS, 0)
    if (head !== 0) this.#journal.set(entryAt(head - 1) + PREVIOUS, page + 1)
    this.#journal.set((SLABS_WORD + sizeClass) * 4, page + 1)
  }

  #unlink(page: number, sizeClass: number): void {
    const next = this.#memory.get(entryAt(page) + NEXT)
    const previous = this.#memory.get(entryAt(page) + PREVIOUS)
    if (next !== 0) this.#journal.set(entryAt(next - 1) + PREVIOUS, previous)
    this.#journal.set(previous !== 0 ? entryAt(previous - 1) + NEXT : (SLABS_WORD + sizeClass) * 4, next)
  }
}
