import type { Counts, FoundUrl, Lease, Leases, Store, Visit } from './store.ts'

/** The longest wait between two looks at a frontier that others may add to, in milliseconds. */
const RETRY_MS = 50

/** A store in memory, for one program: it keeps the frontier, and only the number of pages. */
export class MemoryStore implements Store {
  readonly #waiting = new Map<string, Waiting>()
  readonly #leased = new Map<string, Held>()
  readonly #finished = new Set<string>()
  readonly #queue = new DepthQueue()
  readonly keepsPages = false
  #pages = 0
  #errors = 0
  #visits = 0

  get counts(): Counts {
    return {
      waiting: this.#waiting.size,
      leased: this.#leased.size,
      pages: this.#pages,
      errors: this.#errors,
      visits: this.#visits,
      nextDepth: this.#queue.leastDepth(item => this.#waiting.get(item.url) === item)
    }
  }

  async add(urls: readonly FoundUrl[]): Promise<void> {
    for (const found of urls) this.#add(found)
  }

  async lease(most: number): Promise<Leases> {
    const leases: Lease[] = []
    while (leases.length < most) {
      // An entry that was claimed, or found again at a lesser depth, no longer waits itself.
      const entry = this.#queue.shift(item => this.#waiting.get(item.url) === item)
      if (!entry) break
      leases.push(this.#hand(entry))
    }
    return { leases, waitMs: leases.length > 0 || this.#leased.size === 0 ? null : RETRY_MS }
  }

  async take(found: FoundUrl): Promise<Lease | null> {
    this.#add(found)
    const entry = this.#waiting.get(found.url)
    return entry ? this.#hand(entry) : null
  }

  async claim(lease: Lease, url: string): Promise<boolean> {
    const held = this.#held(lease)
    if (!held || this.#leased.has(url) || this.#finished.has(url)) return false
    const waiting = this.#waiting.get(url) ?? { url, depth: held.depth, from: lease.url, error: null, generation: 0 }
    this.#waiting.delete(url)
    const claimed = { ...waiting, generation: waiting.generation + 1 }
    this.#leased.set(url, { lease: claimed, depth: claimed.depth, since: performance.now(), claims: [], owner: held })
    held.claims.push(url)
    return true
  }

  async finish(lease: Lease, visit: Visit): Promise<boolean> {
    const held = this.#held(lease)
    if (!held) return false
    for (const url of [lease.url, ...held.claims]) {
      this.#leased.delete(url)
      this.#finished.add(url)
    }
    for (const found of visit.found) this.#add(found)
    for (const { url } of visit.skipped) {
      if (!this.#leased.has(url) && !this.#waiting.has(url)) this.#finished.add(url)
    }
    if (visit.page) {
      this.#pages++
      if (lease.error === null) this.#visits++
      if (visit.page.error !== null) this.#errors++
    }
    return true
  }

  async renew(leases: readonly Lease[]): Promise<void> {
    for (const lease of leases) {
      const held = this.#held(lease)
      if (held) held.since = performance.now()
    }
  }

  async release(lease: Lease): Promise<boolean> {
    const held = this.#held(lease)
    if (!held) return false
    this.#giveBack(held)
    return true
  }

  async reclaim(ageMs: number): Promise<number> {
    const latest = performance.now() - ageMs
    const old = [...this.#leased.values()].filter(held => !held.owner && held.since <= latest)
    for (const held of old) this.#giveBack(held)
    return old.length
  }

  async close(): Promise<void> {}

  #hand({ url, depth, from, error, generation }: Waiting): Lease {
    this.#waiting.delete(url)
    const lease = { url, depth, from, error, generation: generation + 1 }
    this.#leased.set(url, { lease, depth, since: performance.now(), claims: [] })
    return lease
  }

  /** Returns the entry of a valid lease. */
  #held(lease: Lease): Held | undefined {
    const held = this.#leased.get(lease.url)
    return held && !held.owner && held.lease.generation === lease.generation ? held : undefined
  }

  #giveBack(held: Held): void {
    for (const url of [held.lease.url, ...held.claims]) {
      const { lease, depth } = this.#leased.get(url)!
      this.#leased.delete(url)
      this.#wait({ ...lease, depth })
    }
  }

  #add(found: FoundUrl): void {
    const { url, depth, from, error } = found
    if (this.#finished.has(url)) return
    const held = this.#leased.get(url)
    if (held) {
      held.depth = Math.min(held.depth, depth)
      return
    }
    const known = this.#waiting.get(url)
    if (known && known.depth <= depth) return
    this.#wait({ url, depth, from, error, generation: known?.generation ?? 0 })
  }

  #wait(entry: Waiting): void {
    this.#waiting.set(entry.url, entry)
    this.#queue.push(entry)
  }
}

interface Waiting extends FoundUrl {
  /** How often the URL was handed out. */
  readonly generation: number
}

interface Held {
  readonly lease: Lease
  /** The least depth at which the URL was found. */
  depth: number
  since: number
  /** The URLs that end with this lease. */
  readonly claims: string[]
  /** For a claimed URL, the lease that it ends with. */
  readonly owner?: Held
}

/** Entries by depth; those of one depth are in the order in which they were pushed. */
class DepthQueue {
  readonly #levels: (Level | undefined)[] = []
  /** No level below this one has an entry. */
  #lowest = 0

  push(entry: Waiting): void {
    const level = (this.#levels[entry.depth] ??= { entries: [], next: 0 })
    level.entries.push(entry)
    this.#lowest = Math.min(this.#lowest, entry.depth)
  }

  /** Returns the depth of the first entry that passes the test, and removes those before it. Infinity if there is none. */
  leastDepth(test: (entry: Waiting) => boolean): number {
    for (; this.#lowest < this.#levels.length; this.#lowest++) {
      const level = this.#levels[this.#lowest]
      for (; level && level.next < level.entries.length; level.next++) {
        if (test(level.entries[level.next]!)) return this.#lowest
        level.entries[level.next] = undefined
      }
      this.#levels[this.#lowest] = undefined
    }
    return Number.POSITIVE_INFINITY
  }

  /** Removes entries up to the first one that passes the test, which is returned. */
  shift(test: (entry: Waiting) => boolean): Waiting | undefined {
    for (; this.#lowest < this.#levels.length; this.#lowest++) {
      const level = this.#levels[this.#lowest]
      while (level && level.next < level.entries.length) {
        const entry = level.entries[level.next]!
        level.entries[level.next++] = undefined
        if (test(entry)) return entry
      }
      this.#levels[this.#lowest] = undefined
    }
    return undefined
  }
}

interface Level {
  /** undefined: shifted. */
  entries: (Waiting | undefined)[]
  next: number
}
