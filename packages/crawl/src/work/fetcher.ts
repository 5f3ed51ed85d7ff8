import { Pool, TimeoutError, WorkerDiedError } from 'multiprocess'
import type { Ask } from '../http/answer.ts'
import type { Client } from '../http/client.ts'
import type { DownloadSettings } from '../http/settings.ts'
import type { PageHook } from '../page/extract.ts'
import { type PageOutcome, withoutPage } from '../page/outcome.ts'
import { visitPage } from './visit-page.ts'
import { downloadPage, holdPlace, prepareWorker } from './worker.ts'

const HOLD_MS = 20
/** A worker that is stuck gets this long to notice that its time is over. */
const KILL_AFTER_MS = 1000

/** Downloads and parses pages, somewhere. */
export interface Fetcher {
  /** Worker processes that were started. */
  readonly workers: number
  /** Resolves once a page that is asked for is begun at once, as long as there is a place for it. */
  ready(): Promise<void>
  /** @param isSuspect a worker died over the page */
  fetch(ask: Ask, isSuspect?: boolean): Promise<PageOutcome>
  /** What is under way is given up. */
  close(): Promise<void>
}

/** In this process. */
export class LocalFetcher implements Fetcher {
  readonly #client: Client
  readonly #hook: PageHook | null
  readonly #closing = new AbortController()

  /**
   * @param client is not closed with the fetcher
   * @param hook runs on each page
   */
  constructor(client: Client, hook: PageHook | null) {
    this.#client = client
    this.#hook = hook
  }

  get workers(): number {
    return 0
  }

  async ready(): Promise<void> {}

  fetch(ask: Ask): Promise<PageOutcome> {
    return visitPage(this.#client, ask, { hook: this.#hook, signal: this.#closing.signal })
  }

  async close(): Promise<void> {
    this.#closing.abort()
  }
}

/** In worker processes. */
export class PoolFetcher implements Fetcher {
  readonly #pool: Pool
  readonly #processes: number
  readonly #concurrency: number
  readonly #timeLimitMs: number
  #ready: Promise<void> | undefined

  /**
   * @param processes worker processes
   * @param concurrency pages that one worker may have under way at once
   * @param hook runs on each page
   */
  constructor(settings: DownloadSettings, processes: number, concurrency: number, hook: PageHook | null) {
    this.#processes = processes
    this.#concurrency = concurrency
    // Once for the download, once for the parsing; a little more, as the worker's own limits tell more of what was wrong.
    this.#timeLimitMs = 2 * settings.totalTimeoutMs + KILL_AFTER_MS
    this.#pool = new Pool({ processes, concurrency, initializer: prepareWorker, initargs: [settings, hook] })
  }

  get workers(): number {
    return this.#processes
  }

  ready(): Promise<void> {
    this.#ready ??= this.#untilAllHaveStarted()
    return this.#ready
  }

  /** @throws WorkerDiedError (of multiprocess) when the worker dies over the page */
  async fetch(ask: Ask): Promise<PageOutcome> {
    try {
      return await this.#pool.apply(downloadPage, [ask], { timeout: this.#timeLimitMs, killAfter: KILL_AFTER_MS })
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error
      return withoutPage(ask.url, `the page was not done within ${this.#timeLimitMs} ms; its worker was replaced`)
    }
  }

  async close(): Promise<void> {
    this.#pool.terminate()
    await this.#pool.join()
  }

  async #untilAllHaveStarted(): Promise<void> {
    const places = this.#processes * this.#concurrency
    // As many tasks as there are places, each keeping its place for a while, are shared by all workers that have started.
    for (const pids = new Set<number>(); pids.size < this.#processes; ) {
      const tasks = Array.from({ length: places }, () =>
        this.#pool.apply(holdPlace, [HOLD_MS]).catch(ignoreWorkerDeath)
      )
      for (const pid of await Promise.all(tasks)) if (pid !== undefined) pids.add(pid)
    }
  }
}

function ignoreWorkerDeath(error: unknown): undefined {
  if (!(error instanceof WorkerDiedError)) throw error
}
