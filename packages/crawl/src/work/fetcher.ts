import { Pool, TimeoutError, WorkerDiedError } from 'multiprocess'
import type { Ask } from '../http/answer.ts'
import type { Client } from '../http/client.ts'
import type { DownloadSettings } from '../http/settings.ts'
import type { PageHook } from '../page/extract.ts'
import { type PageOutcome, withoutPage } from '../page/outcome.ts'
import { visitPage } from './visit-page.ts'
import { downloadPage, holdPlace, prepareWorker } from './worker.ts'

const HOLD_MS = 20
/** A worker that is stuck has this many milliseconds to notice that its time is over. */
const KILL_AFTER_MS = 1000

/** Downloads and parses pages. */
export interface Fetcher {
  /** The number of worker processes that were started. */
  readonly workers: number
  /** Resolves once a requested page begins at once, as long as there is a place for it. */
  ready(): Promise<void>
  /** @param isSuspect true if a worker died over the page */
  fetch(ask: Ask, isSuspect?: boolean): Promise<PageOutcome>
  /** Closes the fetcher, and gives up unfinished pages. */
  close(): Promise<void>
}

/** Fetches in this process. */
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

/** Fetches in worker processes. */
export class PoolFetcher implements Fetcher {
  readonly #pool: Pool
  readonly #processes: number
  readonly #concurrency: number
  readonly #timeLimitMs: number
  #ready: Promise<void> | undefined

  /**
   * @param processes the number of worker processes
   * @param concurrency the number of pages that one worker handles at once
   * @param hook runs on each page
   */
  constructor(settings: DownloadSettings, processes: number, concurrency: number, hook: PageHook | null) {
    this.#processes = processes
    this.#concurrency = concurrency
    // Once for the download, and once for the parsing; a little more, because the worker's own limits have better messages.
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

  /** @throws WorkerDiedError (of multiprocess) if the worker dies over the page */
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
    // As many tasks as there are places, each of which keeps its place for a while, are distributed over all workers that have started.
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
