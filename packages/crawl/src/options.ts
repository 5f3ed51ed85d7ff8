import { type DownloadSettings, defaultSettings } from './http/settings.ts'
import { isLoopback, readLink } from './url/link.ts'

/** Pages of a site that is not on this computer, unless told otherwise. */
export const DEFAULT_LIMIT = 20
export const DEFAULT_PROCESSES = 4
/** A family of processes has room for 1,023. */
export const MOST_PROCESSES = 1000
/** With four processes that makes eight requests at a time to one host, as many as Scrapy makes. */
export const DEFAULT_CONCURRENCY = 2

export interface CrawlOptions {
  /** Worker processes, 1,000 at the most. 0: none, this process does the work. Left out: 4. */
  processes?: number
  /** Pages that one worker may have under way at once. Left out: 2; without workers 1. */
  concurrency?: number
  /** Most results. `Infinity`: all pages. Left out: 20; all pages when the host is this computer. */
  limit?: number
  /** Least time between the starts of two requests to one host, over all workers, in milliseconds. Left out: 0. */
  delayMs?: number
  /** Ends the crawl: the loop over its results ends after those that are there. */
  signal?: AbortSignal
  /** The User-Agent header. Its name, the part before the slash, is the one that robots.txt is read for. */
  userAgent?: string
  /** Longest wait for the connection, the headers, and each next part of a body, in milliseconds. Left out: 15,000. */
  timeoutMs?: number
  /** Longest time for one page, in milliseconds. Left out: 60,000. */
  totalTimeoutMs?: number
  /** Largest body, decompressed. Left out: 16 MiB. */
  maxBytes?: number
}

/** The options of a crawl, checked, with every default filled in. */
export interface Plan {
  readonly start: string
  readonly processes: number
  readonly concurrency: number
  readonly limit: number
  readonly delayMs: number
  readonly signal: AbortSignal | undefined
  readonly settings: DownloadSettings
}

/** @throws TypeError for a URL that cannot be crawled; RangeError for a number out of its range */
export function plan(url: string | URL, options: CrawlOptions = {}): Plan {
  const start = checkUrl(String(url))
  const { userAgent = defaultSettings.userAgent } = options
  if (!/^[\x20-\x7e]+$/.test(userAgent)) {
    throw new TypeError(`userAgent must be printable ASCII: ${JSON.stringify(userAgent)}`)
  }
  const limit = options.limit ?? (isLoopback(start) ? Number.POSITIVE_INFINITY : DEFAULT_LIMIT)
  const processes = whole('processes', options.processes ?? DEFAULT_PROCESSES, 0)
  if (processes > MOST_PROCESSES) {
    throw new RangeError(`processes must be at most ${MOST_PROCESSES}; it is ${processes}`)
  }
  return {
    start,
    processes,
    concurrency: whole('concurrency', options.concurrency ?? (processes === 0 ? 1 : DEFAULT_CONCURRENCY), 1),
    limit: limit === Number.POSITIVE_INFINITY ? limit : whole('limit', limit, 1),
    delayMs: whole('delayMs', options.delayMs ?? 0, 0),
    signal: options.signal,
    settings: {
      userAgent,
      timeoutMs: whole('timeoutMs', options.timeoutMs ?? defaultSettings.timeoutMs, 1),
      totalTimeoutMs: whole('totalTimeoutMs', options.totalTimeoutMs ?? defaultSettings.totalTimeoutMs, 1),
      maxBytes: whole('maxBytes', options.maxBytes ?? defaultSettings.maxBytes, 1)
    }
  }
}

/** @returns the URL, normalised */
function checkUrl(text: string): string {
  if (!URL.canParse(text)) {
    const hint =
      URL.canParse(`http://${text}`) && /^[\w.-]+(:\d+)?(\/|$)/.test(text) ? ` Did you mean http://${text}?` : ''
    throw new TypeError(`not a URL: ${JSON.stringify(text)}. Expected one such as https://example.com/.${hint}`)
  }
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const hint = /^[\w.-]+:\d+(\/|$)/.test(text) ? ` Did you mean http://${text}?` : ''
    throw new TypeError(
      `cannot crawl ${JSON.stringify(text)}: expected a URL that begins with http:// or https://.${hint}`
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(
      'cannot crawl a URL with a user name or a password in it: pages behind a login are not supported'
    )
  }
  const link = readLink(text)
  if (link.kind !== 'page') throw new TypeError(`the URL is too long: ${text.length} characters`)
  return link.url
}

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new RangeError(`${name} must be a whole number, ${least} or more; it is ${String(value)}`)
}
