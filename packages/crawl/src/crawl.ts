import { WorkerDiedError } from 'multiprocess'
import { type Entry, Frontier } from './frontier.ts'
import { Client } from './http/client.ts'
import { Redirects } from './http/redirects.ts'
import { type CrawlOptions, type Plan, plan } from './options.ts'
import { Pacer } from './pace/pacer.ts'
import type { PageResult } from './result.ts'
import { Robots } from './robots/robots.ts'
import { readLink, siteOf } from './url/link.ts'
import { Completions } from './work/completions.ts'
import { type Fetcher, howItEnded, LocalFetcher, PoolFetcher, withoutPage } from './work/fetcher.ts'
import type { PageOutcome } from './work/visit-page.ts'

/** RFC 9110, 15.4 leaves the number to the client; browsers take 20. */
const MAX_REDIRECTS = 20

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
}

/** A visit to one entry of the frontier, done. */
interface Visit {
  /** Visits are numbered as they begin. */
  readonly sequence: number
  readonly entry: Entry
  /** null when it led nowhere new: to a page that was visited, or one that robots.txt forbids. */
  readonly outcome: PageOutcome | null
}

/**
 * Visits the pages of one site, from `url` on, and gives a result for each as it is done. The loop over it is what drives it:
 * while nobody asks for the next result, no further page is begun. It can be looped over once; leaving the loop ends the
 * workers.
 *
 * @throws TypeError for a URL that cannot be crawled; RangeError for a number out of its range
 */
export function crawl(url: string | URL, options?: CrawlOptions): Crawl {
  return new Crawl(plan(url, options))
}

export class Crawl implements AsyncIterable<PageResult> {
  readonly #plan: Plan
  readonly #site: string
  readonly #client: Client
  readonly #robots: Robots
  readonly #frontier = new Frontier()
  readonly #pacer = new Pacer()
  readonly #redirects = new Redirects()
  readonly #stop = new AbortController()
  /** Settles when the page that is tried again is done. */
  #suspects: Promise<unknown> = Promise.resolve()
  /** Visits whose links wait for those of an earlier one, by their sequence. */
  readonly #early = new Map<number, Visit>()
  /** The visit whose links are taken up next. */
  #nextSequence = 0
  #hasBegun = false
  #pages = 0
  #errors = 0
  #underWay = 0
  #disallowed = 0
  #bytes = 0
  #crawlDelayMs = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.#site = siteOf(plan.start)
    this.#client = new Client(plan.settings)
    this.#robots = new Robots(this.#client, url => this.#turn(url, plan.delayMs), this.#stop.signal)
  }

  get stats(): CrawlStats {
    return {
      pages: this.#pages,
      errors: this.#errors,
      queued: this.#frontier.unseen,
      underWay: this.#underWay,
      disallowed: this.#disallowed,
      bytes: this.#bytes,
      crawlDelayMs: this.#crawlDelayMs
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PageResult, void, undefined> {
    if (this.#hasBegun) throw new Error('a crawl can be looped over once; call crawl() again for another')
    this.#hasBegun = true
    const { start, processes, concurrency, limit, signal, settings } = this.#plan
    if (signal?.aborted) return
    const fetcher =
      processes === 0
        ? new LocalFetcher(this.#client)
        : new PoolFetcher(settings, Math.min(processes, limit), concurrency)
    const completions = new Completions<Visit>()
    const stop = () => {
      completions.close()
      this.#stop.abort()
    }
    signal?.addEventListener('abort', stop, { once: true })
    try {
      this.#frontier.add({ url: start, depth: 0, error: null })
      for (let sequence = 0; ; ) {
        // Results that are not given out yet count as under way, so no more than `limit` are ever begun.
        const places = Math.min(Math.max(processes, 1) * concurrency, limit - this.#pages)
        while (this.#underWay < places && !this.#stop.signal.aborted) {
          const entry = this.#frontier.take()
          if (!entry) break
          this.#underWay++
          completions.add(this.#visit(entry, sequence++, fetcher))
        }
        if (this.#underWay === 0) break
        const visit = await completions.next()
        if (!visit) break
        this.#underWay--
        this.#takeUp(visit)
        if (visit.outcome) yield this.#count(visit.outcome, visit.entry.depth)
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      stop()
      await fetcher.close()
      await this.#client.close()
    }
  }

  async #visit(entry: Entry, sequence: number, fetcher: Fetcher): Promise<Visit> {
    const outcome = entry.error === null ? await this.#follow(entry, fetcher) : withoutPage(entry.url, entry.error)
    return { sequence, entry, outcome }
  }

  /** Fetches a page, over as many redirects as it takes. */
  async #follow(entry: Entry, fetcher: Fetcher): Promise<PageOutcome | null> {
    let { url } = entry
    let before: PageOutcome | undefined
    for (let redirects = 0; ; redirects++) {
      const rules = await this.#robots.rulesFor(url)
      if (rules.error !== null) return withoutPage(url, rules.error)
      if (!rules.allows(url)) {
        this.#disallowed++
        if (before) return failed(before, `${before.result.error} to ${url}, which robots.txt disallows`)
        return entry.depth === 0 ? withoutPage(url, 'robots.txt disallows this page') : null
      }
      if (rules.crawlDelayMs > this.#plan.delayMs) this.#crawlDelayMs = rules.crawlDelayMs
      const outcome = await this.#fetch(url, fetcher, Math.max(this.#plan.delayMs, rules.crawlDelayMs))
      if (outcome.location === null) return outcome

      const { error } = outcome.result
      const target = readLink(outcome.location, url)
      if (target.kind === 'bad') return failed(outcome, `${error} to what is no URL: ${target.text}`)
      if (target.kind === 'other') return failed(outcome, `${error} to what is no web page: ${outcome.location}`)
      if (target.site !== this.#site) return failed(outcome, `${error} to another site: ${target.url}`)
      const loop = this.#redirects.add(url, target.url)
      if (loop) return failed(outcome, `loop of redirects: ${[...loop, loop[0]].join(' -> ')}`, loop[0])
      if (redirects === MAX_REDIRECTS) return failed(outcome, `more than ${MAX_REDIRECTS} redirects`, entry.url)
      if (!this.#frontier.claim(target.url)) return null
      before = outcome
      url = target.url
    }
  }

  /**
   * A page whose worker dies is tried once more; when that one dies too, the page is what kills them. Pages that were under
   * way in the same worker die with it: so of those that are tried again there is only one at a time.
   */
  async #fetch(url: string, fetcher: Fetcher, delayMs: number): Promise<PageOutcome> {
    try {
      return await this.#fetchOnce(url, fetcher, delayMs)
    } catch (error) {
      if (!(error instanceof WorkerDiedError)) throw error
    }
    const again = this.#suspects.then(() => this.#fetchOnce(url, fetcher, delayMs))
    this.#suspects = again.catch(() => {})
    try {
      return await again
    } catch (error) {
      if (!(error instanceof WorkerDiedError)) throw error
      return withoutPage(url, `the worker process died twice over this page (${howItEnded(error.exitcode)})`)
    }
  }

  async #fetchOnce(url: string, fetcher: Fetcher, delayMs: number): Promise<PageOutcome> {
    // A turn that is given while the workers start would come close to the next one.
    if (delayMs > 0) await fetcher.ready()
    await this.#turn(url, delayMs)
    return await fetcher.fetch(url)
  }

  #turn(url: string, delayMs: number): Promise<void> {
    return this.#pacer.turn(new URL(url).host, delayMs, this.#stop.signal)
  }

  /**
   * Adds what a page links to to the frontier. Under a limit the links are added in the order in which the visits began, not
   * ended: so the same pages are found however many workers there are, and however long each page takes.
   */
  #takeUp(visit: Visit): void {
    if (this.#plan.limit === Number.POSITIVE_INFINITY) {
      this.#addLinks(visit)
      return
    }
    this.#early.set(visit.sequence, visit)
    for (let next: Visit | undefined; (next = this.#early.get(this.#nextSequence)); this.#nextSequence++) {
      this.#early.delete(this.#nextSequence)
      this.#addLinks(next)
    }
  }

  #addLinks({ entry, outcome }: Visit): void {
    if (!outcome) return
    const depth = entry.depth + 1
    for (const url of outcome.follow) this.#frontier.add({ url, depth, error: null })
    for (const text of outcome.badLinks) {
      this.#frontier.add({ url: text, depth, error: `not a URL (linked from ${outcome.result.url})` })
    }
  }

  #count({ result }: PageOutcome, depth: number): PageResult {
    this.#pages++
    if (result.error !== null) this.#errors++
    this.#bytes += result.bytes
    return { ...result, depth }
  }
}

function failed(outcome: PageOutcome, error: string, url = outcome.result.url): PageOutcome {
  return { ...outcome, result: { ...outcome.result, url, error } }
}
