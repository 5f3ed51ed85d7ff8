import { type Answer, fromBytes, header } from '../http/answer.ts'
import { robotName } from '../http/settings.ts'
import { readLink } from '../url/link.ts'
import { RobotsFile, type Rule } from './rules.ts'

/** A host's rules for this crawler, from its robots.txt. */
export interface RobotsRules {
  allows(url: string): boolean
  /** Returns the rule that decides on a URL; undefined if none does, and it may be requested. */
  ruleFor(url: string): Rule | undefined
  /** The pause between two requests in milliseconds; 0 if the file has none. */
  crawlDelayMs: number
  /** The sitemaps that it names, as absolute URLs. */
  sitemaps: string[]
  /**
   * The reason why the file could not be read, in which case (RFC 9309, 2.3.1.4) nothing of the host may be; null if it could, or there is
   * none.
   */
  error: string | null
}

/** RFC 9309, 2.5: a crawler reads at least this many bytes. */
export const MAX_ROBOTS_BYTES = 500 * 1024
/** RFC 9309, 2.3.1.2: a crawler follows at least this many redirects, also to other hosts. */
const MAX_REDIRECTS = 5
/** A longer delay is taken for a mistake, and cut to this: a day. */
const MAX_DELAY_MS = 24 * 60 * 60 * 1000

/** Reads each host's robots.txt once, according to RFC 9309, and keeps its rules. */
export class Robots {
  readonly #ask: (url: string) => Promise<Answer>
  readonly #robot: string
  readonly #rules = new Map<string, Promise<RobotsRules>>()

  /**
   * @param settings the name of the robot for which the rules are read
   * @param ask fetches a robots.txt; it has already repeated requests with temporary answers
   */
  constructor(settings: { userAgent: string }, ask: (url: string) => Promise<Answer>) {
    this.#ask = ask
    this.#robot = robotName(settings)
  }

  /** Returns the rules for the host of a URL. */
  rulesFor(url: string): Promise<RobotsRules> {
    const { origin } = new URL(url)
    let rules = this.#rules.get(origin)
    if (!rules) this.#rules.set(origin, (rules = this.#read(`${origin}/robots.txt`)))
    return rules
  }

  async #read(robotsUrl: string): Promise<RobotsRules> {
    let url = robotsUrl
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#ask(url)
      const { status, body } = answer
      const location = header(answer, 'location')
      if (status !== null && status >= 300 && status < 400 && location !== null && redirects < MAX_REDIRECTS) {
        const target = readLink(fromBytes(location), url)
        if (target.kind !== 'page') return allowAll
        url = target.url
      } else if (status === null || status >= 500 || answer.error !== null || answer.cut === 'connection') {
        return disallowAll(answer.error ?? (status !== null && status < 500 ? 'the body was cut' : `HTTP ${status}`))
      } else {
        return body && status >= 200 && status < 300 ? rulesOf(body.toString('utf8'), robotsUrl, this.#robot) : allowAll
      }
    }
  }
}

/** The rules of a site whose robots.txt is not requested. */
export const allowAll: RobotsRules = {
  allows: () => true,
  ruleFor: () => undefined,
  crawlDelayMs: 0,
  sitemaps: [],
  error: null
}

function disallowAll(error: string): RobotsRules {
  return {
    ...allowAll,
    allows: () => false,
    error: `${error} (asked for robots.txt; without it nothing is fetched)`
  }
}

function rulesOf(text: string, robotsUrl: string, robot: string): RobotsRules {
  const file = new RobotsFile(text)
  const delay = file.crawlDelay(robot) * 1000
  const ruleFor = (url: string) => file.ruleFor(pathOf(url), robot)
  return {
    allows: url => pathOf(url) === '/robots.txt' || (ruleFor(url)?.isAllowed ?? true),
    ruleFor,
    crawlDelayMs: Math.min(delay, MAX_DELAY_MS),
    sitemaps: file.sitemaps.flatMap(sitemap => {
      const link = readLink(sitemap, robotsUrl)
      return link.kind === 'page' ? [link.url] : []
    }),
    error: null
  }
}

/** Returns the path and query of a URL in normal form. */
function pathOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2))
}
