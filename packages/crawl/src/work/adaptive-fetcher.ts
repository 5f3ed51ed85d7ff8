import { cpus } from 'node:os'
import type { EventLoopUtilization } from 'node:perf_hooks'
import type { Ask } from '../http/answer.ts'
import type { Client } from '../http/client.ts'
import type { DownloadSettings } from '../http/settings.ts'
import type { PageHook } from '../page/extract.ts'
import type { PageOutcome } from '../page/outcome.ts'
import { type Fetcher, LocalFetcher, PoolFetcher } from './fetcher.ts'

/** How often the load is checked, in milliseconds. */
const WINDOW_MS = 250
/** The event loop is saturated if it is busy for this share of a window. */
const SATURATED = 0.9
/** A worker is added after this many saturated windows in a row: its start takes about as much processor time. */
const WINDOWS_BEFORE = 4
/** This many processors must have been idle. */
const FREE_PROCESSORS = 0.7
/** At least this many pages must be known and not begun: fewer are done before a worker is of use. */
const LEAST_QUEUED = 50

/** The load of the machine, and of this process, in a window. */
export interface Load {
  /** The share of the time in which this process's event loop was busy, 0 to 1. */
  loop: number
  /** The number of idle processors. */
  freeProcessors: number
}

/** Decides when another worker pays. */
export class Growth {
  readonly #most: number
  #saturated = 0

  /** @param most the maximum number of workers */
  constructor(most: number) {
    this.#most = most
  }

  /**
   * @param workers the number of workers that exist, or are being started
   * @param queued the number of pages that are known and not begun
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

/** The limits of workers, and of simultaneous pages. */
export interface AdaptiveOptions {
  /** The maximum number of workers. */
  readonly processes: number
  /** The maximum number of simultaneous pages. */
  readonly places: number
  /** Returns the number of pages that are known and not begun. */
  readonly queued: () => number
}

/** Begins in this process, and adds workers when its event loop is saturated, processors are idle, and many pages are left. */
export class AdaptiveFetcher implements Fetcher {
  readonly #settings: DownloadSettings
  readonly #hook: PageHook | null
  readonly #places: number
  readonly #queued: () => number
  readonly #growth: Growth
  readonly #local: Place
  readonly #workers: Place[] = []
  /** All workers that were started, ready or not. */
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

  /** The number of workers that were started so far. */
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

  /** Returns the least busy place. This process also handles the frontier and the results, which counts as one page. */
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

  /** Returns a worker for a page over which a worker died: this process must not die, too. */
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
    // Until the pool has started, its pages would wait.
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
