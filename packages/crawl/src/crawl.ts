import { Frontier } from './frontier.ts'
import { Client } from './http/client.ts'
import { Identity } from './http/identity.ts'
import { type CrawlOptions, type Plan, plan } from './options.ts'
import { Pacer } from './pace/pacer.ts'
import { type PageOutcome, withoutPage } from './page/outcome.ts'
import type { PageResult } from './result.ts'
import { isLoopback } from './url/link.ts'
import { isPrivateHost } from './url/private-network.ts'
import { Completions } from './work/completions.ts'
import { Depths, type Visited } from './work/depths.ts'
import { type Fetcher, LocalFetcher, PoolFetcher } from './work/fetcher.ts'
import { Visitor } from './work/visitor.ts'

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
  /** Between two requests to the first page's host, when its answers suggest a pause; else 0. */
  readonly throttleMs: number
  /** The time to the headers that 95 % of the last 200 answers of the first page's host kept, in milliseconds. */
  readonly latencyP95Ms: number
}

/** A visit to one entry of the frontier, done. */
interface Visit {
  /** Visits are numbered as they begin. */
  readonly sequence: number
  readonly page: Visited
  /** null when it led nowhere new: to a page that was visited, or one that robots.txt forbids. */
  readonly outcome: PageOutcome | null
}

/** So many results may wait for a slow page nearer to the first one; then no further page is begun. */
const MOST_WAITING = 10_000

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
  readonly #frontier = new Frontier()
  readonly #depths = new Depths()
  readonly #pacer: Pacer
  readonly #stop = new AbortController()
  readonly #completions = new Completions<Visit>()
  /** Visits whose links wait for those of an earlier one, by their sequence. */
  readonly #early = new Map<number, Visit>()
  /** Links that are no URLs, to be told. */
  #notUrls: PageResult[] = []
  /** The visit whose links are taken up next. */
  #nextSequence = 0
  #visitor: Visitor | undefined
  #hasBegun = false
  #pages = 0
  #errors = 0
  /** Results that count against the limit. */
  #spent = 0
  #underWay = 0
  /** Pages under way that wait before they are asked for again. */
  #resting = 0
  #bytes = 0

  constructor(plan: Plan) {
    this.#plan = plan
    const { autothrottle } = plan.ask
    this.#pacer = new Pacer(host => autothrottle ?? !isLoopback(`http://${host}/`))
  }

  get stats(): CrawlStats {
    const { disallowed = 0, crawlDelayMs = 0, retries = 0 } = this.#visitor?.stats ?? {}
    const { throttle } = this.#pacer.of(new URL(this.#plan.start).host)
    return {
      pages: this.#pages,
      errors: this.#errors,
      queued: this.#frontier.unseen,
      underWay: this.#underWay,
      disallowed,
      bytes: this.#bytes,
      crawlDelayMs,
      retries,
      throttleMs: Math.round(throttle.delayMs),
      latencyP95Ms: Math.round(throttle.p95Ms)
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PageResult, void, undefined> {
    if (this.#hasBegun) throw new Error('a crawl can be looped over once; call crawl() again for another')
    this.#hasBegun = true
    const { start, processes, concurrency, limit, signal, ask } = this.#plan
    if (signal?.aborted) return
    const isGuarded = !ask.allowsPrivate && !(await isPrivateHost(new URL(start).hostname))
    const settings = { ...ask.settings, isGuarded }
    const client = new Client(settings)
    const fetcher =
      processes === 0 ? new LocalFetcher(client) : new PoolFetcher(settings, Math.min(processes, limit), concurrency)
    this.#visitor = this.#makeVisitor(client, fetcher)
    const stop = () => {
      this.#completions.close()
      this.#stop.abort()
    }
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
    try {
      this.#frontier.add({ url: start, depth: 0, from: null })
      for (let sequence = 0; ; ) {
        sequence = this.#beginVisits(sequence, this.#visitor)
        if (this.#underWay === 0) break
        const visit = await this.#completions.next()
        if (!visit) {
          if (this.#stop.signal.aborted) break
          continue
        }
        this.#underWay--
        this.#depths.finish(visit.page, visit.outcome)
        this.#takeUp(visit)
        yield* this.#finished(this.#frontier.nextDepth)
      }
      yield* this.#finished(Number.POSITIVE_INFINITY)
    } finally {
      signal?.removeEventListener('abort', stop)
      stop()
      await fetcher.close()
      await client.close()
    }
  }

  #makeVisitor(client: Client, fetcher: Fetcher): Visitor {
    const { start, delayMs, ask } = this.#plan
    const { headers, auth, cookies, retries, obeysRobots } = ask
    const options = {
      start,
      delayMs,
      retries,
      retryPauseMs: isLoopback(start) ? LOCAL_RETRY_PAUSE_MS : RETRY_PAUSE_MS,
      obeysRobots,
      signal: this.#stop.signal,
      claim: (url: string) => this.#frontier.claim(url),
      onRest: (change: 1 | -1) => {
        this.#resting += change
        if (change > 0) this.#completions.nudge()
      }
    }
    return new Visitor(options, client, fetcher, this.#pacer, new Identity({ start, headers, auth, cookies }))
  }

  /** @returns the next sequence number */
  #beginVisits(sequence: number, visitor: Visitor): number {
    const { processes, concurrency, limit } = this.#plan
    const most = Math.max(processes, 1) * concurrency
    while (!this.#stop.signal.aborted && this.#depths.waiting < MOST_WAITING) {
      // Results that are not given out yet count as under way, so no more than `limit` are ever begun.
      if (this.#underWay + this.#depths.waiting >= limit - this.#spent) break
      if (this.#underWay - this.#resting >= most) break
      const entry = this.#frontier.take()
      if (!entry) break
      this.#underWay++
      const page = this.#depths.begin(entry.url, entry.depth, entry.from)
      this.#completions.add(visit(visitor, page, sequence++))
    }
    return sequence
  }

  /**
   * Adds what a page links to to the frontier. Under a limit the links are added in the order in which the visits began, not
   * ended: so the same pages are found however many workers there are, and however long each page takes.
   */
  #takeUp(visit: Visit): void {
    if (this.#plan.limit === Number.POSITIVE_INFINITY) {
      this.#addLinks(visit.page)
      return
    }
    this.#early.set(visit.sequence, visit)
    for (let next: Visit | undefined; (next = this.#early.get(this.#nextSequence)); this.#nextSequence++) {
      this.#early.delete(this.#nextSequence)
      this.#addLinks(next.page)
    }
  }

  #addLinks({ depth, outcome }: Visited): void {
    if (!outcome) return
    const from = outcome.record.url
    for (const url of outcome.follow) {
      this.#frontier.add({ url, depth: depth + 1, from })
      this.#depths.offer(url, depth + 1, from, page => this.#addLinks(page))
    }
    for (const text of outcome.badLinks) {
      if (!this.#frontier.claim(text)) continue
      const { record } = withoutPage(text, `not a URL (linked from ${from})`)
      this.#notUrls.push({ ...record, depth: depth + 1, from })
    }
  }

  /** The results whose depth is final. */
  *#finished(nextDepth: number): Generator<PageResult> {
    for (const { outcome, depth, from } of this.#depths.takeFinal(nextDepth)) {
      if (!outcome) continue
      this.#spent++
      yield this.#count({ ...outcome.record, depth, from })
    }
    const notUrls = this.#notUrls
    this.#notUrls = []
    for (const result of notUrls) yield this.#count(result)
  }

  #count(result: PageResult): PageResult {
    this.#pages++
    if (result.error !== null) this.#errors++
    this.#bytes += result.bytes
    return result
  }
}

/** Before the first retry; servers on this computer need no rest. */
const RETRY_PAUSE_MS = 1000
const LOCAL_RETRY_PAUSE_MS = 100

async function visit(visitor: Visitor, page: Visited, sequence: number): Promise<Visit> {
  return { sequence, page, outcome: await visitor.visit(page.url, page.from === null) }
}
