import type { LinkRecord } from '../page/record.ts'
import type { PageResult } from '../result.ts'
import type { HostTurns } from './shared-store.ts'

/** A URL that was found. */
export interface FoundUrl {
  /** Normalised; for a link that is no URL, its text. */
  readonly url: string
  /** Links from the first page. */
  readonly depth: number
  /** The page that links to it; null for a first page. */
  readonly from: string | null
  /** Why it cannot be asked for; null when it can. */
  readonly error: string | null
}

/** A URL that was handed out to be visited. */
export interface Lease extends FoundUrl {
  /** Counts how often the URL was handed out. Only the lease with the URL's newest generation can finish it. */
  readonly generation: number
}

/** What `lease()` gives. */
export interface Leases {
  readonly leases: Lease[]
  /**
   * When there is no lease: how long to wait before asking again, in milliseconds, because a host rests or another program
   * may find more. null: nothing is left, and nobody else can find more.
   */
  readonly waitMs: number | null
}

/** One step of a redirect. */
export interface Hop {
  readonly url: string
  readonly status: number
  readonly target: string
}

/** A URL that was found and is not visited. */
export interface Skip {
  readonly url: string
  readonly reason: string
}

/** A visit's end: all of it is stored, or nothing. */
export interface Visit {
  /** Links from the first page; may be less than the lease's when a shorter way was found meanwhile. */
  readonly depth: number
  /** What was found; null when the URL led to a page that is known already, or was skipped. */
  readonly page: PageResult | null
  /** Every link of the page, of any kind, to any site. */
  readonly links: readonly LinkRecord[]
  /** URLs to visit. Those that are known already are ignored, unless their depth is less now. */
  readonly found: readonly FoundUrl[]
  /** The redirects that were followed. */
  readonly hops: readonly Hop[]
  /** Why this URL, or others, are not visited. */
  readonly skipped: readonly Skip[]
  /** The length of the output file once it holds this page, in bytes; left out: there is no such file. */
  readonly written?: number
}

/** A shorter way to a page, that another program has found. */
export interface Nearer {
  readonly depth: number
  readonly from: string | null
}

/** How many URLs there are, as of the store's last answer. */
export interface Counts {
  /** Found and not handed out. */
  readonly waiting: number
  /** Handed out and not finished. */
  readonly leased: number
  /** Pages stored. */
  readonly pages: number
  /** Those of them with an error. */
  readonly errors: number
  /** Pages stored that were visited: those of leases without an error. */
  readonly visits: number
  /** The least depth of a waiting URL; Infinity when none waits. */
  readonly nextDepth: number
  /** The least depth of a URL that is handed out, to whichever program; Infinity when none is. Left out: there is one program. */
  readonly leasedDepth?: number
}

/**
 * The frontier of a crawl, and its results. A URL is waiting, leased or finished; it is never handed out again once it is
 * finished. Every method is one atomic step: after a crash at any moment each step has happened whole or not at all.
 *
 * `MemoryStore` keeps the frontier in memory and no pages, `SqliteStore` keeps everything in a file. A store on a server
 * implements the same interface and runs the same suite of tests, `test/store/conformance.ts`.
 */
export interface Store {
  readonly counts: Counts
  /** Pages and links are stored, not only counted. */
  readonly keepsPages: boolean
  /** When requests may start, over all programs that share the store. Left out: there is one program, which knows itself. */
  readonly turns?: HostTurns

  /** Adds URLs to visit. A URL that waits, or is leased, gets the lesser depth of the two; a finished one is ignored. */
  add(urls: readonly FoundUrl[]): Promise<void>

  /**
   * Hands out waiting URLs: those of the least depth first, among them in the order in which they were found.
   *
   * @param most how many to hand out; 1 or more
   */
  lease(most: number): Promise<Leases>

  /**
   * Hands out one URL out of turn, and adds it when it is not known.
   *
   * @returns null when the URL is leased or finished
   */
  take(url: FoundUrl): Promise<Lease | null>

  /**
   * Gives the lease's holder a URL that it reached in another way, such as a redirect. The URL is finished, or released,
   * together with the lease.
   *
   * @returns false when the URL is leased, or finished, or when the lease is no longer valid
   */
  claim(lease: Lease, url: string): Promise<boolean>

  /**
   * Stores the page, its links and what it leads to, and marks the lease's URLs as finished.
   *
   * @returns false when the lease is no longer valid, because it was released or reclaimed: then nothing is stored; and when
   * there is a page of that URL already: then it stays as it is. A shorter way, when another program has found one: then
   * nothing is stored yet, and the visit is to be finished again with its depth
   */
  finish(lease: Lease, visit: Visit): Promise<boolean | Nearer>

  /** Keeps leases from being reclaimed as old. */
  renew(leases: readonly Lease[]): Promise<void>

  /**
   * Gives a lease back: its URL waits again.
   *
   * @returns false when the lease is no longer valid
   */
  release(lease: Lease): Promise<boolean>

  /**
   * Takes back leases whose holder is gone: their URLs wait again.
   *
   * @param ageMs only leases that were given, or renewed, at least this long ago, in milliseconds; 0: all
   * @returns how many
   */
  reclaim(ageMs: number): Promise<number>

  /** Ends the use of the store. What was finished stays. */
  close(): Promise<void>
}
