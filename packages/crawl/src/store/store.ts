import type { LinkRecord } from '../page/record.ts'
import type { PageResult } from '../result.ts'
import type { HostTurns } from './shared-store.ts'

/** A URL that was found. */
export interface FoundUrl {
  /** The normalised URL; for a link that is not a URL, its text. */
  readonly url: string
  /** The number of links from the first page. */
  readonly depth: number
  /** The page that links to it; null for a first page. */
  readonly from: string | null
  /** The reason why it cannot be requested; null if it can. */
  readonly error: string | null
}

/** A URL that was handed out to be visited. */
export interface Lease extends FoundUrl {
  /** The number of times that the URL was handed out. Only the lease with the URL's newest generation can finish it. */
  readonly generation: number
}

/** The result of `Store.lease`. */
export interface Leases {
  /** The leases. */
  readonly leases: Lease[]
  /**
   * If there are no leases: the milliseconds to wait before asking again, because a host rests or another program may find more. null:
   * nothing is left, and no other program can find more.
   */
  readonly waitMs: number | null
}

/** One step of a redirect. */
export interface Hop {
  /** The URL that redirects. */
  readonly url: string
  /** Its HTTP status. */
  readonly status: number
  /** The URL that it redirects to. */
  readonly target: string
}

/** A URL that was found and is not visited. */
export interface Skip {
  /** The URL. */
  readonly url: string
  /** The reason. */
  readonly reason: string
}

/** The end of a visit: all of it is stored, or nothing. */
export interface Visit {
  /** The number of links from the first page. It is less than the lease's if a shorter path was found meanwhile. */
  readonly depth: number
  /** The page; null if the URL led to a page that is already known, or was skipped. */
  readonly page: PageResult | null
  /** Every link of the page, of any kind, to any site. */
  readonly links: readonly LinkRecord[]
  /** URLs to visit. Known ones are ignored, unless their depth is less now. */
  readonly found: readonly FoundUrl[]
  /** The redirects that were followed. */
  readonly hops: readonly Hop[]
  /** The reasons why this URL, or others, are not visited. */
  readonly skipped: readonly Skip[]
  /** The length of the output file once it holds this page, in bytes. Absent without an output file. */
  readonly written?: number
}

/** A shorter path to a page, which another program has found. */
export interface Nearer {
  /** The number of links from the start to the URL. */
  readonly depth: number
  /** The page with the link to the URL; null for a start URL. */
  readonly from: string | null
}

/** The numbers of URLs, as of the store's last answer. */
export interface Counts {
  /** Found and not handed out. */
  readonly waiting: number
  /** Handed out and not finished. */
  readonly leased: number
  /** The number of stored pages. */
  readonly pages: number
  /** The number of stored pages with an error. */
  readonly errors: number
  /** The number of stored pages that were visited: those of leases without an error. */
  readonly visits: number
  /** The least depth of a waiting URL; Infinity if none waits. */
  readonly nextDepth: number
  /** The least depth of a URL that is handed out to any program; Infinity if there is none. Absent if there is only one program. */
  readonly leasedDepth?: number
}

/**
 * The frontier of a crawl, and its results. A URL is waiting, leased or finished; a finished URL is never handed out again. Every method is
 * one atomic step: after a crash at any moment, each step has happened completely or not at all.
 *
 * `MemoryStore` keeps the frontier in memory and no pages, `SqliteStore` keeps everything in a file. A store on a server implements the
 * same interface and runs the same suite of tests, `test/store/conformance.ts`.
 */
export interface Store {
  /** The numbers of URLs. */
  readonly counts: Counts
  /** True if pages and links are stored, and not only counted. */
  readonly keepsPages: boolean
  /**
   * Decides when requests may start, over all programs that share the store. Absent if there is only one program, which decides itself.
   */
  readonly turns?: HostTurns

  /** Adds URLs to visit. A URL that waits, or is leased, gets the lesser depth of the two; a finished one is ignored. */
  add(urls: readonly FoundUrl[]): Promise<void>

  /**
   * Hands out waiting URLs: those of the least depth first, and those of one depth in the order in which they were found.
   * @param most the maximum number; 1 or more
   */
  lease(most: number): Promise<Leases>

  /**
   * Hands out one URL out of turn, and adds it if it is not known.
   * @returns null if the URL is leased or finished
   */
  take(url: FoundUrl): Promise<Lease | null>

  /**
   * Gives the lease's holder a URL that it reached in another way, such as a redirect. The URL is finished, or released, together with the
   * lease.
   * @returns false if the URL is leased or finished, or the lease is no longer valid
   */
  claim(lease: Lease, url: string): Promise<boolean>

  /**
   * Stores the page, its links and what it leads to, and marks the lease's URLs as finished.
   * @returns false if the lease is no longer valid, because it was released or reclaimed: then nothing is stored; also false if there is
   * already a page with this URL: then it stays unchanged. A shorter path, if another program has found one: then nothing is stored yet,
   * and the visit has to be finished again with its depth
   */
  finish(lease: Lease, visit: Visit): Promise<boolean | Nearer>

  /** Keeps leases from being reclaimed as old. */
  renew(leases: readonly Lease[]): Promise<void>

  /**
   * Gives a lease back: its URL waits again.
   * @returns false if the lease is no longer valid
   */
  release(lease: Lease): Promise<boolean>

  /**
   * Takes back leases whose holder is gone: their URLs wait again.
   * @param ageMs only leases that were given, or renewed, at least this many milliseconds ago; 0 for all
   * @returns the number of leases
   */
  reclaim(ageMs: number): Promise<number>

  /** Ends the use of the store. What was finished stays. */
  close(): Promise<void>
}
