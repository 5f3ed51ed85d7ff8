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
}

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
}

/** What a first page makes a part of the crawl. */
interface Start {
  contains(url: string): boolean
  toString(): string
}

function readStart(start: string, scope: ScopeKind): Start {
  const site = siteOf(start)
  if (scope === 'host') return { contains: url => siteOf(url) === site, toString: () => site }
  if (scope === 'subdomains') {
    return { contains: url => siteOf(url) === site || siteOf(url).endsWith(`.${site}`), toString: () => `*.${site}` }
  }
  const prefix = new URL(start).pathname.replace(/[^/]*$/, '')
  return {
    contains: url => siteOf(url) === site && new URL(url).pathname.startsWith(prefix),
    toString: () => site + prefix
  }
}

function distinct(starts: readonly Start[]): Start[] {
  return [...new Map(starts.map(start => [String(start), start])).values()]
}
