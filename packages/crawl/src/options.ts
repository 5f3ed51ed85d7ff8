import { parse as compile } from 'css-what'
import { type AskOptions, type AskPlan, askPlan, whole } from './http/ask-options.ts'
import { type OnPage, type PageHook, readField } from './page/extract.ts'
import { SCOPES, Scope, type ScopeKind, type ScopeOptions } from './scope/scope.ts'
import type { Store } from './store/store.ts'
import { isLoopback, readLink } from './url/link.ts'

/** The default limit for a site that is not on this computer. */
export const DEFAULT_LIMIT = 20
export const DEFAULT_PROCESSES = 4
/** A family of processes has room for 1,023. */
export const MOST_PROCESSES = 1000
/** With four processes, this makes eight requests at a time to one host, as many as Scrapy makes. */
export const DEFAULT_CONCURRENCY = 2

/** The options of `crawl`. `D` is what `onPage` returns: the `data` of each page. */
export interface CrawlOptions<D = unknown> extends AskOptions {
  /**
   * The number of worker processes, at most 1,000. With 0, this process does the work. Default: this process begins, and up to 4 workers
   * are added while its event loop is saturated and processors are idle.
   */
  processes?: number
  /** The number of pages that one worker handles at once. Default: 2; with `processes: 0`, 1. */
  concurrency?: number
  /** The maximum number of results. `Infinity`: all pages. Default: 20; all pages if the host is this computer. */
  limit?: number
  /** The minimum time between the starts of two requests to one host, over all workers, in milliseconds. Default: 0. */
  delayMs?: number
  /** Ends the crawl when it is aborted: the loop over the results ends after those that are available. Default: none. */
  signal?: AbortSignal
  /** The maximum number of links from the first page to a visited page. 0: only the first page. Default: any number. */
  depth?: number
  /**
   * Which hosts are visited. `host`: the host of the first page, with or without `www.`. `subdomains`: also its subdomains. `prefix`: pages
   * below the directory of the first page. Default: `host`.
   */
  scope?: ScopeKind
  /** Globs: besides the first page, only URLs that match one of them are visited. Default: all URLs. */
  include?: readonly string[]
  /** Globs: URLs that match one of them are not visited. Default: none. */
  exclude?: readonly string[]
  /**
   * True to visit also what pages and their style sheets load: images, scripts, style sheets, fonts, frames. They have to be on the hosts of
   * `scope`, and `exclude`, `limit` and robots.txt apply to them; `depth` and `include` do not. Default: false.
   */
  pageRequisites?: boolean
  /** Further first pages. Default: none. */
  urls?: readonly string[]
  /** True to begin also with the pages of the sitemaps: those that robots.txt names, or `/sitemap.xml`. Default: false. */
  sitemap?: boolean
  /** The fields of each page's `data`, as CSS selectors: `{ price: '.price', image: 'img@src' }`. Default: none. */
  fields?: Readonly<Record<string, string>>
  /**
   * Runs on each page, in the worker that parsed it. Its result is the page's `data`. A function of a module crosses by reference, any
   * other by value. An error that it throws becomes the page's `error`, and the crawl continues. Default: none.
   * @example
   * import { crawl } from 'crawl'
   *
   * const pages = crawl('https://example.com/', { limit: 1, onPage: ({ $ }) => ({ title: $('h1').text() }) })
   * for await (const { url, data } of pages) console.log(url, data?.title)
   */
  onPage?: OnPage<D>
  /** Where the frontier and the results are kept; `openStore` of `crawl/store` opens a file. Default: in memory. */
  store?: Store
}

/** The checked options of a crawl, with every default filled in. */
export interface Plan {
  readonly start: string
  /** `start`, and the other first pages. */
  readonly starts: readonly string[]
  readonly processes: number
  /** True if this process begins, and up to `processes` workers are added when they pay. */
  readonly isAdaptive: boolean
  readonly concurrency: number
  readonly limit: number
  readonly delayMs: number
  readonly signal: AbortSignal | undefined
  /** How it sends requests. */
  readonly ask: AskPlan
  /** Which URLs it visits. */
  readonly scope: Scope
  readonly store: Store | undefined
  readonly usesSitemap: boolean
  /** null if nothing is extracted from pages. */
  readonly hook: PageHook | null
}

/** @throws TypeError for a URL that cannot be crawled; RangeError for a number out of its range */
export function plan(url: string | URL, options: CrawlOptions = {}): Plan {
  const { start, credentials } = checkUrl(String(url))
  const limit = options.limit ?? (isLoopback(start) ? Number.POSITIVE_INFINITY : DEFAULT_LIMIT)
  const processes = whole('processes', options.processes ?? DEFAULT_PROCESSES, 0)
  if (processes > MOST_PROCESSES) {
    throw new RangeError(`processes must be at most ${MOST_PROCESSES}; it is ${processes}`)
  }
  const starts = [...new Set([start, ...(options.urls ?? []).map(text => checkUrl(text).start)])]
  return {
    start,
    starts,
    processes,
    isAdaptive: options.processes === undefined,
    concurrency: whole('concurrency', options.concurrency ?? (processes === 0 ? 1 : DEFAULT_CONCURRENCY), 1),
    limit: limit === Number.POSITIVE_INFINITY ? limit : whole('limit', limit, 1),
    delayMs: whole('delayMs', options.delayMs ?? 0, 0),
    signal: options.signal,
    ask: askPlan(options, credentials),
    scope: new Scope(starts, scopeOptions(options)),
    store: options.store,
    usesSitemap: options.sitemap ?? false,
    hook: pageHook(options)
  }
}

function pageHook({ fields, onPage }: CrawlOptions): PageHook | null {
  if (onPage !== undefined && typeof onPage !== 'function') {
    throw new TypeError(`onPage must be a function; it is ${JSON.stringify(onPage)}`)
  }
  for (const [name, field] of Object.entries(fields ?? {})) {
    try {
      compile(readField(field).selector)
    } catch (error) {
      const reason = (error as Error).message.split('\n', 1)[0]
      throw new TypeError(`fields.${name} must be a CSS selector; it is ${JSON.stringify(field)}: ${reason}`)
    }
  }
  return fields === undefined && onPage === undefined ? null : { fields: fields ?? null, onPage: onPage ?? null }
}

function scopeOptions(options: CrawlOptions): ScopeOptions {
  const { scope = 'host', include = [], exclude = [], depth, pageRequisites = false } = options
  if (typeof pageRequisites !== 'boolean') {
    throw new TypeError(`pageRequisites must be true or false; it is ${JSON.stringify(pageRequisites)}`)
  }
  if (!SCOPES.includes(scope)) {
    throw new TypeError(
      `scope must be ${SCOPES.join(', ').replace(/, (?=\w+$)/, ' or ')}; it is ${JSON.stringify(scope)}`
    )
  }
  const most = depth ?? Number.POSITIVE_INFINITY
  const checked = most === Number.POSITIVE_INFINITY ? most : whole('depth', most, 0)
  return { scope, include, exclude, depth: checked, pageRequisites }
}

/** Checks a URL. @returns the normalised URL; and `user:password` if the URL has them, or null */
function checkUrl(text: string): { start: string; credentials: string | null } {
  if (!URL.canParse(text)) {
    const hint =
      URL.canParse(`http://${text}`) && /^[\w.-]+(:\d+)?(\/|$)/.test(text) ? ` Did you mean http://${text}?` : ''
    throw new TypeError(`not a URL: ${JSON.stringify(text)}. Expected one such as https://example.com/.${hint}`)
  }
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const hint = /^[\w.-]+:\d+(\/|$)/.test(text) ? ` Did you mean http://${text}?` : ''
    throw new TypeError(
      `cannot crawl ${JSON.stringify(text)}: expected a URL that begins with http:// or https://.${hint}`
    )
  }
  const hasCredentials = url.username !== '' || url.password !== ''
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`
  const link = readLink(text)
  if (link.kind !== 'page') throw new TypeError(`the URL is too long: ${text.length} characters`)
  return { start: link.url, credentials: hasCredentials ? credentials : null }
}

/** Returns a part of a URL without its percent-encoding. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
