import type { PageResult } from '../result.ts'

/** Hears what a crawl does, as it does it. */
export interface Watcher {
  /** The visit to a URL has begun: it waits for its turn, or is downloaded. */
  begun(url: string): void
  /** The visit has ended. */
  done(url: string): void
  /** A result was counted. */
  found(result: PageResult): void
  /** @param isInterrupted true if the crawl's signal has ended it */
  ended(isInterrupted: boolean): void
}
