/** A page to visit. */
export interface Entry {
  /** Normalised. */
  readonly url: string
  /** How many links away from the first page. */
  readonly depth: number
  /** The page on which it was found first; null for the first page. */
  readonly from: string | null
}

/**
 * What is known of a site and not visited yet (`unseen`), and what was handed out already (`seen`). Entries are taken
 * breadth-first: those of the least depth first, among them in the order in which they were found.
 */
export class Frontier {
  readonly #unseen = new Map<string, Entry>()
  readonly #seen = new Set<string>()
  readonly #levels: (Level | undefined)[] = []
  /** No level below this one has an entry. */
  #lowest = 0

  /** Pages known and not handed out. */
  get unseen(): number {
    return this.#unseen.size
  }

  /** Pages handed out. */
  get seen(): number {
    return this.#seen.size
  }

  /** The least depth of a page that is not handed out; Infinity when there is none. */
  get nextDepth(): number {
    if (this.#unseen.size === 0) return Number.POSITIVE_INFINITY
    for (let depth = this.#lowest; depth < this.#levels.length; depth++) {
      const level = this.#levels[depth]
      while (level && level.next < level.entries.length) {
        const entry = level.entries[level.next]
        if (this.#unseen.get(entry.url) === entry) return depth
        level.next++
      }
    }
    return Number.POSITIVE_INFINITY
  }

  /** Does nothing for a page that was handed out, or that is known already at this depth or a lesser one. */
  add(entry: Entry): void {
    const { url, depth } = entry
    if (this.#seen.has(url)) return
    const known = this.#unseen.get(url)
    if (known && known.depth <= depth) return
    this.#unseen.set(url, entry)
    const level = (this.#levels[depth] ??= { entries: [], next: 0 })
    level.entries.push(entry)
    this.#lowest = Math.min(this.#lowest, depth)
  }

  /** The next page to visit, which then counts as seen; undefined when none is left. */
  take(): Entry | undefined {
    for (; this.#lowest < this.#levels.length; this.#lowest++) {
      const level = this.#levels[this.#lowest]
      while (level && level.next < level.entries.length) {
        const entry = level.entries[level.next++]
        // An entry that was claimed, or found again at a lesser depth, is no longer the one in `unseen`.
        if (this.#unseen.get(entry.url) === entry && this.claim(entry.url)) return entry
      }
      this.#levels[this.#lowest] = undefined
    }
    return undefined
  }

  /**
   * Counts a page as seen, for one that reached it by another way than `take()`, such as a redirect.
   *
   * @returns false when it had been handed out or claimed before
   */
  claim(url: string): boolean {
    if (this.#seen.has(url)) return false
    this.#unseen.delete(url)
    this.#seen.add(url)
    return true
  }
}

interface Level {
  entries: Entry[]
  next: number
}
