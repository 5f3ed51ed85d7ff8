/** The frontier of one crawl by several machines, on their server. */
import type { Counts, FoundUrl, Lease, Leases, PageResult, Store, Visit } from 'crawl/store'
import type { Redis } from 'ioredis'
import { checkServer, Server, type ServerOptions } from '../redis/server.ts'
import { namesOf } from '../wire/names.ts'
import * as scripts from './scripts.ts'

/** Options of a RedisStore. */
export interface RedisStoreOptions extends ServerOptions {
  /** Of the crawl: programs that give the same name crawl together. Letters, digits, dots, hyphens and underscores. */
  name: string
  /** Milliseconds without a sign of life after which a program's URLs go to others. Default: 30,000. */
  lease?: number
}

const LEASE_MS = 30_000
/** Between two looks at a frontier that others may add to, in milliseconds. */
const RETRY_MS = 50

type Answer = readonly [waiting: number, leased: number, pages: number, errors: number, visits: number, depth: number]

/** Keeps URLs, leases and pages on the server; each of its steps is one script there. */
export class RedisStore implements Store {
  /** Pages are kept, but cannot be asked for links or problems: each program writes the results that it has found. */
  readonly keepsPages = false
  readonly #server: Server
  readonly #redis: Redis
  readonly #keys: readonly string[]
  readonly #lease: number
  /** Leases of this program. */
  readonly #held = new Map<string, Lease>()
  readonly #timer: NodeJS.Timeout
  #failure: { readonly error: unknown } | undefined
  #counts: Counts = { waiting: 0, leased: 0, pages: 0, errors: 0, visits: 0, nextDepth: Number.POSITIVE_INFINITY }

  /** @throws TypeError, ValueError if an option makes no sense */
  constructor(options: RedisStoreOptions) {
    checkServer(options)
    this.#lease = options.lease ?? LEASE_MS
    const { crawl } = namesOf(options.name)
    this.#keys = ['urls', 'waiting', 'leases', 'counts', 'pages'].map(crawl)
    this.#server = new Server(options, error => {
      this.#failure = { error }
      void this.#server.close()
    })
    this.#server.hold(true)
    this.#redis = this.#server.commands
    this.#timer = setInterval(() => void this.#keep().catch(() => {}), this.#lease / 3)
  }

  get counts(): Counts {
    return this.#counts
  }

  async add(urls: readonly FoundUrl[]): Promise<void> {
    if (urls.length > 0) await this.#run(scripts.ADD, urls)
  }

  async lease(most: number): Promise<Leases> {
    const given = await this.#run<Lease[] | object>(scripts.LEASE, { most })
    const leases = Array.isArray(given) ? (given as Lease[]) : []
    for (const lease of leases) this.#held.set(lease.url, lease)
    return { leases, waitMs: leases.length > 0 || this.#counts.leased === 0 ? null : RETRY_MS }
  }

  async take(url: FoundUrl): Promise<Lease | null> {
    const lease = await this.#run<Lease | false>(scripts.TAKE, url)
    if (lease === false) return null
    this.#held.set(lease.url, lease)
    return lease
  }

  claim(lease: Lease, url: string): Promise<boolean> {
    return this.#run(scripts.CLAIM, { lease, url })
  }

  async finish(lease: Lease, { page, found, skipped }: Visit): Promise<boolean> {
    const isStored = await this.#run<boolean>(scripts.FINISH, {
      lease,
      found,
      skipped: skipped.map(({ url }) => url),
      page: page === null ? null : JSON.stringify(page),
      pageUrl: page?.url ?? null,
      failed: page !== null && page.error !== null
    })
    this.#forget(lease)
    return isStored
  }

  async renew(leases: readonly Lease[]): Promise<void> {
    if (leases.length > 0) await this.#run(scripts.RENEW, leases)
  }

  async release(lease: Lease): Promise<boolean> {
    const isReleased = await this.#run<boolean>(scripts.RELEASE, lease)
    this.#forget(lease)
    return isReleased
  }

  reclaim(ageMs: number): Promise<number> {
    return this.#run(scripts.RECLAIM, { ageMs })
  }

  /** The pages that all programs have found so far. */
  async *pages(): AsyncGenerator<PageResult, void, undefined> {
    let cursor = '0'
    do {
      const [next, entries] = await this.#redis.hscan(this.#keys[4], cursor, 'COUNT', 100)
      for (let i = 1; i < entries.length; i += 2) yield JSON.parse(entries[i]) as PageResult
      cursor = next
    } while (cursor !== '0')
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#server.close()
  }

  /** Signs of life for the own leases, and an end for those of the dead. */
  async #keep(): Promise<void> {
    await this.renew([...this.#held.values()])
    await this.reclaim(this.#lease)
  }

  #forget({ url, generation }: Lease): void {
    if (this.#held.get(url)?.generation === generation) this.#held.delete(url)
  }

  async #run<R>(script: string, input: unknown): Promise<R> {
    if (this.#failure !== undefined) throw this.#failure.error
    let text: string
    try {
      text = (await this.#redis.eval(script, this.#keys.length, ...this.#keys, JSON.stringify(input))) as string
    } catch (error) {
      throw (this.#failure as { error: unknown } | undefined)?.error ?? error
    }
    const { result, counts } = JSON.parse(text) as { result: R; counts: Answer }
    const [waiting, leased, pages, errors, visits, depth] = counts
    const nextDepth = depth < 0 ? Number.POSITIVE_INFINITY : depth
    this.#counts = { waiting, leased, pages, errors, visits, nextDepth }
    return result
  }
}
