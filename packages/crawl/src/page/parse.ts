import { type Link, readLink, siteOf } from '../url/link.ts'
import { readCachedLink } from '../url/link-cache.ts'
import { cssUrls } from './css-urls.ts'
import { isNoFollow, metaDirectives } from './directives.ts'
import { type Attributes, type HtmlHandler, readHtml } from './html-events.ts'
import type { LanguageRecord, LinkKind, LinkRecord } from './record.ts'
import { refreshTarget } from './refresh.ts'
import { TextOf, tidy } from './text-of.ts'
import { Words } from './words.ts'

/** What a page's HTML contains. */
export interface ParsedPage {
  /** The text of the first `h1` that has any; otherwise, of `title`. */
  title: string | null
  titleTag: string | null
  h1: string | null
  description: string | null
  canonical: string | null
  ogUrl: string | null
  /** The directives of `<meta name="robots">`. */
  directives: string[]
  hreflang: LanguageRecord[]
  words: number
  /** The number of different pages linked to, of any site. */
  links: number
  /** The pages that may be followed: those of the same site, unless `followsAll` is set. */
  follow: string[]
  /** What the page loads, of any site; empty unless it was requested. */
  embedded: string[]
  /** The text of links that should be web addresses, but are not URLs. */
  badLinks: string[]
  /** Everything that the page refers to; empty unless it was requested. */
  linkTable: LinkRecord[]
}

/** How a page is parsed. */
export interface ParseOptions {
  /** The page's encoding, as returned by `readText`. Default: UTF-8. */
  encoding?: string
  /** This crawler's name, for a `meta` of its own. Default: none. */
  robot?: string
  /** True if the page's `X-Robots-Tag` header forbids following its links. Default: false. */
  noFollow?: boolean
  /** True to include links to other sites in `follow`. Default: false. */
  followsAll?: boolean
  /** True to fill `linkTable`. Default: false. */
  keepLinks?: boolean
  /** True to fill `embedded`. Default: false. */
  findsEmbedded?: boolean
  /** The maximum time, in milliseconds. Default: none. */
  timeLimitMs?: number
}

const MAX_TITLE_LENGTH = 1000
const MAX_LINK_TEXT = 200
/** More than this many are a mistake, or an attack; they are left out. */
const MAX_LANGUAGES = 500
const MAX_REFERENCES = 200_000

const PLAIN = new Set(['a', 'area', 'base', 'frame', 'iframe', 'link', 'meta'])
const WITH_RESOURCES = new Set([...PLAIN, 'img', 'script', 'source', 'video', 'audio', 'track', 'embed', 'object'])

/** Any element may have a `style` attribute. */
const ALL: ReadonlySet<string> = new (class extends Set<string> {
  override has(): boolean {
    return true
  }
})()
/** The `rel` of links that browsers load; `icon` and `stylesheet` have kinds of their own. */
const LOADED = new Set(['preload', 'modulepreload', 'manifest', 'apple-touch-icon'])

/** Elements that contain headings: their end also ends a heading without an end tag. */
const CONTAINERS = new Set('article body center div footer header li main nav section table td th tr ul'.split(' '))

interface Reference {
  href: string
  kind: LinkKind
  rel: string
  text: string
  follow: boolean
  /** True if a browser loads it with the page. */
  isEmbedded: boolean
}

/**
 * Reads titles, address, directives and links of a page.
 *
 * The links to follow are the `href` of `a` and `area`, the `src` of `frame` and `iframe`, and the target of a `meta` refresh, relative to
 * `<base href>`. Links with `rel="nofollow"`, and the links of a page whose directives contain `nofollow` or `none`, are counted and not
 * followed.
 * @param url the page's absolute URL
 * @throws Error if the time is over
 */
export function parsePage(html: string, url: string, options: ParseOptions = {}): ParsedPage {
  const collected = new Collector(options)
  readHtml(html, collected, options.timeLimitMs)
  return collected.finish(url, options)
}

class Collector implements HtmlHandler {
  readonly wanted: ReadonlySet<string>
  readonly #robot: string | undefined
  readonly #keepLinks: boolean
  readonly #findsEmbedded: boolean
  readonly #heading = new TextOf(MAX_TITLE_LENGTH)
  readonly #title = new TextOf(MAX_TITLE_LENGTH)
  readonly #linkText = new TextOf(MAX_LINK_TEXT)
  readonly #words = new Words()
  readonly #references: Reference[] = []
  readonly #languages: { lang: string; href: string }[] = []
  readonly #directives: string[] = []
  #link: Reference | undefined
  /** The text of the `style` element that is open. */
  #style: string | undefined
  /** The number of containers that are open inside the heading. */
  #inHeading = 0
  #base: string | undefined
  #ogUrl: string | undefined
  #canonical: string | undefined
  #description: string | undefined

  constructor({ robot, keepLinks = false, findsEmbedded = false }: ParseOptions) {
    this.wanted = findsEmbedded ? ALL : keepLinks ? WITH_RESOURCES : PLAIN
    this.#findsEmbedded = findsEmbedded
    this.#robot = robot?.toLowerCase()
    this.#keepLinks = keepLinks
  }

  open(name: string, attributes: Attributes, isForeign: boolean): void {
    this.#words.open(name)
    if (this.#heading.isOpen && CONTAINERS.has(name)) this.#inHeading++
    switch (name) {
      case 'h1':
        this.#heading.open()
        this.#inHeading = 0
        break
      case 'title':
        // The title inside an image (svg) is not the page's.
        if (!isForeign) this.#title.open()
        break
      case 'br':
        this.#heading.add(' ')
        break
      case 'base':
        this.#base ??= attributes.get('href')
        break
      case 'meta':
        this.#meta(attributes)
        break
      case 'link':
        this.#linkElement(attributes)
        break
      case 'a':
      case 'area':
        this.#anchor(name, attributes)
        break
      case 'frame':
      case 'iframe':
        this.#add(attributes.get('src'), 'iframe', { follow: true, isEmbedded: true })
        break
      case 'style':
        if (this.#findsEmbedded) this.#style = ''
        break
      default:
        if (WITH_RESOURCES.has(name)) {
          if (this.#keepLinks || this.#findsEmbedded) this.#resource(name, attributes)
        } else if (this.#findsEmbedded) this.#otherResource(name, attributes)
    }
    const style = this.#findsEmbedded ? attributes.get('style') : undefined
    if (style !== undefined) this.#addStyle(style)
  }

  close(name: string): void {
    this.#words.close(name)
    if (name === 'h1') this.#heading.close()
    else if (name === 'title') this.#title.close()
    else if (name === 'a') this.#closeLink()
    else if (name === 'style') this.#closeStyle()
    else if (this.#heading.isOpen && CONTAINERS.has(name) && --this.#inHeading < 0) this.#heading.close()
  }

  text(html: string, start: number, end: number): void {
    this.#words.text(html, start, end)
    this.#heading.add(html, start, end)
    this.#title.add(html, start, end)
    if (this.#link) this.#linkText.add(html, start, end)
    if (this.#style !== undefined) this.#style += html.slice(start, end)
  }

  finish(
    url: string,
    { encoding, noFollow = false, keepLinks = false, findsEmbedded = false, followsAll = false }: ParseOptions
  ): ParsedPage {
    this.#closeLink()
    this.#closeStyle()
    this.#heading.close()
    this.#title.close()
    const baseUrl = this.#baseOf(url)
    const site = siteOf(url)
    const followNone = noFollow || isNoFollow(this.#directives)
    const links = new Set<string>()
    const follow = new Set<string>()
    const embedded = new Set<string>()
    const badLinks = new Set<string>()
    const linkTable: LinkRecord[] = []
    const read = new Map<string, Link>()
    const isPlain = encoding === undefined || encoding === 'utf-8'
    for (const { href, kind, rel, text, follow: mayFollow, isEmbedded } of this.#references) {
      const hash = href.indexOf('#')
      const address = hash < 0 ? href : href.slice(0, hash)
      let link = read.get(address)
      if (!link)
        read.set(address, (link = isPlain ? readCachedLink(address, baseUrl) : readLink(address, baseUrl, encoding)))
      if (link.kind === 'other') continue
      if (keepLinks) {
        const target = link.kind === 'page' ? link.url : link.text
        const anchor = hash < 0 ? '' : href.slice(hash + 1).trim()
        linkTable.push({
          source: url,
          target,
          kind,
          text: tidy(text, MAX_LINK_TEXT),
          rel: tidy(rel, MAX_LINK_TEXT),
          anchor,
          isUrl: link.kind === 'page'
        })
      }
      if (findsEmbedded && isEmbedded && link.kind === 'page' && link.url !== url) embedded.add(link.url)
      if (!isPageLink(kind)) continue
      if (link.kind === 'bad') badLinks.add(link.text)
      else {
        links.add(link.url)
        if (mayFollow && !followNone && (followsAll || link.site === site)) follow.add(link.url)
      }
    }
    const canonical = absolute(this.#canonical, baseUrl)
    return {
      title: this.#heading.text ?? this.#title.text,
      titleTag: this.#title.text,
      h1: this.#heading.text,
      description: this.#description === undefined ? null : tidy(this.#description, MAX_TITLE_LENGTH) || null,
      canonical,
      ogUrl: absolute(this.#ogUrl, baseUrl) ?? canonical,
      directives: [...new Set(this.#directives)],
      hreflang: this.#languages.flatMap(({ lang, href }) => {
        const link = readLink(href, baseUrl, encoding)
        return link.kind === 'page' ? [{ lang, url: link.url }] : []
      }),
      words: this.#words.count,
      links: links.size,
      follow: [...follow],
      embedded: [...embedded],
      badLinks: [...badLinks],
      linkTable
    }
  }

  /**
   * Returns the base of the page's URLs. HTML standard, 4.2.3: the first `href` counts, unless it is not a URL, or one of `data:` or
   * `javascript:`.
   */
  #baseOf(url: string): string {
    if (this.#base === undefined || !URL.canParse(this.#base, url)) return url
    const base = new URL(this.#base, url)
    return base.protocol === 'data:' || base.protocol === 'javascript:' ? url : base.href
  }

  #meta(attributes: Attributes): void {
    const content = attributes.get('content')
    if (content === undefined) return
    const name = (attributes.get('property') ?? attributes.get('name'))?.toLowerCase()
    if (name === 'og:url') this.#ogUrl ??= content
    else if (name === 'description') this.#description ??= content
    else if (name !== undefined && (name === 'robots' || name === this.#robot)) {
      this.#directives.push(...metaDirectives(content))
    }
    if (attributes.get('http-equiv')?.toLowerCase() === 'refresh') {
      this.#add(refreshTarget(content) ?? undefined, 'refresh', { follow: true })
    }
  }

  #linkElement(attributes: Attributes): void {
    const href = attributes.get('href')
    if (href === undefined) return
    const rel = attributes.get('rel') ?? ''
    const tokens = rel.toLowerCase().split(/\s+/)
    const lang = attributes.get('hreflang')
    const isVersion = lang !== undefined && tokens.includes('alternate')
    if (tokens.includes('canonical')) this.#canonical ??= href
    if (isVersion && this.#languages.length < MAX_LANGUAGES) this.#languages.push({ lang: lang.trim(), href })
    if (!this.#keepLinks && !this.#findsEmbedded) return
    const kind = tokens.includes('canonical')
      ? 'canonical'
      : tokens.includes('stylesheet')
        ? 'css'
        : tokens.includes('icon')
          ? 'icon'
          : isVersion
            ? 'hreflang'
            : 'link'
    const isEmbedded = kind === 'css' || kind === 'icon' || tokens.some(token => LOADED.has(token))
    this.#add(href, kind, { rel, isEmbedded })
  }

  #anchor(kind: 'a' | 'area', attributes: Attributes): void {
    if (kind === 'a') this.#closeLink()
    const rel = attributes.get('rel') ?? ''
    const follow = rel === '' || !hasToken(rel, 'nofollow')
    const link = this.#add(attributes.get('href'), kind, { rel, follow, text: attributes.get('alt') })
    if (!link || kind === 'area' || !this.#keepLinks) return
    this.#link = link
    this.#linkText.open()
  }

  #closeLink(): void {
    if (!this.#link) return
    this.#linkText.close()
    this.#link.text = this.#linkText.text ?? ''
    this.#linkText.reset()
    this.#link = undefined
  }

  #resource(name: string, attributes: Attributes): void {
    const source = attributes.get(name === 'object' ? 'data' : 'src')
    const isEmbedded = true
    if (name === 'img') this.#add(source, 'img', { text: attributes.get('alt'), isEmbedded })
    else this.#add(source, name === 'script' ? 'script' : 'media', { isEmbedded })
    if (name === 'video') this.#add(attributes.get('poster'), 'img', { isEmbedded })
    const candidates = name === 'img' || name === 'source' ? (attributes.get('srcset') ?? '') : ''
    for (const [, candidate] of candidates.matchAll(/(?:^|,)\s*([^\s,]\S*[^\s,]|[^\s,])/g)) {
      this.#add(candidate, 'img', { isEmbedded })
    }
  }

  /** Elements that load something, and that are seldom used for it. */
  #otherResource(name: string, attributes: Attributes): void {
    const isEmbedded = true
    if (name === 'body' || name === 'table' || name === 'td' || name === 'th') {
      this.#add(attributes.get('background'), 'img', { isEmbedded })
    } else if (name === 'input' && attributes.get('type')?.toLowerCase() === 'image') {
      this.#add(attributes.get('src'), 'img', { isEmbedded })
    } else if (name === 'image' || name === 'use') {
      const href = attributes.get('href') ?? attributes.get('xlink:href')
      if (!href?.startsWith('#')) this.#add(href, 'img', { isEmbedded })
    }
  }

  #closeStyle(): void {
    if (this.#style !== undefined) this.#addStyle(this.#style)
    this.#style = undefined
  }

  #addStyle(css: string): void {
    for (const { href, isImport } of cssUrls(css)) this.#add(href, isImport ? 'css' : 'media', { isEmbedded: true })
  }

  #add(
    href: string | undefined,
    kind: LinkKind,
    { rel = '', text = '', follow = false, isEmbedded = false }: Partial<Omit<Reference, 'href' | 'kind'>> = {}
  ): Reference | undefined {
    if (href === undefined || this.#references.length >= MAX_REFERENCES) return undefined
    const reference = { href, kind, rel, text, follow, isEmbedded }
    this.#references.push(reference)
    return reference
  }
}

/** Returns true for a reference that leads a reader to another page; others are parts of the page, or describe it. */
function isPageLink(kind: LinkKind): boolean {
  return kind === 'a' || kind === 'area' || kind === 'iframe' || kind === 'refresh'
}

function hasToken(list: string, token: string): boolean {
  return list.toLowerCase().split(/\s+/).includes(token)
}

function absolute(href: string | undefined, base: string): string | null {
  return href !== undefined && href.trim() !== '' && URL.canParse(href, base) ? new URL(href, base).href : null
}
