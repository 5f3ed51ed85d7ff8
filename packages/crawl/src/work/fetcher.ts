import { constants } from 'node:os'
import { Pool, WorkerDiedError } from 'multiprocess'
import type { Client } from '../http/client.ts'
import type { DownloadSettings } from '../http/settings.ts'
import { downloadPage, holdPlace, type PageOutcome, prepareWorker, visitPage } from './visit-page.ts'

const HOLD_MS = 20

/** Downloads and parses pages, somewhere. */
export interface Fetcher {
  /** Resolves once a page that is asked for is begun at once, as long as there is a place for it. */
  ready(): Promise<void>
  fetch(url: string): Promise<PageOutcome>
  /** What is under way is given up. */
  close(): Promise<void>
}

/** In this process. */
export class LocalFetcher implements Fetcher {
  readonly #client: Client
  readonly #closing = new AbortController()

  /** @param client is not closed with the fetcher */
  constructor(client: Client) {
    this.#client = client
  }

  async ready(): Promise<void> {}

  fetch(url: string): Promise<PageOutcome> {
    return visitPage(this.#client, url, this.#closing.signal)
  }

  async close(): Promise<void> {
    this.#closing.abort()
  }
}

/** In worker processes. */
export class PoolFetcher implements Fetcher {
  readonly #settings: DownloadSettings
  readonly #pool: Pool
  readonly #processes: number
  readonly #concurrency: number
  #ready: Promise<void> | undefined

  /**
   * @param processes worker processes
   * @param concurrency pages that one worker may have under way at once
   */
  constructor(settings: DownloadSettings, processes: number, concurrency: number) {
    this.#settings = settings
    this.#processes = processes
    this.#concurrency = concurrency
    this.#pool = new Pool({ processes, concurrency, initializer: prepareWorker })
  }

  ready(): Promise<void> {
    this.#ready ??= this.#untilAllHaveStarted()
    return this.#ready
  }

  /** @throws WorkerDiedError (of multiprocess) when the worker dies over the page */
  fetch(url: string): Promise<PageOutcome> {
    return this.#pool.apply(downloadPage, [url, this.#settings])
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

/** The outcome for a URL that no page came from. */
export function withoutPage(url: string, error: string): PageOutcome {
  return {
    result: { url, status: null, title: null, ogUrl: null, links: 0, bytes: 0, downloadMs: 0, parseMs: 0, error },
    location: null,
    follow: [],
    badLinks: []
  }
}

function ignoreWorkerDeath(error: unknown): undefined {
  if (!(error instanceof WorkerDiedError)) throw error
}

/** @param exitcode as in `WorkerDiedError`: -N for an end by signal N */
export function howItEnded(exitcode: number): string {
  if (exitcode >= 0) return `exit code ${exitcode}`
  const signal = Object.entries(constants.signals).find(([, number]) => number === -exitcode)
  return signal ? signal[0] : `signal ${-exitcode}`
}
