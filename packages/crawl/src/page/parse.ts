import { Parser } from 'htmlparser2'
import { type Link, readLink, siteOf } from '../url/link.ts'

/** What a page's HTML says. */
export interface ParsedPage {
  title: string | null
  ogUrl: string | null
  /** Distinct pages linked to, of any site. */
  links: number
  /** Those of the same site that may be followed. */
  follow: string[]
  /** The text of links that should be web addresses, and are none. */
  badLinks: string[]
}

const MAX_TITLE_LENGTH = 1000

/**
 * Reads title, address and links of a page.
 *
 * Links are the `href` of `a` and `area`, the `src` of `frame` and `iframe`, and the target of a `meta` refresh, relative to
 * `<base href>`. Those of a link with `rel="nofollow"`, or of a page whose `<meta name="robots">` says `nofollow` or `none`, are
 * counted and not followed.
 *
 * @param url the page's own, absolute
 */
export function parsePage(html: string, url: string): ParsedPage {
  const heading = new TextOf()
  const title = new TextOf()
  const hrefs: { href: string; follow: boolean }[] = []
  let base: string | undefined
  let ogUrl: string | undefined
  let canonical: string | undefined
  let followNone = false
  let foreign = 0

  const parser = new Parser({
    onopentag(name, attributes) {
      switch (name) {
        case 'h1':
          heading.open()
          break
        case 'title':
          // The title inside an image (svg) is not the page's.
          if (foreign === 0) title.open()
          break
        case 'br':
          heading.add(' ')
          break
        case 'svg':
          foreign++
          break
        case 'base':
          base ??= attributes.href
          break
        case 'meta': {
          const property = (attributes.property ?? attributes.name)?.toLowerCase()
          if (property === 'og:url') ogUrl ??= attributes.content
          if (property === 'robots') followNone ||= /\b(nofollow|none)\b/i.test(attributes.content ?? '')
          if (attributes['http-equiv']?.toLowerCase() === 'refresh') {
            const target = /^[\s\d.]*[;,]\s*url\s*=\s*["']?([^"']*)/i.exec(attributes.content ?? '')?.[1]
            if (target) hrefs.push({ href: target, follow: true })
          }
          break
        }
        case 'link':
          if (hasToken(attributes.rel, 'canonical')) canonical ??= attributes.href
          break
        case 'a':
        case 'area':
          if (attributes.href !== undefined)
            hrefs.push({ href: attributes.href, follow: !hasToken(attributes.rel, 'nofollow') })
          break
        case 'frame':
        case 'iframe':
          if (attributes.src !== undefined) hrefs.push({ href: attributes.src, follow: true })
          break
      }
    },
    ontext(text) {
      heading.add(text)
      title.add(text)
    },
    onclosetag(name) {
      if (name === 'h1') heading.close()
      if (name === 'title') title.close()
      if (name === 'svg') foreign--
    }
  })
  parser.end(html)

  const baseUrl = base !== undefined && URL.canParse(base, url) ? new URL(base, url).href : url
  const site = siteOf(url)
  const links = new Set<string>()
  const follow = new Set<string>()
  const badLinks = new Set<string>()
  const read = new Map<string, Link>()
  for (const { href, follow: mayFollow } of hrefs) {
    const target = href.split('#', 1)[0]
    let link = read.get(target)
    if (!link) read.set(target, (link = readLink(target, baseUrl)))
    if (link.kind === 'bad') badLinks.add(link.text)
    if (link.kind !== 'page') continue
    links.add(link.url)
    if (mayFollow && !followNone && link.site === site) follow.add(link.url)
  }
  return {
    title: heading.text ?? title.text,
    ogUrl: absolute(ogUrl, baseUrl) ?? absolute(canonical, baseUrl),
    links: links.size,
    follow: [...follow],
    badLinks: [...badLinks]
  }
}

/** The text of the first element of a kind that has any. */
class TextOf {
  #pieces: string[] = []
  #isOpen = false
  #length = 0
  text: string | null = null

  open(): void {
    this.#isOpen = this.text === null
  }

  add(text: string): void {
    // Without an end, an element that is never closed would take in the whole page.
    if (!this.#isOpen || this.#length > 4 * MAX_TITLE_LENGTH) return
    this.#pieces.push(text)
    this.#length += text.length
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const text = this.#pieces.join('').replace(/\s+/g, ' ').trim()
    this.#pieces = []
    this.#length = 0
    if (text !== '') this.text = text.length > MAX_TITLE_LENGTH ? `${text.slice(0, MAX_TITLE_LENGTH)}…` : text
  }
}

function hasToken(list: string | undefined, token: string): boolean {
  return list?.toLowerCase().split(/\s+/).includes(token) ?? false
}

function absolute(href: string | undefined, base: string): string | null {
  return href !== undefined && href.trim() !== '' && URL.canParse(href, base) ? new URL(href, base).href : null
}
