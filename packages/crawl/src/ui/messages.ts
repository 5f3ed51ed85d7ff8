/** What the server of a crawl's page sends to the page, as JSON. Texts from pages and servers have no control characters. */
import type { HistoryPart } from './history.ts'

/** The first message of a connection. */
export interface CrawlHello {
  /** The URL of the first page. */
  readonly start: string
  readonly pid: number
  readonly version: string
  /** The maximum number of pages; null: all. */
  readonly limit: number | null
}

/** How a crawl is: it has not begun, runs, or has ended: because there was nothing left, at the limit, by its signal or its program. */
export type CrawlState = 'ready' | 'running' | 'complete' | 'limit' | 'interrupted'

/** All later messages. */
export interface CrawlTick {
  readonly state: CrawlState
  /** When the crawl began, in milliseconds since 1970. */
  readonly begin: number
  /** Milliseconds since the crawl began, up to its end. */
  readonly elapsedMs: number
  readonly counts: CrawlCounts
  readonly history: HistoryPart
  /** The hosts with the most pages. */
  readonly hosts: readonly HostRow[]
  /** The number of hosts that are not among them. */
  readonly moreHosts: number
  /** The oldest visits that have not ended. */
  readonly underWay: readonly VisitRow[]
  readonly slowest: readonly SlowRow[]
  /** The problems since the last message. */
  readonly problems: readonly ProblemRow[]
  /** The number of all problems. */
  readonly problemCount: number
  readonly traps: readonly TrapRow[]
  /** The lines that the command shows at its end; empty before. */
  readonly summary: readonly string[]
  /** True once `/report.html` is there. */
  readonly hasReport: boolean
}

export interface CrawlCounts {
  readonly pages: number
  /** Pages with an `error`. */
  readonly errors: number
  readonly waiting: number
  readonly underWay: number
  /** All URLs that are known: with a result, under way, or waiting. */
  readonly seen: number
  readonly disallowed: number
  readonly retries: number
  readonly bytes: number
  readonly workers: number
}

export interface HostRow {
  readonly host: string
  readonly pages: number
  readonly errors: number
  /** The time to the headers that 95 % of the last 200 answers did not exceed, in milliseconds. */
  readonly p95Ms: number
  /** The time between two requests, in milliseconds. */
  readonly pauseMs: number
  readonly reason: 'none' | 'robots' | 'option' | 'latency' | 'complaint'
  /** Milliseconds until it is asked again, after it has asked for a rest; 0: it may be asked. */
  readonly restsMs: number
}

export interface VisitRow {
  readonly url: string
  readonly ms: number
}

export interface SlowRow {
  readonly url: string
  readonly downloadMs: number
  readonly firstByteMs: number | null
  readonly bytes: number
}

export interface ProblemRow {
  readonly number: number
  /** Milliseconds since the crawl began. */
  readonly at: number
  readonly label: string
  readonly isBroken: boolean
  readonly url: string
  readonly error: string
  /** Where it was found; null for the first page. */
  readonly from: string | null
}

export interface TrapRow {
  readonly kind: string
  readonly links: number
  readonly example: string
}
