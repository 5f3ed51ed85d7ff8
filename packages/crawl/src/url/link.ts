import { normalEscapes } from './escapes.ts'
import { encodeQuery } from './legacy-query.ts'

/** Tells which URLs are the same page, and which pages belong to the same site. */

/** The maximum length of a URL that is followed: RFC 9110, 4.1 asks every party to support at least 8000 octets. */
const MAX_URL_LENGTH = 8000

/** What a page links to: a page that could be fetched, something else (`mailto:`, `javascript:` …), or text that is not a URL. */
export type Link = PageLink | { kind: 'other' } | { kind: 'bad'; text: string }

export interface PageLink {
  kind: 'page'
  /** The normalised URL: two links to one page have the same. */
  url: string
  /** The site, as `siteOf` returns it. */
  site: string
}

/**
 * Reads a link as a browser does (WHATWG URL), relative to `base`, and returns it in a form in which two URLs of one page are equal: the
 * result of the WHATWG URL parser (lower-case scheme and host, punycode, no default port, resolved dot segments), without fragment, user
 * name and password, and with percent-encoding according to RFC 3986, 6.2.2 (`%7e` becomes `~`, `%2f` becomes `%2F`). An empty query
 * (`/q?`) is dropped. Otherwise, the query stays unchanged: parameters are neither sorted nor dropped; a trailing slash counts.
 * @param href the text of the attribute
 * @param base the absolute URL that relative links start from. Default: none; then `href` must be absolute
 * @param encoding the encoding of the page with the link. Default: UTF-8
 */
export function readLink(href: string, base?: string, encoding = 'utf-8'): Link {
  const url = parseUrl(isUnicode(encoding) ? href : encodeQuery(href, encoding), base)
  if (!url) {
    // Only a text that was meant as a web address is worth a complaint: `ftp://[` and the like would not be followed anyway.
    return /^\s*(https?:|\/\/)/i.test(href) || base === undefined ? bad(href) : { kind: 'other' }
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { kind: 'other' }
  const normal = normalForm(url)
  return normal.length > MAX_URL_LENGTH ? bad(normal) : { kind: 'page', url: normal, site: siteName(url) }
}

/** URL standard: in URLs, text of a UTF-16 page is encoded as UTF-8. */
function isUnicode(encoding: string): boolean {
  return encoding === 'utf-8' || encoding.startsWith('utf-16')
}

/** `URL.parse` of newer versions of Node. */
function parseUrl(href: string, base: string | undefined): URL | undefined {
  try {
    return new URL(href, base)
  } catch {
    return undefined
  }
}

function bad(text: string): Link {
  const line = text.replace(/\s+/g, ' ').trim()
  return { kind: 'bad', text: line.length > 200 ? `${line.slice(0, 200)}…` : line }
}

/** Changes its argument. */
function normalForm(url: URL): string {
  if (url.hash !== '' || url.href.endsWith('#')) url.hash = ''
  if (url.username !== '') url.username = ''
  if (url.password !== '') url.password = ''
  const { href } = url
  const path = href.indexOf('/', url.protocol.length + 2)
  // `/q?` has an empty query: servers and their frameworks take it for `/q`.
  const end = href.endsWith('?') && url.search === '' ? href.length - 1 : href.length
  const tail = href.slice(path, end)
  const normal = normalEscapes(tail)
  return normal === tail && end === href.length ? href : href.slice(0, path) + normal
}

/**
 * Returns the name of the site that a URL belongs to; two URLs belong to the same site if these are equal. The name is the host without a
 * leading `www.`, and the port; http and https on their own ports (80, 443) are one site.
 * @param url an absolute URL
 */
export function siteOf(url: string): string {
  return siteName(new URL(url))
}

function siteName({ hostname, port }: URL): string {
  const host = hostname.replace(/^www\./, '').replace(/\.$/, '')
  return port === '' ? host : `${host}:${port}`
}

/** Returns true if a URL leads to this computer: `localhost`, `*.localhost`, 127.0.0.0/8, [::1]. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return /^(.+\.)?localhost$/.test(hostname) || /^127(\.\d+){3}$/.test(hostname) || hostname === '[::1]'
}
