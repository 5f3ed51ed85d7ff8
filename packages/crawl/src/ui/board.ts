/** What the page of a crawl is told, message by message. */
import type { Crawl } from '../crawl.ts'
import { forTerminal } from '../format/terminal-text.ts'
import { faultOf } from '../report/problems.ts'
import type { PageResult } from '../result.ts'
import { version } from '../version.ts'
import type { Watcher } from '../work/watcher.ts'
import { History } from './history.ts'
import { HostRows } from './host-rows.ts'
import type { CrawlCounts, CrawlHello, CrawlState, CrawlTick, ProblemRow, SlowRow } from './messages.ts'

const MOST_PROBLEMS = 500
const MOST_SLOW = 20
const MOST_UNDER_WAY = 12
const MOST_CHARACTERS = 2000

/** What a crawl is asked for. */
export type Watched = Pick<Crawl, 'plan' | 'stats' | 'hosts'>

export class Board implements Watcher {
  readonly #crawl: Watched
  readonly #onEnd: () => void
  #begin = Date.now()
  readonly #hosts: HostRows
  readonly #history: History
  /** When each visit began that has not ended. */
  readonly #visits = new Map<string, number>()
  #slowest: SlowRow[] = []
  #problems: ProblemRow[] = []
  #problemCount = 0
  /** The number of problems that were sent. */
  #sent = 0
  /** When the first visit began, as in `performance.now()`. */
  #firstVisit: number | undefined
  #end: number | undefined
  #state: CrawlState = 'ready'
  /** The lines that the command shows at its end. */
  summary: readonly string[] = []
  /** The report, as HTML; null until the crawl has ended, or if it kept no pages. */
  report: string | null = null

  /** @param onEnd called when the crawl has ended */
  constructor(crawl: Watched, onEnd: () => void) {
    this.#crawl = crawl
    this.#onEnd = onEnd
    this.#hosts = new HostRows(crawl)
    this.#history = new History(() => crawl.stats.queued)
  }

  begun(url: string): void {
    const now = performance.now()
    if (this.#state === 'ready') {
      this.#state = 'running'
      this.#firstVisit = now
      this.#begin = Date.now()
    }
    this.#visits.set(url, now)
  }

  done(url: string): void {
    this.#visits.delete(url)
  }

  found(page: PageResult): void {
    const { url, error, bytes, firstByteMs, downloadMs } = page
    const isError = error !== null
    this.#history.add(this.elapsedMs, { isError, bytes, firstByteMs })
    this.#hosts.add(url, isError)
    if (firstByteMs !== null) this.#addSlow({ url, downloadMs, firstByteMs, bytes })
    const fault = faultOf(page)
    if (fault === null) return
    const { label, isBroken } = fault
    this.#problems.push({
      number: ++this.#problemCount,
      at: this.elapsedMs,
      label: shown(label),
      isBroken,
      url: shown(url),
      error: shown(fault.error),
      from: page.from === null ? null : shown(page.from)
    })
    // Not at each one: that would move all others each time.
    if (this.#problems.length >= 2 * MOST_PROBLEMS) this.#problems = this.#problems.slice(-MOST_PROBLEMS)
  }

  ended(isInterrupted: boolean): void {
    if (this.#end !== undefined) return
    this.#end = performance.now()
    this.#visits.clear()
    const { limit } = this.#crawl.plan
    const { queued, pages } = this.#crawl.stats
    if (isInterrupted) this.#state = 'interrupted'
    else if (queued === 0) this.#state = 'complete'
    // A program that leaves the loop ends the crawl before its limit.
    else this.#state = pages < limit ? 'interrupted' : 'limit'
    this.#onEnd()
  }

  get hasEnded(): boolean {
    return this.#end !== undefined
  }

  /** Milliseconds since the first visit began, up to the end of the crawl. */
  get elapsedMs(): number {
    return this.#firstVisit === undefined ? 0 : (this.#end ?? performance.now()) - this.#firstVisit
  }

  hello(): CrawlHello {
    const { start, limit } = this.#crawl.plan
    return {
      start: shown(start),
      pid: process.pid,
      version,
      limit: limit === Number.POSITIVE_INFINITY ? null : limit
    }
  }

  /** @param isWhole leaves nothing out */
  tick(isWhole: boolean): CrawlTick {
    const now = performance.now()
    const kept = this.#problems.slice(-MOST_PROBLEMS)
    const problems = isWhole ? kept : kept.filter(({ number }) => number > this.#sent)
    this.#sent = this.#problemCount
    const underWay = [...this.#visits].slice(0, MOST_UNDER_WAY)
    return {
      state: this.#state,
      begin: this.#begin,
      elapsedMs: this.elapsedMs,
      counts: this.#counts(),
      history: this.#history.take(isWhole),
      ...this.#hosts.rows(),
      underWay: underWay.map(([url, since]) => ({ url: shown(url), ms: now - since })),
      slowest: this.#slowest.map(row => ({ ...row, url: shown(row.url) })),
      problems,
      problemCount: this.#problemCount,
      traps: this.#crawl.stats.traps.map(({ kind, links, example }) => ({ kind, links, example: shown(example) })),
      summary: this.summary,
      hasReport: this.report !== null
    }
  }

  #counts(): CrawlCounts {
    const { pages, errors, queued, disallowed, retries, bytes, workers } = this.#crawl.stats
    const underWay = this.#visits.size
    return {
      pages,
      errors,
      waiting: queued,
      underWay,
      seen: pages + underWay + queued,
      disallowed,
      retries,
      bytes,
      workers
    }
  }

  #addSlow(row: SlowRow): void {
    const last = this.#slowest.at(-1)
    if (this.#slowest.length === MOST_SLOW && last !== undefined && row.downloadMs <= last.downloadMs) return
    const place = this.#slowest.findIndex(({ downloadMs }) => downloadMs < row.downloadMs)
    this.#slowest.splice(place < 0 ? this.#slowest.length : place, 0, row)
    this.#slowest.length = Math.min(this.#slowest.length, MOST_SLOW)
  }
}

/** Returns a text from a page or a server for a browser: on one line, with control and bidirectional characters as escapes, and shortened. */
function shown(text: string): string {
  return forTerminal(text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text)
}
