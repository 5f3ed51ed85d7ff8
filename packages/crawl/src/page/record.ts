/** What a visit finds: the record of a page and the records of its links. Workers create them; the crawl stores and shows them. */

/** One step from the requested URL to the page. */
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
  /** Absolute and normalised. */
  url: string
}

/** What the crawl found at one URL. */
export interface PageRecord {
  /** The normalised URL of the page, after redirects. If the link is not a URL, its text. */
  url: string
  /** The URL that was requested first, normalised: `url`, unless there were redirects. */
  requestedUrl: string
  /** The redirects from `requestedUrl` to `url`; empty if there were none. */
  redirects: RedirectRecord[]
  /** The HTTP status; null if there is no answer. */
  status: number | null
  /** The `Content-Type` header; null if there is none. */
  contentType: string | null
  /** The text of the first `h1` that has any, or else of `title`; null if the page has neither. */
  title: string | null
  /** The text of the first `title` element that has any; null if there is none. */
  titleTag: string | null
  /** The content of `<meta name="description">`; null if there is none. */
  description: string | null
  /** The text of the first `h1` that has any; null if there is none. */
  h1: string | null
  /** The canonical link, as an absolute URL; null if there is none. */
  canonical: string | null
  /** `og:url`, or else the canonical link, as an absolute URL; null if there is neither. */
  ogUrl: string | null
  /** What the page and its server ask of robots. */
  robots: RobotsDirectives
  /** The versions of the page in other languages. */
  hreflang: LanguageRecord[]
  /** The first 128 bits of the SHA-256 of the decompressed body, in hexadecimal; null if no page was read. */
  hash: string | null
  /** The number of words in the text of the page, without scripts and styles. */
  words: number
  /** The number of different pages linked to, of any site. */
  links: number
  /** The bytes of the body that were read, decompressed. */
  bytes: number
  /** True if the body did not arrive completely, or is longer than `maxBytes`; the part that arrived was parsed. */
  truncated: boolean
  /** When the answered request was sent, as an ISO 8601 date and time; null if none was sent. */
  startedAt: string | null
  /** The milliseconds from the request's start to the answer's headers; null if there is no answer. */
  firstByteMs: number | null
  /** The milliseconds from the request's start to the body's end. */
  downloadMs: number
  /** The milliseconds for decoding and parsing. */
  parseMs: number
  /** The number of requests for the URL: 0 if there was none, more than 1 after retries. */
  attempts: number
  /** The reason why there is no page; null if there is one. */
  error: string | null
  /** The result of `onPage`, or the fields of `--get`; null if there is neither. */
  data: unknown
}

/** The kind of reference from a page to another URL. */
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
  /** The page's normalised URL. */
  source: string
  /** The normalised URL, without its fragment. If the link is not a URL, its text. */
  target: string
  /** The kind of reference. */
  kind: LinkKind
  /** The text inside `a`, the `alt` of `img` and `area`; at most 200 characters. Empty if there is none. */
  text: string
  /** The `rel` attribute; empty if there is none. */
  rel: string
  /** The fragment of the target, without its `#`; empty if there is none. */
  anchor: string
  /** False if the text is not a URL. */
  isUrl: boolean
}

/** Returns the record of a URL of which nothing is known yet. */
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
