/**
 * What a visit finds: the record of a page and the records of its links. Workers make them; the crawl stores and shows them.
 */

/** One step from the URL that was asked for to the page. */
export interface RedirectRecord {
  /** The URL that redirected. */
  url: string
  /** Its HTTP status: 301, 302, 303, 307 or 308. */
  status: number
}

/** What a page, or its server, asks of robots: each directive in lower case, such as `noindex` or `nofollow`. */
export interface RobotsDirectives {
  /** From `<meta name="robots">`, and from a `meta` that has this crawler's name. */
  meta: string[]
  /** From the `X-Robots-Tag` headers, without those for other robots. */
  header: string[]
}

/** One version of a page in another language: `<link rel="alternate" hreflang>`. */
export interface LanguageRecord {
  /** As the page writes it: `de`, `pt-BR`, `x-default`. */
  lang: string
  /** Absolute, normalised. */
  url: string
}

/** What the crawl found at one URL. */
export interface PageRecord {
  /** Where the page is, normalised: after redirects. When the link was no URL, its text. */
  url: string
  /** The URL that was asked for first, normalised: `url`, unless there were redirects. */
  requestedUrl: string
  /** The way from `requestedUrl` to `url`; empty when there were no redirects. */
  redirects: RedirectRecord[]
  /** HTTP status; null when no answer came. */
  status: number | null
  /** The `Content-Type` header; null when there is none. */
  contentType: string | null
  /** The text of the first `h1` that has any, else of `title`; null when the page has neither. */
  title: string | null
  /** The text of the first `title` element that has any; null when there is none. */
  titleTag: string | null
  /** The content of `<meta name="description">`; null when there is none. */
  description: string | null
  /** The text of the first `h1` that has any; null when there is none. */
  h1: string | null
  /** The canonical link, as an absolute URL; null when there is none. */
  canonical: string | null
  /** `og:url`, else the canonical link, as an absolute URL; null when there is neither. */
  ogUrl: string | null
  robots: RobotsDirectives
  hreflang: LanguageRecord[]
  /** The first 128 bits of the SHA-256 of the decompressed body, in hexadecimal; null when no page was read. */
  hash: string | null
  /** Words in the text of the page, without scripts and styles. */
  words: number
  /** Distinct pages linked to, of any site. */
  links: number
  /** Of the body, decompressed; as far as it was read. */
  bytes: number
  /** The body did not come whole, or is larger than `maxBytes`; what came was parsed. */
  truncated: boolean
  /** When the request was sent that the answer is to, as an ISO 8601 date and time; null when none was sent. */
  startedAt: string | null
  /** From the request's start to the answer's headers, in milliseconds; null when no answer came. */
  firstByteMs: number | null
  /** From the request's start to the body's end, in milliseconds. */
  downloadMs: number
  /** Decoding and parsing, in milliseconds. */
  parseMs: number
  /** How often the URL was asked for: 0 when it was not, more than 1 after retries. */
  attempts: number
  /** Why there is no page; null when there is one. */
  error: string | null
  /** What `onPage`, or the fields of `--get`, made of the page; null when there is neither. */
  data: unknown
}

/** What in a page refers to another URL. */
export type LinkKind =
  | 'a'
  | 'area'
  | 'iframe'
  | 'refresh'
  | 'img'
  | 'media'
  | 'css'
  | 'script'
  | 'icon'
  | 'canonical'
  | 'hreflang'
  | 'link'

/** One reference from a page to a URL. A page that refers to a URL twice has two. */
export interface LinkRecord {
  /** The page's URL, normalised. */
  source: string
  /** Normalised, without its fragment. When the link is no URL, its text. */
  target: string
  kind: LinkKind
  /** The text inside `a`, the `alt` of `img` and `area`; at most 200 characters. Empty when there is none. */
  text: string
  /** The `rel` attribute; empty when there is none. */
  rel: string
  /** The fragment of the target, without its `#`; empty when there is none. */
  anchor: string
  /** False when the text is no URL. */
  isUrl: boolean
}

/** The record of a URL that nothing is known of yet. */
export function emptyRecord(url: string): PageRecord {
  return {
    url,
    requestedUrl: url,
    redirects: [],
    status: null,
    contentType: null,
    title: null,
    titleTag: null,
    description: null,
    h1: null,
    canonical: null,
    ogUrl: null,
    robots: { meta: [], header: [] },
    hreflang: [],
    hash: null,
    words: 0,
    links: 0,
    bytes: 0,
    truncated: false,
    startedAt: null,
    firstByteMs: null,
    downloadMs: 0,
    parseMs: 0,
    attempts: 0,
    error: null,
    data: null
  }
}
