/** The frontier of one crawl by several machines, on their server. */
import { randomBytes } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Counts, FoundUrl, Lease, Leases, Nearer, PageResult, SharedStore, StoredVisit, Visit } from 'crawl/store'
import type { Redis } from 'ioredis'
import { MultiprocessError } from 'multiprocess'
import { checkInteger } from 'multiprocess/pooling'
import { checkPolicy } from '../redis/checks.ts'
import { checkServer, isTemporary, SERVER_TIMEOUT_MS, Server, type ServerOptions } from '../redis/server.ts'
import { namesOf } from '../wire/names.ts'
import { differenceOf, FORMAT } from './plans.ts'
import { RedisTurns } from './redis-turns.ts'
import * as scripts from './scripts.ts'

/** The options of a RedisStore. */
export interface RedisStoreOptions extends ServerOptions {
  /** The name of the crawl: programs with the same name crawl together. It has letters, digits, dots, hyphens and underscores. */
  name: string
  /** The milliseconds without a sign of life after which a program's URLs go to others. Default: 30,000. */
  lease?: number
  /** The maximum number of pages of all programs together. Default: no limit. */
  limit?: number
  /** The milliseconds after which a crawl without programs is forgotten. Default: seven days. */
  expire?: number
}

const LEASE_MS = 30_000
const EXPIRE_MS = 7 * 24 * 3_600_000
/** The pause between two looks at a frontier that others may add to, in milliseconds. */
const RETRY_MS = 50
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2000
const PARTS = ['urls', 'waiting', 'leases', 'depths', 'counts', 'pages', 'results', 'hosts', 'plan'] as const

type Answer = readonly [
  waiting: number,
  leased: number,
  pages: number,
  errors: number,
  visits: number,
  depth: number,
  leasedDepth: number
]

/**
 * Keeps URLs, leases and pages on the server. Each of its steps is one script there.
 * @example
 * import { RedisStore } from 'multiprocess-cluster/frontier'
 *
 * const store = new RedisStore({ url: 'redis://localhost', name: 'shop' })
 * for await (const { url, status } of store.pages()) console.log(status, url)
 * await store.close()
 */
export class RedisStore implements SharedStore {
  readonly keepsPages = true
  readonly turns: RedisTurns
  readonly #options: RedisStoreOptions
  readonly #server: Server
  readonly #redis: Redis
  readonly #keys: Readonly<Record<(typeof PARTS)[number], string>>
  readonly #lease: number
  /** The leases of this program. */
  readonly #held = new Map<string, Lease>()
  readonly #timer: NodeJS.Timeout
  /** The rejections of commands that have no answer yet: a client that is closed without a connection never settles them. */
  readonly #pending = new Set<(error: unknown) => void>()
  #checked: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  #isClosed = false
  #counts: Counts = countsOf([0, 0, 0, 0, 0, -1, -1])

  /** @throws TypeError, ValueError if an option is invalid */
  constructor(options: RedisStoreOptions) {
    checkServer(options)
    const { lease = LEASE_MS, expire = EXPIRE_MS, limit } = options
    checkInteger('lease', lease, 1)
    checkInteger('expire', expire, 1)
    if (limit !== undefined && limit !== Number.POSITIVE_INFINITY) checkInteger('limit', limit, 1)
    this.#options = options
    this.#lease = lease
    const { crawl } = namesOf(options.name)
    this.#keys = Object.fromEntries(PARTS.map(part => [part, crawl(part)])) as Record<(typeof PARTS)[number], string>
    this.#server = new Server(options, error => {
      this.#failure = { error }
      for (const reject of this.#pending) reject(error)
      void this.#server.close()
    })
    this.#server.hold(true)
    this.#redis = this.#server.commands
    const { urls, hosts } = this.#keys
    this.turns = new RedisTurns(randomBytes(8).toString('hex'), lease, async (script, input) =>
      Number(await this.#send(() => this.#redis.eval(script, 2, urls, hosts, JSON.stringify(input))))
    )
    this.#timer = setInterval(() => void this.#keep().catch(() => {}), lease / 3)
  }

  get counts(): Counts {
    return this.#counts
  }

  async join(plan: Readonly<Record<string, unknown>>, fresh: boolean): Promise<void> {
    const { plan: key } = this.#keys
    const own = { format: FORMAT, ...plan }
    const found = await this.#send(async () => {
      if (fresh) await this.#redis.del(...Object.values(this.#keys))
      await this.#redis.set(key, JSON.stringify(own), 'NX')
      return await this.#redis.get(key)
    })
    const difference = differenceOf(JSON.parse(found ?? '{}') as Record<string, unknown>, own)
    if (difference !== null) {
      throw new MultiprocessError(
        `cannot join the crawl '${this.#options.name}': ${difference}; give all programs the same options, use another name, or start over`,
        { code: 'ERR_CRAWL_PLAN' }
      )
    }
    await this.#run(scripts.LOOK, {})
  }

  async results(after: string, most: number): Promise<{ position: string; visit: StoredVisit }[]> {
    const entries = await this.#send(() =>
      this.#redis.xrangeBuffer(this.#keys.results, after === '' ? '-' : `(${after}`, '+', 'COUNT', most)
    )
    return entries.map(([id, [, bytes]]) => ({
      position: id.toString(),
      visit: JSON.parse(inflateRawSync(bytes).toString()) as StoredVisit
    }))
  }

  async add(urls: readonly FoundUrl[]): Promise<void> {
    if (urls.length > 0) await this.#run(scripts.ADD, urls)
  }

  async lease(most: number): Promise<Leases> {
    const { limit = Number.POSITIVE_INFINITY } = this.#options
    const given = await this.#run<Lease[] | object>(scripts.LEASE, {
      most,
      limit: Number.isFinite(limit) ? limit : null
    })
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

  async finish(lease: Lease, visit: Visit): Promise<boolean | Nearer> {
    const { depth, page, links, found, hops, skipped } = visit
    const stored: StoredVisit = { lease, depth, page, links, hops, skipped }
    const end = await this.#run<boolean | Nearer>(
      scripts.FINISH,
      {
        lease,
        depth,
        found,
        skipped: skipped.map(({ url }) => url),
        pageUrl: page?.url ?? null,
        failed: page !== null && page.error !== null
      },
      page === null && hops.length + skipped.length === 0 ? '' : deflateRawSync(JSON.stringify(stored), { level: 1 })
    )
    if (typeof end === 'boolean') this.#forget(lease)
    return end
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

  /** Yields the pages that all programs have found so far. */
  async *pages(): AsyncGenerator<PageResult, void, undefined> {
    for (let after = ''; ; ) {
      const results = await this.results(after, 100)
      if (results.length === 0) return
      for (const { position, visit } of results) {
        after = position
        if (visit.page) yield visit.page
      }
    }
  }

  /** Leaves the crawl: the leases of this program go to others at once. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    const held = this.#failure === undefined ? [...this.#held.values()] : []
    await this.#server.close(async () => {
      for (const lease of held) await this.release(lease)
    })
  }

  /** Renews the leases and turns of this program, and ends the leases of dead programs. */
  async #keep(): Promise<void> {
    await this.renew([...this.#held.values()])
    await this.turns.hold()
    await this.reclaim(this.#lease)
    const { expire = EXPIRE_MS } = this.#options
    const pipeline = this.#redis.pipeline()
    for (const key of Object.values(this.#keys)) pipeline.pexpire(key, expire)
    await pipeline.exec()
  }

  #forget({ url, generation }: Lease): void {
    if (this.#held.get(url)?.generation === generation) this.#held.delete(url)
  }

  async #run<R>(script: string, input: unknown, more: string | Buffer = ''): Promise<R> {
    const { urls, waiting, leases, depths, counts, pages, results } = this.#keys
    const keys = [urls, waiting, leases, depths, counts, pages, results]
    const text = await this.#send(() => this.#redis.eval(script, keys.length, ...keys, JSON.stringify(input), more))
    const answer = JSON.parse(text as string) as { result: R; counts: Answer }
    this.#counts = countsOf(answer.counts)
    return answer.result
  }

  #orLost<T>(answer: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#pending.add(reject)
      answer.then(resolve, reject).finally(() => this.#pending.delete(reject))
    })
  }

  /** Sends a command, and again while the server is full, starts or changes its role. */
  async #send<T>(send: () => Promise<T>): Promise<T> {
    const { serverTimeout = SERVER_TIMEOUT_MS } = this.#options
    const giveUpAt = performance.now() + serverTimeout
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      if (this.#failure !== undefined) throw this.#failure.error
      try {
        this.#checked ??= checkPolicy(this.#redis)
        await this.#orLost(this.#checked)
        return await this.#orLost(send())
      } catch (error) {
        const failure = this.#failure as { error: unknown } | undefined
        if (failure !== undefined) throw failure.error
        if (error instanceof MultiprocessError) throw error
        this.#checked = undefined
        if (!this.#isClosed && isTemporary(error) && performance.now() < giveUpAt) {
          await new Promise(resolve => setTimeout(resolve, pause))
          continue
        }
        throw new MultiprocessError(`cannot use ${this.#server.label}: ${(error as Error).message}`, {
          code: 'ERR_CLUSTER_UNREACHABLE',
          cause: error
        })
      }
    }
  }
}

function countsOf([waiting, leased, pages, errors, visits, depth, leasedDepth]: Answer): Counts {
  const orNone = (depth: number) => (depth < 0 ? Number.POSITIVE_INFINITY : depth)
  return { waiting, leased, pages, errors, visits, nextDepth: orNone(depth), leasedDepth: orNone(leasedDepth) }
}
