import type { TrapNote } from './url/traps.ts'

/** What a crawl has done so far. */
export interface CrawlStats {
  /** Results. */
  readonly pages: number
  /** Those of them with an error. */
  readonly errors: number
  /** Pages known and not begun. */
  readonly queued: number
  /** Pages being downloaded or parsed. */
  readonly underWay: number
  /** Pages that robots.txt kept from being asked for. */
  readonly disallowed: number
  /** Of the bodies, decompressed. */
  readonly bytes: number
  /** Between two requests, when robots.txt asks for more than `delayMs` says; else 0. */
  readonly crawlDelayMs: number
  /** Requests beyond the first for one URL. */
  readonly retries: number
  /** Worker processes that were started. */
  readonly workers: number
  /** Between two requests to the first page's host, when its answers suggest a pause; else 0. */
  readonly throttleMs: number
  /** The time to the headers that 95 % of the last 200 answers of the first page's host kept, in milliseconds. */
  readonly latencyP95Ms: number
  /** What was not visited because the site seems to make it without end. */
  readonly traps: readonly TrapNote[]
}
