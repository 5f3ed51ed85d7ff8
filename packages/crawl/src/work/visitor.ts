import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkerDiedError } from 'multiprocess'
import { type Answer, type Ask, header, headersOf } from '../http/answer.ts'
import type { Client } from '../http/client.ts'
import type { Identity } from '../http/identity.ts'
import { Redirects } from '../http/redirects.ts'
import type { HostPace, Pacer } from '../pace/pacer.ts'
import { type Attempt, Retries, type Retry } from '../pace/retries.ts'
import { type Exchange, type PageOutcome, withoutPage } from '../page/outcome.ts'
import type { RedirectRecord } from '../page/record.ts'
import { allowAll, MAX_ROBOTS_BYTES, Robots, type RobotsRules } from '../robots/robots.ts'
import type { HostTurns } from '../store/shared-store.ts'
import type { Hop, Lease, Skip } from '../store/store.ts'
import { readLink } from '../url/link.ts'
import type { Fetcher } from './fetcher.ts'

/** RFC 9110, 15.4 leaves the number to the client; browsers use 20. */
const MAX_REDIRECTS = 20

/** How URLs are requested. */
export interface VisitorOptions {
  /** The minimum time between two requests to a host, in milliseconds. */
  delayMs: number
  retries: number
  /** The pause before the first retry, in milliseconds. */
  retryPauseMs: number
  obeysRobots: boolean
  /** Ends all waits. */
  signal: AbortSignal
  /** Returns true if a redirect of a requested URL to another one stays on the crawled site. */
  isOnSite(url: string, requestedUrl: string): boolean
  /** Called when a page begins to wait before it is requested again (1), and when the wait ends (-1): meanwhile, its place is free. */
  onRest(change: 1 | -1): void
  /** Decides when requests may start, over all programs of the crawl; undefined if this is the only one. */
  turns: HostTurns | undefined
}

/** The lease of a visit was given to another program before the visit was done. */
export class LeaseLost extends Error {}

/** What a visit found. */
export interface VisitReport {
  /** null if it led nowhere new: to a page that was visited, or one that robots.txt forbids. */
  readonly outcome: PageOutcome | null
  /** The redirects that were followed. */
  readonly hops: readonly Hop[]
  /** URLs that are not visited, with reasons. */
  readonly skipped: readonly Skip[]
  /** The requests and answers, if bodies are kept. */
  readonly exchanges: readonly TimedExchange[]
}

/** An exchange, with its start time. */
export interface TimedExchange extends Exchange {
  readonly startedAt: string
}

/** What visits count. */
export interface VisitorStats {
  /** The number of pages that were not requested because of robots.txt. */
  disallowed: number
  /** The pause between two requests in milliseconds, if robots.txt asks for more than `delayMs`; otherwise 0. */
  crawlDelayMs: number
  /** The number of requests beyond the first for one URL. */
  retries: number
}

/** Visits URLs: consults robots.txt and the pacer first, follows redirects, and repeats requests whose answer is not final. */
export class Visitor {
  readonly stats: VisitorStats = { disallowed: 0, crawlDelayMs: 0, retries: 0 }
  readonly robots: Robots
  readonly #options: VisitorOptions
  readonly #client: Client
  readonly #fetcher: Fetcher
  readonly #pacer: Pacer
  readonly #identity: Identity
  readonly #redirects = new Redirects()
  /** Hosts that have answered. */
  readonly #known = new Set<string>()
  /** Settles when the page that is tried again is done. */
  #suspects: Promise<unknown> = Promise.resolve()

  constructor(options: VisitorOptions, client: Client, fetcher: Fetcher, pacer: Pacer, identity: Identity) {
    this.#options = options
    this.#client = client
    this.#fetcher = fetcher
    this.#pacer = pacer
    this.#identity = identity
    this.robots = new Robots(client.settings, url => this.ask(url, MAX_ROBOTS_BYTES))
  }

  /**
   * Fetches a page, following its redirects.
   * @param isFirst true for the first page: if robots.txt forbids it, this is reported
   * @param claim counts a URL that redirects lead to as visited; returns false if it already was
   * @throws LeaseLost if programs share the crawl, and another one has the URL now
   */
  async visit(
    requestedUrl: string,
    isFirst: boolean,
    claim: (url: string) => Promise<boolean>,
    lease: Lease
  ): Promise<VisitReport> {
    const redirects: RedirectRecord[] = []
    const hops: Hop[] = []
    const skipped: Skip[] = []
    const exchanges: TimedExchange[] = []
    const finish = (outcome: PageOutcome | null): VisitReport => {
      if (outcome) Object.assign(outcome.record, { requestedUrl, redirects })
      return { outcome, hops, skipped, exchanges }
    }
    /** For each URL, the cookies with which it was requested. */
    const asked = new Map<string, string>()
    let url = requestedUrl
    let before: PageOutcome | undefined
    for (;;) {
      const rules = await this.#rulesFor(url)
      if (rules.error !== null) return finish(withoutPage(url, rules.error))
      if (!rules.allows(url)) {
        this.stats.disallowed++
        skipped.push({ url, reason: disallowedBy(rules, url) })
        if (before) return finish(failed(before, `${before.record.error} to ${url}, which robots.txt disallows`))
        return finish(isFirst ? withoutPage(url, 'robots.txt disallows this page') : null)
      }
      if (rules.crawlDelayMs > this.#options.delayMs) this.stats.crawlDelayMs = rules.crawlDelayMs
      asked.set(url, this.#identity.cookiesFor(url))
      const outcome = await this.#fetch(url, Math.max(this.#options.delayMs, rules.crawlDelayMs), lease)
      keepExchange(outcome, exchanges)
      if (outcome.location === null) return finish(outcome)

      const { error, status } = outcome.record
      const target = readLink(outcome.location, url)
      if (target.kind === 'bad') return finish(failed(outcome, `${error} to what is no URL: ${target.text}`))
      if (target.kind === 'other') {
        return finish(failed(outcome, `${error} to what is no web page: ${outcome.location}`))
      }
      hops.push({ url, status: status!, target: target.url })
      if (!this.#options.isOnSite(target.url, requestedUrl))
        return finish(failed(outcome, `${error} to another site: ${target.url}`))
      // A page may redirect to itself, or back and forth, until it has its cookies: with other cookies, it is another request.
      const isCookieWall = asked.has(target.url) && asked.get(target.url) !== this.#identity.cookiesFor(target.url)
      const loop = isCookieWall ? undefined : this.#redirects.add(url, target.url)
      if (loop) return finish(failed(outcome, `loop of redirects: ${[...loop, loop[0]].join(' -> ')}`, loop[0]))
      if (redirects.length === MAX_REDIRECTS) {
        return finish(failed(outcome, `more than ${MAX_REDIRECTS} redirects`, requestedUrl))
      }
      if (!asked.has(target.url) && !(await claim(target.url))) return finish(null)
      redirects.push({ url, status: status! })
      before = outcome
      url = target.url
    }
  }

  async #rulesFor(url: string): Promise<RobotsRules> {
    return this.#options.obeysRobots ? await this.robots.rulesFor(url) : allowAll
  }

  /** Fetches something other than a page, such as a sitemap, with its host's pauses, and repeats requests whose answer is not final. */
  async ask(url: string, maxBytes: number): Promise<Answer> {
    const answer = await this.#untilFinal(url, async () => {
      const done = await this.#turn(url, this.#options.delayMs, null)
      const headers = this.#identity.headersFor(url)
      const answer = await this.#client
        .get({ url, headers }, ({ status }) => status >= 200 && status < 300, {
          signal: this.#options.signal,
          maxBytes
        })
        .finally(done)
      this.#identity.take(headersOf(answer, 'set-cookie'), url)
      const { status, failure, firstByteMs } = answer
      return { result: answer, status, failure, firstByteMs, retryAfter: header(answer, 'retry-after') }
    })
    return answer
  }

  async #fetch(url: string, delayMs: number, lease: Lease): Promise<PageOutcome> {
    let attempts = 0
    return await this.#untilFinal(url, async () => {
      const outcome = await this.#fetchOrDie(url, delayMs, lease)
      outcome.record.attempts = ++attempts
      this.#identity.take(outcome.setCookies, url)
      const { failure, retryAfter, record } = outcome
      return { result: outcome, status: record.status, failure, firstByteMs: record.firstByteMs, retryAfter }
    })
  }

  /** Repeats a request as long as its answer is not final. The pause is the page's, or the whole host's if the server says so. */
  async #untilFinal<T>(
    url: string,
    ask: () => Promise<Attempt & { result: T; firstByteMs: number | null }>
  ): Promise<T> {
    const { retries, retryPauseMs } = this.#options
    const { host } = new URL(url)
    const pace = this.#pacer.of(host)
    let policy: Retries | undefined
    for (;;) {
      const attempt = await ask()
      const { status, firstByteMs } = attempt
      const isFine = status !== null && status < 400 && attempt.failure === null
      if (firstByteMs !== null) pace.throttle.answered(firstByteMs, isFine)
      if (status !== null) this.#known.add(host)
      if (isFine || this.#options.signal.aborted) return attempt.result
      policy ??= new Retries(retries, retryPauseMs)
      const retry = policy.next(attempt, this.#known.has(host))
      if (!retry) return attempt.result
      this.stats.retries++
      await this.#rest(host, retry, pace)
    }
  }

  async #rest(host: string, { waitMs, isForHost }: Retry, pace: HostPace): Promise<void> {
    if (isForHost) {
      pace.complain(waitMs)
      this.#options.turns?.rest(host, waitMs)
      return
    }
    this.#options.onRest(1)
    try {
      await sleep(waitMs, undefined, { signal: this.#options.signal })
    } finally {
      this.#options.onRest(-1)
    }
  }

  /**
   * Tries a page whose worker dies once more; if that worker dies, too, the page kills workers. Unfinished pages of the same worker die
   * with it, so only one such page is tried again at a time.
   */
  async #fetchOrDie(url: string, delayMs: number, lease: Lease): Promise<PageOutcome> {
    try {
      return await this.#fetchOnce(url, delayMs, lease)
    } catch (error) {
      if (!(error instanceof WorkerDiedError)) throw error
    }
    const again = this.#suspects.then(() => this.#fetchOnce(url, delayMs, lease, true))
    this.#suspects = again.catch(() => {})
    try {
      return await again
    } catch (error) {
      if (!(error instanceof WorkerDiedError)) throw error
      return withoutPage(url, `the worker process died twice over this page (${howItEnded(error.exitcode)})`)
    }
  }

  async #fetchOnce(url: string, delayMs: number, lease: Lease, isSuspect = false): Promise<PageOutcome> {
    // A turn that is given while the workers start would be too close to the next one.
    if (delayMs > 0) await this.#fetcher.ready()
    const done = await this.#turn(url, delayMs, lease)
    const headers = this.#identity.headersFor(url)
    const ask: Ask = Object.keys(headers).length === 0 ? { url } : { url, headers }
    return await this.#fetcher.fetch(ask, isSuspect).finally(done)
  }

  /** @returns a function to call once the request is done */
  async #turn(url: string, delayMs: number, lease: Lease | null): Promise<() => void> {
    const { turns, signal } = this.#options
    const { host } = new URL(url)
    await this.#pacer.turn(host, delayMs, signal)
    if (!turns) return () => {}
    const done = await turns.turn({ host, delayMs, intervalMs: this.#pacer.of(host).throttle.delayMs, lease }, signal)
    if (!done) throw new LeaseLost()
    return done
  }
}

function keepExchange({ exchange, record }: PageOutcome, exchanges: TimedExchange[]): void {
  if (exchange && record.startedAt !== null) {
    exchanges.push({ ...exchange, startedAt: record.startedAt })
  }
}

function disallowedBy(rules: RobotsRules, url: string): string {
  const rule = rules.ruleFor(url)
  return rule ? `robots.txt disallows it (line ${rule.line}: ${rule.text})` : 'robots.txt disallows it'
}

function failed(outcome: PageOutcome, error: string, url = outcome.record.url): PageOutcome {
  return { ...outcome, record: { ...outcome.record, url, error } }
}

/** @param exitcode as in `WorkerDiedError`: -N for an end by signal N */
function howItEnded(exitcode: number): string {
  if (exitcode >= 0) return `exit code ${exitcode}`
  const signal = Object.entries(constants.signals).find(([, number]) => number === -exitcode)
  return signal ? signal[0] : `signal ${-exitcode}`
}
