import { Crawl } from '../crawl.ts'
import { type CrawlOptions, plan } from '../options.ts'
import type { PageResult } from '../result.ts'
import type { CrawlStats } from '../stats.ts'
import type { CommandPage } from '../ui/start.ts'
import { type Destination, inMemory } from './destination.ts'
import { ProcessorLoad } from './processor-load.ts'
import { Progress } from './progress.ts'
import { Summary } from './summary.ts'

/** A crawl that has run to its end. */
export interface Run {
  readonly stats: CrawlStats
  readonly elapsedMs: number
  /** The lines to show at the end. */
  readonly summary: string[]
  /** The reason why not even the first page could be loaded; null if it could, or the crawl did not wait for it. */
  readonly failure: string | null
}

/** How a run is shown. */
export interface Display {
  stderr: NodeJS.WriteStream
  /** Text before each line of progress. */
  label?: string
  /** True if the output of `onResult` goes to the terminal that shows the progress. */
  sharesTerminal?: boolean
  /** Opens the page of `--ui`. Default: there is none. */
  openPage?: (pages: Crawl) => Promise<Pick<CommandPage, 'conclude'>>
}

/**
 * Crawls, and shows the progress.
 * @param destination where the results are kept; it is not closed
 * @param onResult gets each result, and is awaited before the next one
 */
export async function runCrawl(
  url: string,
  options: CrawlOptions,
  { stderr, label = '', sharesTerminal = false, openPage }: Display,
  onResult: (result: PageResult) => Promise<void> = async () => {},
  destination: Destination = inMemory()
): Promise<Run> {
  const begin = performance.now()
  const summary = new Summary()
  const load = new ProcessorLoad()
  const { store, pages: kept } = destination
  const planned = plan(url, { ...options, store })
  const pages = new Crawl(planned, destination.sink)
  const page = await openPage?.(pages)
  const before = Number(kept?.meta('elapsedMs') ?? 0)
  const earlier = store.counts.pages
  const progress = new Progress(stderr, label, () => pages.stats)
  let failure: string | null = null
  const elapsed = () => performance.now() - begin
  try {
    for await (const result of pages) {
      summary.add(result)
      if (result.from === null && result.requestedUrl === planned.start) failure = result.error
      if (sharesTerminal) progress.clear()
      await onResult(result)
      if (sharesTerminal) progress.draw()
    }
  } finally {
    progress.stop()
    kept?.setMeta('elapsedMs', String(Math.round(before + elapsed())))
    kept?.setMeta('endedAt', new Date().toISOString())
    kept?.setMeta('ending', options.signal?.aborted ? 'interrupted' : store.counts.waiting > 0 ? 'limit' : 'complete')
  }
  const { stats } = pages
  const elapsedMs = elapsed()
  const ending = options.signal?.aborted ? 'Interrupted' : stats.queued > 0 ? 'Ended at the limit (--limit)' : null
  const lines = summary.lines(stats, elapsedMs, ending, { earlier, delayMs: planned.delayMs, load: load.share })
  page?.conclude(lines, kept)
  return { stats, elapsedMs, summary: lines, failure }
}
