import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './http/client.ts'
import { Identity } from './http/identity.ts'
import { type CrawlOptions, type Plan, plan } from './options.ts'
import { type HostPace, Pacer } from './pace/pacer.ts'
import { withoutPage } from './page/outcome.ts'
import type { PageResult } from './result.ts'
import { MAX_SITEMAP_BYTES, readSitemaps } from './robots/sitemaps.ts'
import type { CrawlStats } from './stats.ts'
import { MemoryStore } from './store/memory-store.ts'
import type { FoundUrl, Lease, Store } from './store/store.ts'
import { isLoopback } from './url/link.ts'
import { isPrivateHost } from './url/private-network.ts'
import { Traps } from './url/traps.ts'
import { AdaptiveFetcher } from './work/adaptive-fetcher.ts'
import { Completions } from './work/completions.ts'
import { Depths, type Visited } from './work/depths.ts'
import { type Fetcher, LocalFetcher, PoolFetcher } from './work/fetcher.ts'
import { LeaseLost, type TimedExchange, Visitor, type VisitReport } from './work/visitor.ts'
import type { Watcher } from './work/watcher.ts'

/** A finished visit to one entry of the frontier. */
interface Visit {
  /** Visits are numbered in the order in which they begin. */
  readonly sequence: number
  readonly page: Visited
  readonly report: VisitReport
}

/** Where results are written before they are stored as done. */
export interface Sink {
  /** True if `write` needs the exchanges. */
  readonly wantsExchanges: boolean
  /** @returns the length of everything written so far, in bytes */
  write(result: PageResult, exchanges: readonly TimedExchange[]): Promise<number>
}

/** If this many results wait for a slow page nearer to the first page, no further page is begun. */
const MOST_WAITING = 10_000

/**
 * Visits the pages of one site, beginning with `url`, and yields a result for each. The loop over the results drives the crawl: while no
 * code asks for the next result, no further page is begun. The results can be looped over once; leaving the loop ends the workers.
 * @throws TypeError for a URL that cannot be crawled; RangeError for a number out of its range
 * @example
 * import { crawl } from 'crawl'
 *
 * for await (const { url, status, title } of crawl('https://example.com/', { limit: 10 })) console.log(status, url, title)
 */
export function crawl<D = unknown>(url: string | URL, options?: CrawlOptions<D>): Crawl<D> {
  return new Crawl<D>(plan(url, options))
}

/**
 * The results of a crawl, to be looped over once. `D` is what `onPage` returns: the `data` of each page.
 * @example
 * import { crawl } from 'crawl'
 *
 * const pages = crawl('https://example.com/', { limit: 10 })
 * for await (const { url } of pages) console.log(url, `(${pages.stats.queued} more)`)
 */
export class Crawl<D = unknown> implements AsyncIterable<PageResult<D>> {
  readonly #plan: Plan
  readonly #store: Store
  readonly #sink: Sink | undefined
  readonly #depths = new Depths()
  readonly #pacer: Pacer
  /** undefined if traps are followed. */
  readonly #traps: Traps | undefined
  readonly #stop = new AbortController()
  readonly #completions = new Completions<Visit>()
  /** Visits whose links wait for those of an earlier visit, by their sequence. */
  readonly #early = new Map<number, Visit>()
  /** Links that are not URLs and were not reported yet. */
  #notUrls: Lease[] = []
  /** The sequence of the next visit. */
  #sequence = 0
  /** The sequence of the visit whose links are added next. */
  #nextSequence = 0
  #visitor: Visitor | undefined
  #fetcher: Fetcher | undefined
  #hasBegun = false
  #pages = 0
  #errors = 0
  /** The number of results that count against the limit. */
  #spent = 0
  #underWay = 0
  /** The number of unfinished pages that wait before they are requested again. */
  #resting = 0
  #bytes = 0
  /** @internal Hears what the crawl does. */
  watcher: Watcher | undefined

  /** @internal */
  constructor(plan: Plan, sink?: Sink) {
    this.#plan = plan
    this.#sink = sink
    this.#store = plan.store ?? new MemoryStore()
    const { autothrottle, followsTraps } = plan.ask
    this.#traps = followsTraps ? undefined : new Traps()
    this.#pacer = new Pacer(host => autothrottle ?? !isLoopback(`http://${host}/`))
  }

  /** @internal */
  get plan(): Plan {
    return this.#plan
  }

  /** @internal */
  get hosts(): ReadonlyMap<string, HostPace> {
    return this.#pacer.hosts
  }

  /** The numbers of pages, URLs and bytes so far. */
  get stats(): CrawlStats {
    const { disallowed = 0, crawlDelayMs = 0, retries = 0 } = this.#visitor?.stats ?? {}
    const { throttle } = this.#pacer.of(new URL(this.#plan.start).host)
    return {
      pages: this.#pages,
      errors: this.#errors,
      queued: this.#store.counts.waiting,
      underWay: this.#underWay,
      disallowed,
      bytes: this.#bytes,
      crawlDelayMs,
      retries,
      workers: this.#fetcher?.workers ?? 0,
      throttleMs: Math.round(throttle.delayMs),
      latencyP95Ms: Math.round(throttle.p95Ms),
      traps: this.#traps?.notes ?? []
    }
  }

  /** Iterates over the results as pages arrive, until the crawl is done. Leaving the loop stops the crawl. */
  async *[Symbol.asyncIterator](): AsyncGenerator<PageResult<D>, void, undefined> {
    if (this.#hasBegun) throw new Error('a crawl can be looped over once; call crawl() again for another')
    this.#hasBegun = true
    const { start, starts, signal, ask, scope } = this.#plan
    if (signal?.aborted) {
      this.watcher?.ended(true)
      return
    }
    const isGuarded = !ask.allowsPrivate && !(await isPrivateHost(new URL(start).hostname))
    const keepBodies = this.#sink?.wantsExchanges ?? false
    const { followsAll, findsEmbedded } = scope
    const settings = {
      ...ask.settings,
      isGuarded,
      keepLinks: this.#store.keepsPages,
      keepBodies,
      followsAll,
      findsEmbedded
    }
    const client = new Client(settings)
    const fetcher = this.#makeFetcher(client)
    this.#fetcher = fetcher
    this.#visitor = this.#makeVisitor(client, fetcher)
    const stop = () => {
      this.#completions.close()
      this.#stop.abort()
    }
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
    try {
      this.#spent = this.#store.counts.visits
      await this.#store.add(starts.map(url => ({ url, depth: 0, from: null, error: null })))
      if (this.#plan.usesSitemap) await this.#addSitemaps(this.#visitor).catch(ignoreWhen(this.#stop.signal))
      // The hook's result came back unchanged.
      yield* this.#run(this.#visitor) as AsyncGenerator<PageResult<D>, void, undefined>
    } finally {
      signal?.removeEventListener('abort', stop)
      stop()
      await fetcher.close()
      await client.close()
      for (const { lease } of this.#depths.underWay) await this.#store.release(lease)
      this.watcher?.ended(signal?.aborted ?? false)
    }
  }

  async *#run(visitor: Visitor): AsyncGenerator<PageResult, void, undefined> {
    for (;;) {
      const waitMs = await this.#beginVisits(visitor)
      if (this.#underWay === 0) {
        const { waiting } = this.#depths
        yield* this.#finished(this.#nextDepth)
        if (this.#depths.waiting < waiting) continue
        if (waitMs === null || this.#stop.signal.aborted) break
        // Another program may find more.
        await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => {})
        continue
      }
      const visit = await this.#completions.next()
      if (!visit) {
        if (this.#stop.signal.aborted) break
        continue
      }
      this.#underWay--
      this.#depths.finish(visit.page, visit.report)
      await this.#takeUp(visit)
      yield* this.#finished(this.#nextDepth)
    }
    const early = [...this.#early.values()].sort((a, b) => a.sequence - b.sequence)
    for (const { page } of early) await this.#addLinks(page)
    yield* this.#finished(Number.POSITIVE_INFINITY)
  }

  #makeFetcher(client: Client): Fetcher {
    const { processes, isAdaptive, concurrency, limit, hook } = this.#plan
    if (processes === 0) return new LocalFetcher(client, hook)
    if (!isAdaptive) return new PoolFetcher(client.settings, Math.min(processes, limit), concurrency, hook)
    // Under a limit, no more pages than the limit are begun, however many are known.
    const queued = () => Math.min(this.#store.counts.waiting, limit - this.#spent)
    return new AdaptiveFetcher(client, hook, { processes, places: processes * concurrency, queued })
  }

  async #addSitemaps(visitor: Visitor): Promise<void> {
    const { start, scope, ask } = this.#plan
    const known = ask.obeysRobots ? (await visitor.robots.rulesFor(start)).sitemaps : []
    const sitemaps = known.length > 0 ? known : [new URL('/sitemap.xml', start).href]
    const read = async (url: string) => {
      const { status, body } = await visitor.ask(url, MAX_SITEMAP_BYTES)
      return status !== null && status >= 200 && status < 300 ? body : null
    }
    for await (const { sitemap, urls } of readSitemaps(sitemaps, read)) {
      const wanted = urls.filter(url => scope.refusal(url, 1) === null)
      await this.#store.add(wanted.map(url => ({ url, depth: 1, from: sitemap, error: null })))
    }
  }

  #makeVisitor(client: Client, fetcher: Fetcher): Visitor {
    const { start, delayMs, ask, scope } = this.#plan
    const { headers, auth, cookies, retries, obeysRobots } = ask
    const options = {
      delayMs,
      retries,
      retryPauseMs: isLoopback(start) ? LOCAL_RETRY_PAUSE_MS : RETRY_PAUSE_MS,
      obeysRobots,
      signal: this.#stop.signal,
      isOnSite: (url: string, requestedUrl: string) => scope.staysOnSite(url, requestedUrl),
      onRest: (change: 1 | -1) => {
        this.#resting += change
        if (change > 0) this.#completions.nudge()
      },
      turns: this.#store.turns
    }
    return new Visitor(options, client, fetcher, this.#pacer, new Identity({ start, headers, auth, cookies }))
  }

  /** @returns null, or the milliseconds to wait until there may be more to begin */
  async #beginVisits(visitor: Visitor): Promise<number | null> {
    const { processes, concurrency, limit } = this.#plan
    const places = Math.max(processes, 1) * concurrency
    while (!this.#stop.signal.aborted && (this.#depths.waiting < MOST_WAITING || this.#underWay === 0)) {
      // Results that were not yielded yet count as unfinished, so no more than `limit` pages are ever begun.
      const left = limit - this.#spent - this.#underWay - this.#depths.waiting
      const most = Math.min(left, places - (this.#underWay - this.#resting))
      if (most <= 0) break
      const { leases, waitMs } = await this.#store.lease(most)
      if (leases.length === 0) return waitMs
      for (const lease of leases) {
        // A link that is not a URL, from a crawl that was killed before it reported the link.
        if (lease.error !== null) this.#notUrls.push(lease)
        else {
          this.#underWay++
          this.#completions.add(this.#visit(visitor, this.#depths.begin(lease), this.#sequence++))
        }
      }
    }
    return null
  }

  async #visit(visitor: Visitor, page: Visited, sequence: number): Promise<Visit> {
    const { lease } = page
    this.watcher?.begun(page.url)
    const claim = (url: string) => this.#store.claim(lease, url)
    const visit = visitor.visit(page.url, page.from === null, claim, lease)
    const report = await visit.catch((error: unknown): VisitReport => {
      if (error instanceof LeaseLost) return { outcome: null, hops: [], skipped: [], exchanges: [] }
      throw error
    })
    this.watcher?.done(page.url)
    return { sequence, page, report }
  }

  /** The least depth of a page that is known and not done, without those that only this program knows. */
  get #nextDepth(): number {
    const { nextDepth, leasedDepth = Number.POSITIVE_INFINITY } = this.#store.counts
    return Math.min(nextDepth, leasedDepth)
  }

  /**
   * Adds the links of a page to the frontier. Under a limit, links are added in the order in which the visits began, not ended: so the same
   * pages are found however many workers there are, and however long each page takes.
   */
  async #takeUp(visit: Visit): Promise<void> {
    if (this.#plan.limit === Number.POSITIVE_INFINITY) {
      await this.#addLinks(visit.page)
      return
    }
    this.#early.set(visit.sequence, visit)
    for (let next: Visit | undefined; (next = this.#early.get(this.#nextSequence)); this.#nextSequence++) {
      this.#early.delete(this.#nextSequence)
      await this.#addLinks(next.page)
    }
  }

  async #addLinks(page: Visited): Promise<void> {
    page.isTakenUp = true
    await this.#addNotUrls(page)
    const pages = [page]
    // Grows during the loop: a shorter path to a page that is done makes shorter paths to the pages it links to.
    for (const next of pages) {
      const found = this.#found(next)
      for (const { url, depth, from } of found) {
        this.#depths.offer(url, depth, from!, other => {
          if (other.isTakenUp) pages.push(other)
        })
      }
      // If a page is stored next, its links are stored with it, in one step. But under a limit, their order counts.
      const isNext = this.#plan.limit === Number.POSITIVE_INFINITY
      if (isNext && this.#depths.isFinal(next, this.#nextDepth)) next.found = found
      else await this.#store.add(found)
    }
  }

  #found({ outcome, depth }: Visited): FoundUrl[] {
    if (!outcome) return []
    const from = outcome.record.url
    const { scope, hook } = this.#plan
    // What `onPage` adds may be anywhere.
    const wants = (url: string) => (hook?.onPage ? scope.refusal(url, depth + 1) === null : scope.wants(url, depth + 1))
    const loaded = outcome.embedded.filter(url => scope.wantsLoaded(url, depth + 1))
    const urls = [...outcome.follow.filter(wants), ...loaded]
    return [...(loaded.length > 0 ? new Set(urls) : urls)]
      .filter(url => this.#traps?.admits(url, from) ?? true)
      .map(url => ({ url, depth: depth + 1, from, error: null }))
  }

  async #addNotUrls({ outcome, depth }: Visited): Promise<void> {
    if (!outcome || depth + 1 > this.#plan.scope.depth) return
    const from = outcome.record.url
    for (const url of outcome.badLinks) {
      const lease = await this.#store.take({ url, depth: depth + 1, from, error: `not a URL (linked from ${from})` })
      if (lease) this.#notUrls.push(lease)
    }
  }

  /** Stores the results whose depth is final, and yields them. */
  async *#finished(nextDepth: number): AsyncGenerator<PageResult, void, undefined> {
    for (const visited of this.#depths.takeFinal(nextDepth)) {
      if (visited.outcome) this.#spent++
      const page = await this.#finish(visited)
      if (page) yield this.#count(page)
    }
    const notUrls = this.#notUrls
    this.#notUrls = []
    for (const lease of notUrls) {
      const outcome = withoutPage(lease.url, lease.error)
      const report = { outcome, hops: [], skipped: [], exchanges: [] }
      const page = await this.#finish({ ...lease, lease, outcome, report, isTakenUp: true, found: [] })
      if (page) yield this.#count(page)
    }
  }

  /** @returns the page, if it was not known before */
  async #finish(visited: Visited): Promise<PageResult | null> {
    const { lease, outcome, report } = visited
    const { hops, skipped, exchanges } = report!
    const links = outcome?.linkTable ?? []
    for (;;) {
      const { depth, from, found } = visited
      const page = outcome ? { ...outcome.record, depth, from } : null
      const written = page ? await this.#sink?.write(page, exchanges) : undefined
      const end = await this.#store.finish(lease, { depth, page, links, found, hops, skipped, written })
      if (typeof end === 'boolean') return end ? page : null
      // The path that another program has found makes shorter paths to the pages that this page links to.
      Object.assign(visited, end)
      await this.#addLinks(visited)
    }
  }

  #count(result: PageResult): PageResult {
    this.#pages++
    if (result.error !== null) this.#errors++
    this.#bytes += result.bytes
    this.watcher?.found(result)
    return result
  }
}

/** The pause before the first retry, in milliseconds; servers on this computer need none. */
const RETRY_PAUSE_MS = 1000
const LOCAL_RETRY_PAUSE_MS = 100

/** Ignores errors of pages that were unfinished when the crawl ended. */
function ignoreWhen(signal: AbortSignal): (error: unknown) => void {
  return error => {
    if (!signal.aborted) throw error
  }
}
