import { crawl } from './crawl.ts'
import type { CrawlOptions } from './options.ts'
import { Progress } from './progress.ts'
import type { PageResult } from './result.ts'
import type { CrawlStats } from './stats.ts'
import { Summary } from './summary.ts'

/** A crawl that was run to its end. */
export interface Run {
  readonly stats: CrawlStats
  readonly elapsedMs: number
  /** What to show at the end. */
  readonly summary: string[]
  /** Why not even the first page could be had; null when it could, or was not waited for. */
  readonly failure: string | null
}

/** How a run is shown. */
export interface Display {
  stderr: NodeJS.WriteStream
  /** Before each line of progress. */
  label?: string
  /** What `onResult` writes comes to the terminal that the progress is shown on. */
  sharesTerminal?: boolean
}

/**
 * Crawls, with progress shown.
 *
 * @param onResult is given each result as it comes, and awaited before the next
 */
export async function runCrawl(
  url: string,
  options: CrawlOptions,
  { stderr, label = '', sharesTerminal = false }: Display,
  onResult: (result: PageResult) => Promise<void>
): Promise<Run> {
  const begin = performance.now()
  const summary = new Summary()
  const pages = crawl(url, options)
  const progress = new Progress(stderr, label, () => pages.stats)
  let failure: string | null = null
  try {
    for await (const result of pages) {
      summary.add(result)
      if (result.depth === 0) failure = result.error
      if (sharesTerminal) progress.clear()
      await onResult(result)
      if (sharesTerminal) progress.draw()
    }
  } finally {
    progress.stop()
  }
  const { stats } = pages
  const elapsedMs = performance.now() - begin
  const ending = options.signal?.aborted ? 'Interrupted' : stats.queued > 0 ? 'Ended at the limit (--limit)' : null
  return { stats, elapsedMs, summary: summary.lines(stats, elapsedMs, ending), failure }
}
