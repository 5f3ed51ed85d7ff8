import { setTimeout as sleep } from 'node:timers/promises'
import type { SharedStore, StoredVisit } from '../store/shared-store.ts'
import type { Destination } from './destination.ts'

/** The number of results that are read at a time. */
const BATCH = 200
/** The pause between two looks for more results, in milliseconds. */
const LOOK_MS = 200

/** Writes the results of all machines into one file, as they are stored on the server. */
export class Collector {
  readonly #store: SharedStore
  readonly #file: Destination
  /** The position of the last result that the file has. */
  #position: string
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #failure: { readonly error: unknown } | undefined
  /** The last read; reads run one after another. */
  #last: Promise<void> = Promise.resolve()

  /** @param file a destination with what was already collected of the crawl */
  constructor(store: SharedStore, file: Destination) {
    this.#store = store
    this.#file = file
    this.#position = file.pages?.meta('clusterPosition') ?? ''
    this.#running = this.#run()
  }

  /** Resolves once the file has everything that is on the server now. */
  async whole(): Promise<void> {
    if (this.#failure) throw this.#failure.error
    await this.#read()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    try {
      while (!signal.aborted) {
        await this.#read()
        await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
      }
    } catch (error) {
      this.#failure = { error }
    }
  }

  #read(): Promise<void> {
    this.#last = this.#last.then(async () => {
      for (;;) {
        const results = await this.#store.results(this.#position, BATCH)
        for (const { position, visit } of results) {
          await this.#write(visit)
          this.#position = position
        }
        this.#file.pages?.setMeta('clusterPosition', this.#position)
        if (results.length < BATCH) return
      }
    })
    return this.#last
  }

  /** Writes a result, unless the file already has it because a program that wrote it was killed. */
  async #write({ lease, depth, page, links, hops, skipped }: StoredVisit): Promise<void> {
    const { store, sink } = this.#file
    const own = await store.take(lease)
    if (own === null) return
    if (page && page.url !== own.url) await store.claim(own, page.url)
    const written = page ? await sink?.write(page, []) : undefined
    await store.finish(own, { depth, page, links, found: [], hops, skipped, written })
  }
}
