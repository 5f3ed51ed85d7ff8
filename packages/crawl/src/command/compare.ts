import { count, seconds, table } from '../format/text.ts'
import { type CrawlOptions, DEFAULT_CONCURRENCY, DEFAULT_PROCESSES } from '../options.ts'
import type { PageResult } from '../result.ts'
import type { Destination } from './destination.ts'
import { type Display, type Run, runCrawl } from './run-crawl.ts'
import { trapLines } from './summary.ts'

/** The comparison of two crawls of one site. */
export interface Comparison {
  /** True if both crawls ran to their end and found the same. */
  readonly isSame: boolean
  /** The reason why not even the first page could be loaded; null if it could. */
  readonly failure: string | null
  /** The lines to show. */
  readonly lines: string[]
}

const MOST_DIFFERENCES = 10

/**
 * Crawls a site twice, first one page after another in this process, then with a pool, and checks that both crawls found the same.
 * @param onResult gets each result of the second crawl, and is awaited before the next one
 * @param destination where the results of the second crawl are kept
 */
export async function compare(
  url: string,
  options: CrawlOptions,
  display: Display,
  onResult: (result: PageResult) => Promise<void>,
  destination?: Destination
): Promise<Comparison> {
  const { processes, concurrency = DEFAULT_CONCURRENCY, signal } = options
  const oneByOne = 'one page after another'
  const most = processes ?? DEFAULT_PROCESSES
  const pooled = [`${processes === undefined ? 'up to ' : ''}${most} ${most === 1 ? 'process' : 'processes'}`]
  if (concurrency > 1) pooled.push(`${concurrency} pages`)
  const together = pooled.join(' x ')

  const first: PageResult[] = []
  const alone = { ...options, processes: 0, concurrency: 1 }
  const sequential = await runCrawl(url, alone, { ...display, label: `${oneByOne}: ` }, async result => {
    first.push(result)
  })
  const { failure } = sequential
  if (signal?.aborted || failure !== null) return { isSame: false, failure, lines: sequential.summary }

  const second: PageResult[] = []
  const keep = async (result: PageResult) => {
    second.push(result)
    await onResult(result)
  }
  const parallel = await runCrawl(url, options, { ...display, label: `${together}: ` }, keep, destination)
  if (signal?.aborted) {
    const lines = [`${oneByOne}:`, ...sequential.summary, '', `${together}:`, ...parallel.summary]
    return { isSame: false, failure, lines }
  }
  const runs = [row(oneByOne, sequential, sequential), row(together, parallel, sequential)]
  const times = table([['', 'pages', 'errors', 'time', 'pages/s', 'speed-up'], ...runs])
  const differences = compareResults(first, second)
  const lines = [...times, '', ...verdict(second.length, differences), ...trapLines(parallel.stats)]
  return { isSame: differences.length === 0, failure, lines }
}

/** Returns how the results of two crawls differ in pages, statuses and titles: one line for each page that differs. */
export function compareResults(first: readonly PageResult[], second: readonly PageResult[]): string[] {
  const before = new Map(first.map(result => [result.url, describe(result)]))
  const after = new Map(second.map(result => [result.url, describe(result)]))
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter(url => before.get(url) !== after.get(url))
    .map(url => `${url}: first ${before.get(url) ?? 'not found'}, then ${after.get(url) ?? 'not found'}`)
}

function describe({ status, title }: PageResult): string {
  return `${status ?? 'no answer'}${title === null ? '' : ` ${JSON.stringify(title)}`}`
}

function verdict(pages: number, differences: readonly string[]): string[] {
  if (differences.length === 0) return [`Both found the same ${count(pages, 'page')}.`]
  const shown = differences.slice(0, MOST_DIFFERENCES).map(line => `  ${line}`)
  const more = differences.length - shown.length
  return ['They did not find the same:', ...shown, ...(more > 0 ? [`  and ${more} more`] : [])]
}

function row(name: string, { stats, elapsedMs }: Run, base: Run): string[] {
  const rate = (stats.pages * 1000) / elapsedMs
  const speedUp = base.elapsedMs / elapsedMs
  return [
    name,
    String(stats.pages),
    String(stats.errors),
    seconds(elapsedMs),
    rate.toFixed(1),
    `${speedUp.toFixed(1)} x`
  ]
}
