/** The hosts of a crawl, with their pauses. */
import type { Crawl } from '../crawl.ts'
import { forTerminal } from '../format/terminal-text.ts'
import type { HostPace } from '../pace/pacer.ts'
import type { HostRow } from './messages.ts'

const MOST_HOSTS = 30
/** A shorter pause changes nothing that anyone sees. */
const LEAST_PAUSE_MS = 1

interface Results {
  pages: number
  errors: number
}

export class HostRows {
  readonly #crawl: Pick<Crawl, 'plan' | 'hosts'>
  readonly #results = new Map<string, Results>()

  constructor(crawl: Pick<Crawl, 'plan' | 'hosts'>) {
    this.#crawl = crawl
  }

  /** Counts a page. */
  add(url: string, isError: boolean): void {
    if (!URL.canParse(url)) return
    const { host } = new URL(url)
    let results = this.#results.get(host)
    if (!results) this.#results.set(host, (results = { pages: 0, errors: 0 }))
    results.pages++
    if (isError) results.errors++
  }

  rows(): { hosts: HostRow[]; moreHosts: number } {
    const hosts = [...this.#crawl.hosts].map(([host, pace]) => this.#row(host, pace))
    hosts.sort((a, b) => b.pages - a.pages)
    return { hosts: hosts.slice(0, MOST_HOSTS), moreHosts: Math.max(0, hosts.length - MOST_HOSTS) }
  }

  #row(host: string, { throttle, longestDelayMs, restsMs }: HostPace): HostRow {
    const { pages, errors } = this.#results.get(host) ?? { pages: 0, errors: 0 }
    const pauseMs = Math.max(longestDelayMs, throttle.delayMs)
    return {
      host: forTerminal(host),
      pages,
      errors,
      p95Ms: throttle.p95Ms,
      pauseMs: pauseMs < LEAST_PAUSE_MS ? 0 : pauseMs,
      reason: this.#reason(pauseMs, longestDelayMs, throttle.isAfterComplaint),
      restsMs
    }
  }

  #reason(pauseMs: number, longestDelayMs: number, isAfterComplaint: boolean): HostRow['reason'] {
    if (pauseMs < LEAST_PAUSE_MS) return 'none'
    if (longestDelayMs >= pauseMs) return longestDelayMs > this.#crawl.plan.delayMs ? 'robots' : 'option'
    return isAfterComplaint ? 'complaint' : 'latency'
  }
}
