import robotsParserModule from 'robots-parser'
import type { Client } from '../http/client.ts'
import { readLink } from '../url/link.ts'

// Its types describe an ES module; it is a CommonJS one, whose only export is this function.
const robotsParser = robotsParserModule as unknown as typeof robotsParserModule.default

/** What a host's robots.txt says to this crawler. */
export interface RobotsRules {
  allows(url: string): boolean
  /** Between two requests, in milliseconds; 0 when it says nothing. */
  crawlDelayMs: number
  /** Why it could not be read, and so (RFC 9309, 2.3.1.4) nothing of the host may be; null when it could, or there is none. */
  error: string | null
}

/** RFC 9309, 2.5: a crawler reads this much at least. */
const MAX_BYTES = 500 * 1024
/** RFC 9309, 2.3.1.2: a crawler follows this many redirects at least, to other hosts too. */
const MAX_REDIRECTS = 5
/** Longer ones are taken for a mistake, and cut to this: a day. */
const MAX_DELAY_MS = 24 * 60 * 60 * 1000

/** Reads each host's robots.txt once, as RFC 9309 says, and keeps its rules. */
export class Robots {
  readonly #client: Client
  readonly #signal: AbortSignal | undefined
  readonly #beforeRequest: (url: string) => Promise<void>
  readonly #rules = new Map<string, Promise<RobotsRules>>()

  /** @param beforeRequest awaited before every request, with its URL */
  constructor(client: Client, beforeRequest: (url: string) => Promise<void>, signal?: AbortSignal) {
    this.#client = client
    this.#beforeRequest = beforeRequest
    this.#signal = signal
  }

  /** The rules for the host of a URL. */
  rulesFor(url: string): Promise<RobotsRules> {
    const { origin } = new URL(url)
    let rules = this.#rules.get(origin)
    if (!rules) this.#rules.set(origin, (rules = this.#read(`${origin}/robots.txt`)))
    return rules
  }

  async #read(robotsUrl: string): Promise<RobotsRules> {
    let url = robotsUrl
    for (let redirects = 0; ; redirects++) {
      await this.#beforeRequest(url)
      const answer = await this.#client.get(url, ({ status }) => status >= 200 && status < 300, {
        signal: this.#signal,
        maxBytes: MAX_BYTES
      })
      const { status, location, body } = answer
      if (status !== null && status >= 300 && status < 400 && location !== null && redirects < MAX_REDIRECTS) {
        const target = readLink(location, url)
        if (target.kind !== 'page') return allowAll
        url = target.url
      } else if (status === null || status >= 500 || answer.error !== null) {
        return disallowAll(answer.error ?? `HTTP ${status}`)
      } else {
        return body ? parse(robotsUrl, body.toString('utf8'), this.#client.settings.userAgent) : allowAll
      }
    }
  }
}

const allowAll: RobotsRules = { allows: () => true, crawlDelayMs: 0, error: null }

function disallowAll(error: string): RobotsRules {
  return {
    allows: () => false,
    crawlDelayMs: 0,
    error: `${error} (asked for robots.txt; without it nothing is fetched)`
  }
}

function parse(robotsUrl: string, text: string, userAgent: string): RobotsRules {
  const robots = robotsParser(robotsUrl, text.replace(/^\ufeff/, ''))
  const delay = Number(robots.getCrawlDelay(userAgent) ?? 0) * 1000
  return {
    allows: url => robots.isAllowed(url, userAgent) ?? true,
    crawlDelayMs: delay > 0 ? Math.min(delay, MAX_DELAY_MS) : 0,
    error: null
  }
}
