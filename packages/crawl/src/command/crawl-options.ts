import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { reasonOf } from '../format/output.ts'
import { type CrawlOptions, DEFAULT_CONCURRENCY, DEFAULT_LIMIT, DEFAULT_PROCESSES, MOST_PROCESSES } from '../options.ts'
import { SCOPES, type ScopeKind } from '../scope/scope.ts'
import { UsageError } from './usage-error.ts'
import { collect, oneOf, readField, readHeader, readLimit, readRate, readSeconds, whole } from './values.ts'

/** The options of every command that crawls, as they were given. */
export interface CrawlFlags {
  processes?: number
  concurrency?: number
  limit?: number
  delay?: number
  rate?: number
  depth?: number
  include: string[]
  exclude: string[]
  scope: ScopeKind
  retries?: number
  robots?: 'obey' | 'ignore'
  sitemap?: boolean
  pageRequisites?: boolean
  traps?: 'cut' | 'follow'
  allowPrivate?: boolean
  list?: string
  header: Record<string, string>
  user?: string
  cookies?: string
  proxy?: string
  insecure?: boolean
  userAgent?: string
  timeout?: number
  get: Record<string, string>
  out?: string
  fresh?: boolean
}

/** Adds the options of crawls to a command. */
export function addCrawlOptions(command: Command): Command {
  return command
    .optionsGroup('Where to:')
    .option('-o, --out <file>', 'keep the crawl in FILE.db, .jsonl, .csv or .warc.gz; a second run goes on with it')
    .option('--fresh', 'start over: remove what the file of --out holds')
    .optionsGroup('Which pages:')
    .option('--limit <n>', `most pages (${DEFAULT_LIMIT}; on this computer: all); "all" for all pages`, readLimit)
    .option('--depth <n>', 'most links from the first page', whole('--depth', 0))
    .option('--include <glob>', 'only URLs like this, such as /blog/** (repeatable)', collect, [])
    .option('--exclude <glob>', 'no URLs like this, such as *.pdf (repeatable)', collect, [])
    .option('--scope <scope>', 'host, subdomains, or prefix: below the first page', oneOf('--scope', SCOPES), 'host')
    .option('--sitemap', 'begin with the pages of the sitemaps, too')
    .option('-p, --page-requisites', 'also what pages load: images, scripts, style sheets, fonts, frames')
    .option('--list <file>', 'begin with the URLs of a file, one on a line; - is the standard input')
    .option('--robots <how>', 'obey or ignore robots.txt (obey)', oneOf('--robots', ['obey', 'ignore']))
    .option('--traps <how>', 'cut or follow what a site makes without end (cut)', oneOf('--traps', ['cut', 'follow']))
    .option('--allow-private', 'let a crawl of a public site go to private networks')
    .optionsGroup('How fast:')
    .option('--rate <n/s>', 'most requests to a host in a time, such as 5/s or 30/m', readRate)
    .option('--delay <ms>', 'least time between two requests to a host, in milliseconds', whole('--delay', 0))
    .option('--retries <n>', 'how often to ask again after a failure that may pass (2)', whole('--retries', 0))
    .option('--timeout <s>', 'longest wait for an answer, in seconds (15)', readSeconds('--timeout'))
    .option('--processes <n>', `worker processes (as many as pay, up to ${DEFAULT_PROCESSES}); 0: none`, readProcesses)
    .option(
      '--concurrency <n>',
      `pages that one worker has under way (${DEFAULT_CONCURRENCY})`,
      whole('--concurrency', 1)
    )
    .optionsGroup('As whom:')
    .option('-H, --header <line>', "one more header, such as 'accept-language: de' (repeatable)", readHeader, {})
    .option('--user <user:password>', 'log in at the host of the first page')
    .option('--cookies <file>', "a file of cookies, in Netscape's format, as curl and browsers' add-ons write it")
    .option('--user-agent <text>', 'who asks; robots.txt is read for the part before the slash')
    .option('--proxy <url>', 'ask through a proxy; "" for none (HTTP_PROXY and NO_PROXY)')
    .option('--insecure', 'take certificates that cannot be verified')
    .optionsGroup('What to take:')
    .option('--get <field>', 'a field by CSS selector: price=.price, image=img@src (repeatable)', readField, {})
    .optionsGroup('Others:')
}

/** Returns the options of `crawl()` for the given ones. */
export async function toCrawlOptions(flags: CrawlFlags): Promise<CrawlOptions> {
  const { rate, delay, timeout, cookies, list } = flags
  if (rate !== undefined && delay !== undefined)
    throw new UsageError('--rate and --delay say the same; give one of them')
  const urls = list === undefined ? [] : readList(list)
  return {
    processes: flags.processes,
    concurrency: flags.concurrency,
    limit: flags.limit ?? (urls.length > 0 ? Number.POSITIVE_INFINITY : undefined),
    delayMs: rate ?? delay,
    depth: flags.depth ?? (urls.length > 0 ? 0 : undefined),
    include: flags.include,
    exclude: flags.exclude,
    scope: flags.scope,
    sitemap: flags.sitemap,
    pageRequisites: flags.pageRequisites,
    traps: flags.traps,
    allowPrivate: flags.allowPrivate,
    urls,
    retries: flags.retries,
    robots: flags.robots,
    headers: flags.header,
    auth: flags.user,
    cookies: cookies === undefined ? undefined : readText('--cookies', cookies),
    proxy: flags.proxy,
    insecure: flags.insecure,
    userAgent: flags.userAgent,
    timeoutMs: timeout,
    totalTimeoutMs: timeout !== undefined && timeout > 60_000 ? timeout : undefined,
    fields: Object.keys(flags.get).length > 0 ? flags.get : undefined
  }
}

function readProcesses(text: string): number {
  const value = whole('--processes', 0)(text)
  if (value <= MOST_PROCESSES) return value
  throw new UsageError(`--processes is at most ${MOST_PROCESSES}; it was given ${JSON.stringify(text)}`)
}

/** Returns the URLs of a file, without empty lines and lines that begin with `#`. */
function readList(path: string): string[] {
  const lines = readText('--list', path).split(/\r?\n/)
  const urls = lines.map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'))
  if (urls.length === 0) throw new UsageError(`--list ${JSON.stringify(path)} has no URL`)
  return urls
}

function readText(option: string, path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read the file of ${option}, ${JSON.stringify(path)}: ${reasonOf(error as Error)}`)
  }
}
