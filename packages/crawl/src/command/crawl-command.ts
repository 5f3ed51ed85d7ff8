import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LineOutput } from '../format/output.ts'
import { groupedProblems } from '../format/problem-text.ts'
import { jsonForTerminal } from '../format/terminal-text.ts'
import { count } from '../format/text.ts'
import { type CrawlOptions, type Plan, plan } from '../options.ts'
import { startPracticeSite } from '../practice/process.ts'
import { Audit } from '../report/audit.ts'
import { toJsonLine } from '../result.ts'
import { openCluster } from './cluster.ts'
import { compare } from './compare.ts'
import { type CrawlFlags, toCrawlOptions } from './crawl-options.ts'
import { type Destination, formatOf, inMemory, openDestination, openTemporary } from './destination.ts'
import { runCrawl } from './run-crawl.ts'
import { type Address, Ui } from './ui.ts'
import { UsageError } from './usage-error.ts'

/** What every command gets. */
export interface Context {
  readonly stdout: LineOutput
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

/** The options of `crawl` itself. */
export interface CrawlCommandFlags extends CrawlFlags {
  compare?: boolean
  cluster?: string
  name?: string
  lease?: number
  ui?: Address
}

/**
 * `crawl [URL]`.
 * @returns true if the first page could be loaded, and both crawls of a comparison found the same
 */
export async function crawlCommand(
  url: string | undefined,
  flags: CrawlCommandFlags,
  context: Context
): Promise<boolean> {
  const options = { ...(await toCrawlOptions(flags)), signal: context.signal }
  const [start, ...others] = [...(url === undefined ? [] : [url]), ...(options.urls ?? [])]
  const isComparing = flags.compare || start === undefined
  if (isComparing && options.processes === 0) {
    throw new UsageError('to compare, --processes must be 1 or more; it was given "0"')
  }
  if (start === undefined) {
    if (flags.cluster !== undefined) throw new UsageError('--cluster needs the URL of a first page')
    if (flags.ui !== undefined) {
      throw new UsageError('--ui needs the URL of a first page; crawl practice serves a site to try it on')
    }
    return await practise(options, flags, context)
  }
  const planned = checkPlan(start, { ...options, urls: others })
  const { cluster, name, lease } = flags
  for (const [flag, value] of Object.entries({ name, lease })) {
    if (value !== undefined && cluster === undefined) throw new UsageError(`--${flag} goes with --cluster; give both`)
  }
  if (isComparing && cluster !== undefined) throw new UsageError('--compare and --cluster do not go together')
  if (isComparing && flags.ui !== undefined) throw new UsageError('--compare and --ui do not go together')
  const destination =
    cluster === undefined ? await chooseDestination(flags, planned) : await openCluster(cluster, flags, planned)
  const ui = flags.ui === undefined ? undefined : new Ui(flags.ui)
  let isFine: boolean
  try {
    if (isComparing) return await runCompare(start, options, destination, context)
    isFine = await runOnce(start, { ...options, urls: others }, flags, destination, context, ui)
  } catch (error) {
    await ui?.close()
    throw error
  } finally {
    await destination.close()
  }
  await ui?.stay(context.signal)
  return isFine
}

/** @throws UsageError if `crawl()` would refuse the options */
export function checkPlan(url: string, options: CrawlOptions): Plan {
  try {
    return plan(url, options)
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

/** Chooses the destination: lines of JSON for a pipe, problems for a terminal, or the file of `--out`. */
async function chooseDestination({ out, fresh = false, ui }: CrawlCommandFlags, planned: Plan): Promise<Destination> {
  if (out !== undefined && out !== '-') return await openDestination(out, planned, fresh)
  if (fresh) throw new UsageError('--fresh starts a file over; say which one with --out')
  return (out === undefined && process.stdout.isTTY) || ui !== undefined ? await openTemporary(planned) : inMemory()
}

async function runOnce(
  url: string,
  options: CrawlOptions,
  { out, cluster }: CrawlCommandFlags,
  destination: Destination,
  { stdout }: Context,
  ui?: Ui
): Promise<boolean> {
  const isLines = out === '-' || (out === undefined && !process.stdout.isTTY)
  const sharesTerminal = isLines && process.stdout.isTTY && process.stderr.isTTY
  const { pages, store, whole } = destination
  const wasComplete = pages?.meta('ending') === 'complete' && store.counts.waiting === 0
  const run = await runCrawl(
    url,
    options,
    { stderr: process.stderr, sharesTerminal, openPage: ui && (pages => ui.open(pages)) },
    async result => {
      if (isLines) await stdout.write(process.stdout.isTTY ? jsonForTerminal(toJsonLine(result)) : toJsonLine(result))
    },
    destination
  )
  if (wasComplete && run.stats.pages === 0) {
    await whole?.()
    process.stderr.write(`${out} is complete: ${store.counts.pages} pages; --fresh starts over\n`)
    if (process.stdout.isTTY) await showProblems(destination, stdout)
    return true
  }
  await whole?.()
  if (process.stdout.isTTY && !isLines) await showProblems(destination, stdout)
  process.stderr.write(`${run.summary.join('\n')}\n`)
  if (cluster !== undefined) process.stderr.write(`All machines together: ${count(store.counts.pages, 'page')}\n`)
  if (pages && out !== undefined) {
    const file = formatOf(out) === 'database' ? out : `${out}.state`
    process.stderr.write(`Report: crawl report ${file}\n`)
  }
  return run.failure === null
}

async function showProblems({ pages }: Destination, stdout: LineOutput): Promise<void> {
  if (!pages) return
  const audit = new Audit(pages)
  const problems = audit.problems()
  const lines = problems.length === 0 ? ['No problems were found.', ''] : groupedProblems(problems, audit.start)
  await stdout.write(`${lines.join('\n')}\n`)
}

async function runCompare(
  url: string,
  options: CrawlOptions,
  destination: Destination,
  { stdout }: Context
): Promise<boolean> {
  const display = { stderr: process.stderr }
  const { isSame, failure, lines } = await compare(url, options, display, async () => {}, destination)
  await stdout.write(`${lines.join('\n')}\n`)
  return isSame && failure === null
}

/** Crawls the practice site twice, and shows what was found. */
async function practise(options: CrawlOptions, { out }: CrawlFlags, context: Context): Promise<boolean> {
  const { stdout } = context
  const practice = await startPracticeSite()
  try {
    const { url } = practice
    const file = out ?? join(tmpdir(), 'crawl-practice.db')
    const destination = await openDestination(file, checkPlan(url, options), true)
    try {
      await stdout.write(`Crawling a practice site at ${url}, twice.\nEach of its pages takes 0.1 s to come.\n\n`)
      const isFine = await runCompare(url, { ...options, sitemap: true }, destination, context)
      if (!isFine) return false
      await stdout.write('\nIts problems are there on purpose:\n\n')
      await showProblems(destination, stdout)
      const report = formatOf(file) === 'database' ? file : `${file}.state`
      await stdout.write(`${practiceNotes(report)}\n`)
      return true
    } finally {
      await destination.close()
    }
  } finally {
    await practice.close()
  }
}

function practiceNotes(file: string): string {
  // npm tells its scripts that it runs them.
  const [name, own] =
    process.env['npm_lifecycle_event'] === 'start' ? ['npm start -- ', 'npm start -- URL'] : ['crawl ', 'crawl URL']
  return [`See the report:            ${name}report ${file}`, `Now a site of your own:    ${own}`].join('\n')
}
