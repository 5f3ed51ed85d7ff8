import { siteOf } from '../url/link.ts'
import { readGlob, type UrlGlob } from './glob.ts'

/** Which hosts and paths a crawl visits. */
export type ScopeKind = 'host' | 'subdomains' | 'prefix'

export const SCOPES: readonly ScopeKind[] = ['host', 'subdomains', 'prefix']

/** The options that say which URLs are visited. */
export interface ScopeOptions {
  readonly scope: ScopeKind
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** Links from the first page; Infinity: any number. */
  readonly depth: number
}

/** Decides which of the URLs that pages link to are visited. */
export class Scope {
  readonly #options: ScopeOptions
  readonly #starts: readonly Start[]
  readonly #include: readonly UrlGlob[]
  readonly #exclude: readonly UrlGlob[]
  /** Workers follow links within one host only, and no glob asks for more. */
  readonly #isPlain: boolean

  /**
   * @param starts the first pages, normalised
   * @throws TypeError for a glob that cannot be read
   */
  constructor(starts: readonly string[], options: ScopeOptions) {
    this.#options = options
    this.#starts = distinct(starts.map(start => readStart(start, options.scope)))
    this.#include = options.include.map(glob => readGlob(glob, 'include'))
    this.#exclude = options.exclude.map(glob => readGlob(glob, 'exclude'))
    this.#isPlain = options.scope === 'host' && options.include.length === 0 && options.exclude.length === 0
  }

  /** Links from the first page; Infinity: any number. */
  get depth(): number {
    return this.#options.depth
  }

  /** What it was made with, and the first pages. */
  get options(): ScopeOptions {
    return this.#options
  }

  /** Whether a URL is of the site that is crawled, whatever the globs say. */
  isOnSite(url: string): boolean {
    return this.#starts.some(start => start.contains(url))
  }

  /**
   * Whether a URL that a worker found is visited. With `followsAll` false workers find URLs of their page's site only.
   *
   * @param url normalised
   * @param depth how many links away from the first page it is
   */
  wants(url: string, depth: number): boolean {
    return this.#isPlain ? depth <= this.#options.depth : this.refusal(url, depth) === null
  }

  /** Workers are to find links to all sites. */
  get followsAll(): boolean {
    return this.#options.scope === 'subdomains' || this.#starts.length > 1
  }

  /**
   * Why a URL is not visited, as a sentence without its subject; null when it is.
   *
   * @param url normalised
   * @param depth how many links away from the first page it is
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

/** What a first page makes part of the crawl. */
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
