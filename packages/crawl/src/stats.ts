import type { TrapNote } from './url/traps.ts'

/** What a crawl has done so far. */
export interface CrawlStats {
  /** The number of results. */
  readonly pages: number
  /** The number of results with an error. */
  readonly errors: number
  /** The number of pages that are known and have not begun. */
  readonly queued: number
  /** The number of pages that are being downloaded or parsed. */
  readonly underWay: number
  /** The number of pages that were not requested because of robots.txt. */
  readonly disallowed: number
  /** The number of bytes of all bodies, decompressed. */
  readonly bytes: number
  /** The pause between two requests in milliseconds, if robots.txt asks for more than `delayMs`; otherwise 0. */
  readonly crawlDelayMs: number
  /** The number of requests beyond the first for one URL. */
  readonly retries: number
  /** The number of worker processes that were started. */
  readonly workers: number
  /** The pause between two requests to the host of the first page in milliseconds, if its answers suggest one; otherwise 0. */
  readonly throttleMs: number
  /** The time to the headers that 95 % of the last 200 answers of the first page's host did not exceed, in milliseconds. */
  readonly latencyP95Ms: number
  /** What was not visited because the site seems to generate it endlessly. */
  readonly traps: readonly TrapNote[]
}
