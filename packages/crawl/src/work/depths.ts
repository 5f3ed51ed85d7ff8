import type { PageOutcome } from '../page/outcome.ts'
import type { FoundUrl, Lease } from '../store/store.ts'
import type { VisitReport } from './visitor.ts'

/** A page whose visit has begun. */
export interface Visited {
  readonly lease: Lease
  readonly url: string
  /** The number of links from the first page: the least that is known so far. */
  depth: number
  /** The page whose link gave that depth; null for the first page. */
  from: string | null
  /** undefined: unfinished; null: it led nowhere new. */
  outcome: PageOutcome | null | undefined
  /** What else the visit found; undefined while it is unfinished. */
  report: VisitReport | undefined
  /** True if its links were added to the frontier, or are in `found`; until then, its result is kept. */
  isTakenUp: boolean
  /** The pages that it links to and that the frontier does not have yet. */
  found: readonly FoundUrl[]
}

/**
 * Keeps the pages whose depth may still decrease: as long as a page nearer to the first one is not done, its links may be a shorter path.
 * So the depth of a result is the shortest path, however slow the pages are.
 */
export class Depths {
  readonly #visited = new Map<string, Visited>()
  /** The number of unfinished pages of each depth. */
  readonly #underWayAt: number[] = []
  /** The pages that are done and kept, by their depth. */
  readonly #done: (Set<Visited> | undefined)[] = []
  #waiting = 0

  /** The number of pages that are done and were not yielded. */
  get waiting(): number {
    return this.#waiting
  }

  /** The unfinished pages. */
  get underWay(): Visited[] {
    return [...this.#visited.values()].filter(({ outcome }) => outcome === undefined)
  }

  begin(lease: Lease): Visited {
    const { url, depth, from } = lease
    const page: Visited = {
      lease,
      url,
      depth,
      from,
      outcome: undefined,
      report: undefined,
      isTakenUp: false,
      found: []
    }
    this.#visited.set(url, page)
    this.#count(depth, 1)
    return page
  }

  finish(page: Visited, report: VisitReport): void {
    const { outcome } = report
    this.#count(page.depth, -1)
    page.report = report
    page.outcome = outcome
    this.#waiting++
    this.#keep(page)
    // Links may also lead to where redirects ended.
    if (outcome) this.#visited.set(outcome.record.url, page)
  }

  /**
   * Offers a path to a page that may be shorter than the known ones.
   * @param onShorter is called for each page to which the shorter path makes a shorter one: its links have to be offered again
   */
  offer(url: string, depth: number, from: string, onShorter: (page: Visited) => void): void {
    const page = this.#visited.get(url)
    if (!page || page.depth <= depth) return
    if (page.outcome === undefined) {
      this.#count(page.depth, -1)
      this.#count(depth, 1)
    } else this.#done[page.depth]?.delete(page)
    page.depth = depth
    page.from = from
    if (page.outcome !== undefined) this.#keep(page)
    if (page.outcome) onShorter(page)
  }

  /**
   * Returns true if the depth of a page that is done is final.
   * @param nextDepth the least depth of a page that is known and not begun
   */
  isFinal({ depth }: Visited, nextDepth: number): boolean {
    return depth <= Math.min(nextDepth, this.#leastUnderWay()) + 1
  }

  /**
   * Returns the pages that are done and taken up, and whose depth is final, nearest first, and forgets them.
   * @param nextDepth the least depth of a page that is known and not begun
   */
  takeFinal(nextDepth: number): Visited[] {
    if (this.#waiting === 0) return []
    const least = Math.min(nextDepth, this.#leastUnderWay())
    const final: Visited[] = []
    for (let depth = 0; depth < this.#done.length && depth <= least + 1; depth++) {
      for (const page of this.#done[depth] ?? []) {
        if (!page.isTakenUp) continue
        final.push(page)
        this.#done[depth]?.delete(page)
        this.#visited.delete(page.url)
        if (page.outcome) this.#visited.delete(page.outcome.record.url)
      }
    }
    this.#waiting -= final.length
    return final
  }

  #leastUnderWay(): number {
    const depth = this.#underWayAt.findIndex(count => count > 0)
    return depth < 0 ? Number.POSITIVE_INFINITY : depth
  }

  #keep(page: Visited): void {
    ;(this.#done[page.depth] ??= new Set()).add(page)
  }

  #count(depth: number, change: number): void {
    this.#underWayAt[depth] = (this.#underWayAt[depth] ?? 0) + change
  }
}
