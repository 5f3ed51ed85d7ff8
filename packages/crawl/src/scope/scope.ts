import { siteOf } from '../url/link.ts'
import { readGlob, type UrlGlob } from './glob.ts'

/** Which hosts and paths a crawl visits. */
export type ScopeKind = 'host' | 'subdomains' | 'prefix'

export const SCOPES: readonly ScopeKind[] = ['host', 'subdomains', 'prefix']

/** The options that determine which URLs are visited. */
export interface ScopeOptions {
  readonly scope: ScopeKind
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** The maximum number of links from the first page, or Infinity. */
  readonly depth: number
  /** True if what pages load is visited, too. */
  readonly pageRequisites: boolean
}

/** A page at the maximum depth may load a frame, which loads a style sheet, which loads another, which loads a font. */
const MOST_LOADED_IN_A_ROW = 5

/** Decides which of the URLs that pages link to are visited. */
export class Scope {
  readonly #options: ScopeOptions
  readonly #starts: readonly Start[]
  readonly #include: readonly UrlGlob[]
  readonly #exclude: readonly UrlGlob[]
  /** True if workers follow links only within one host, and there are no globs. */
  readonly #isPlain: boolean

  /**
   * @param starts the first pages, normalised
   * @throws TypeError for a glob that cannot be parsed
   */
  constructor(starts: readonly string[], options: ScopeOptions) {
    this.#options = options
    this.#starts = distinct(starts.map(start => readStart(start, options.scope)))
    this.#include = options.include.map(glob => readGlob(glob, 'include'))
    this.#exclude = options.exclude.map(glob => readGlob(glob, 'exclude'))
    this.#isPlain = options.scope === 'host' && options.include.length === 0 && options.exclude.length === 0
  }

  /** The maximum number of links from the first page, or Infinity. */
  get depth(): number {
    return this.#options.depth
  }

  /** The options that were passed. */
  get options(): ScopeOptions {
    return this.#options
  }

  /** Returns true if a URL belongs to the crawled site, whatever the globs say. */
  isOnSite(url: string): boolean {
    return this.#starts.some(start => start.contains(url))
  }

  /**
   * Returns true if a URL that a worker found is visited. If `followsAll` is false, workers find only URLs of their page's site.
   * @param url a normalised URL
   * @param depth its number of links from the first page
   */
  wants(url: string, depth: number): boolean {
    return this.#isPlain ? depth <= this.#options.depth : this.refusal(url, depth) === null
  }

  /**
   * Returns true if a URL that a page loads is visited: an image, a script, a style sheet, a frame. Neither `depth` nor `include` applies
   * to it; with `prefix`, it may be anywhere on the host.
   * @param depth its number of links from the first page
   */
  wantsLoaded(url: string, depth: number): boolean {
    if (!this.#isLoadable(url) || depth > this.#options.depth + MOST_LOADED_IN_A_ROW) return false
    const parsed = new URL(url)
    return !this.#exclude.some(glob => glob.matches(parsed))
  }

  /** Returns true if a redirect stays on the crawled site; what a page loads from elsewhere on the host may move there. */
  staysOnSite(url: string, requestedUrl: string): boolean {
    return this.isOnSite(url) || (this.#isLoadable(url) && !this.isOnSite(requestedUrl))
  }

  /** True if what pages load has to be found. */
  get findsEmbedded(): boolean {
    return this.#options.pageRequisites
  }

  /** True if workers have to find links to all sites. */
  get followsAll(): boolean {
    return this.#options.scope === 'subdomains' || this.#starts.length > 1
  }

  /**
   * Returns the reason why a URL is not visited, as a sentence without its subject; null if it is visited.
   * @param url a normalised URL
   * @param depth its number of links from the first page
   */
  refusal(url: string, depth: number): string | null {
    const { scope } = this.#options
    if (!this.isOnSite(url)) return `is outside the site (--scope ${scope}: ${this.#starts.map(String).join(', ')})`
    if (depth > this.#options.depth)
      return `is ${depth} links away from the first page (--depth ${this.#options.depth})`
    const parsed = new URL(url)
    const excluded = this.#exclude.find(glob => glob.matches(parsed))
    if (excluded) return `matches --exclude ${excluded.text}`
    if (this.#include.length > 0 && !this.#include.some(glob => glob.matches(parsed))) {
      return `matches no --include (${this.#include.map(({ text }) => text).join(', ')})`
    }
    return null
  }

  #isLoadable(url: string): boolean {
    return this.#options.pageRequisites && this.#starts.some(start => start.hasHost(url))
  }
}

/** What a first page makes a part of the crawl. */
interface Start {
  contains(url: string): boolean
  hasHost(url: string): boolean
  toString(): string
}

function readStart(start: string, scope: ScopeKind): Start {
  const site = siteOf(start)
  const hasHost = (url: string) => siteOf(url) === site
  if (scope === 'host') return { contains: hasHost, hasHost, toString: () => site }
  if (scope === 'subdomains') {
    const contains = (url: string) => hasHost(url) || siteOf(url).endsWith(`.${site}`)
    return { contains, hasHost: contains, toString: () => `*.${site}` }
  }
  const prefix = new URL(start).pathname.replace(/[^/]*$/, '')
  return {
    contains: url => hasHost(url) && new URL(url).pathname.startsWith(prefix),
    hasHost,
    toString: () => site + prefix
  }
}

function distinct(starts: readonly Start[]): Start[] {
  return [...new Map(starts.map(start => [String(start), start])).values()]
}
