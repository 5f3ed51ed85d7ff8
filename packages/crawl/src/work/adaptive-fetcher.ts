import { cpus } from 'node:os'
import type { EventLoopUtilization } from 'node:perf_hooks'
import type { Ask } from '../http/answer.ts'
import type { Client } from '../http/client.ts'
import type { DownloadSettings } from '../http/settings.ts'
import type { PageHook } from '../page/extract.ts'
import type { PageOutcome } from '../page/outcome.ts'
import { type Fetcher, LocalFetcher, PoolFetcher } from './fetcher.ts'

/** How often the load is looked at. */
const WINDOW_MS = 250
/** The loop is saturated when it is busy for this part of a window. */
const SATURATED = 0.9
/** A worker is added after so many saturated windows in a row: its start costs about as much processor time. */
const WINDOWS_BEFORE = 4
/** So many processors must have been idle. */
const FREE_PROCESSORS = 0.7
/** So many pages must be known and not begun: fewer are done before a worker is of use. */
const LEAST_QUEUED = 50

/** What the machine, and this process, did in a window. */
export interface Load {
  /** The part of the time in which the loop of this process was busy: 0 to 1. */
  loop: number
  /** How many processors were idle. */
  freeProcessors: number
}

/** Decides when another worker pays. */
export class Growth {
  readonly #most: number
  #saturated = 0

  /** @param most workers */
  constructor(most: number) {
    this.#most = most
  }

  /**
   * @param workers that there are, or are being started
   * @param queued pages that are known and not begun
   */
  wantsWorker(load: Load, workers: number, queued: number): boolean {
    const isOfUse = load.loop >= SATURATED && load.freeProcessors >= FREE_PROCESSORS && queued >= LEAST_QUEUED
    this.#saturated = isOfUse ? this.#saturated + 1 : 0
    if (this.#saturated < WINDOWS_BEFORE || workers >= this.#most) return false
    this.#saturated = 0
    return true
  }
}

interface Place {
  readonly fetcher: Fetcher
  underWay: number
}

/** How many workers there may be, and pages under way. */
export interface AdaptiveOptions {
  /** Most workers. */
  readonly processes: number
  /** Most pages under way. */
  readonly places: number
  /** Tells how many pages are known and not begun. */
  readonly queued: () => number
}

/** Begins in this process, and adds workers when its loop is saturated, processors are free, and much is left to do. */
export class AdaptiveFetcher implements Fetcher {
  readonly #settings: DownloadSettings
  readonly #hook: PageHook | null
  readonly #places: number
  readonly #queued: () => number
  readonly #growth: Growth
  readonly #local: Place
  readonly #workers: Place[] = []
  /** All that were started, ready or not. */
  readonly #pools: PoolFetcher[] = []
  readonly #timer: NodeJS.Timeout
  #isClosed = false

  /**
   * @param client is not closed with the fetcher
   * @param hook runs on each page
   */
  constructor(client: Client, hook: PageHook | null, { processes, places, queued }: AdaptiveOptions) {
    this.#settings = client.settings
    this.#hook = hook
    this.#places = places
    this.#queued = queued
    this.#growth = new Growth(processes)
    this.#local = { fetcher: new LocalFetcher(client, hook), underWay: 0 }
    let before = readMeters()
    this.#timer = setInterval(() => {
      const now = readMeters()
      const load = loadBetween(before, now)
      before = now
      if (this.#growth.wantsWorker(load, this.#pools.length, this.#queued())) this.#addWorker()
    }, WINDOW_MS).unref()
  }

  /** Workers that were started so far. */
  get workers(): number {
    return this.#pools.length
  }

  async ready(): Promise<void> {}

  async fetch(ask: Ask, isSuspect = false): Promise<PageOutcome> {
    const place = isSuspect ? await this.#anyWorker() : this.#leastBusy()
    place.underWay++
    try {
      return await place.fetcher.fetch(ask)
    } finally {
      place.underWay--
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    await Promise.all([this.#local.fetcher.close(), ...this.#pools.map(pool => pool.close())])
  }

  /** This process has the frontier and the results to care for as well: that counts as one page. */
  #leastBusy(): Place {
    let best = this.#local
    let least = this.#workers.length > 0 ? this.#local.underWay + 1 : 0
    for (const worker of this.#workers) {
      if (worker.underWay >= least) continue
      best = worker
      least = worker.underWay
    }
    return best
  }

  /** For a page that a worker died over: this process must not. */
  async #anyWorker(): Promise<Place> {
    if (this.#workers.length === 0) {
      if (this.#pools.length === 0) this.#addWorker()
      await this.#pools[0].ready()
    }
    return this.#workers[0] ?? { fetcher: this.#pools[0], underWay: 0 }
  }

  #addWorker(): void {
    const pool = new PoolFetcher(this.#settings, 1, this.#places, this.#hook)
    this.#pools.push(pool)
    // Until it has started, what it is given would wait.
    void pool.ready().then(
      () => {
        if (!this.#isClosed) this.#workers.push({ fetcher: pool, underWay: 0 })
      },
      () => {}
    )
  }
}

interface Meters {
  at: number
  loop: EventLoopUtilization
  idleMs: number
}

function readMeters(): Meters {
  let idleMs = 0
  for (const { times } of cpus()) idleMs += times.idle
  return { at: performance.now(), loop: performance.eventLoopUtilization(), idleMs }
}

function loadBetween(before: Meters, now: Meters): Load {
  return {
    loop: performance.eventLoopUtilization(now.loop, before.loop).utilization,
    freeProcessors: (now.idleMs - before.idleMs) / Math.max(1, now.at - before.at)
  }
}
