/** What the crawl found at one URL: one line of its output. */
export interface PageResult {
  /** Where the page is, normalised: after redirects. When the link was no URL, its text. */
  url: string
  /** HTTP status; null when no answer came. */
  status: number | null
  /** The text of the first `h1` that has any, else of `title`; null when the page has neither. */
  title: string | null
  /** `og:url`, else the canonical link, as an absolute URL. */
  ogUrl: string | null
  /** How many links away from the first page. */
  depth: number
  /** Distinct pages linked to, of any site. */
  links: number
  /** Of the body, decompressed; as far as it was read. */
  bytes: number
  /** From the request's start to the body's end, in milliseconds. */
  downloadMs: number
  /** Decoding and parsing, in milliseconds. */
  parseMs: number
  /** Why there is no page; null when there is one. */
  error: string | null
}

/** The fields of a line, in the order in which they are written. */
export const FIELDS = [
  'url',
  'status',
  'title',
  'ogUrl',
  'depth',
  'links',
  'bytes',
  'downloadMs',
  'parseMs',
  'error'
] as const satisfies ReadonlyArray<keyof PageResult>

/** A result as one line of JSON, its fields in the order of `FIELDS`, newline included. */
export function toJsonLine(result: PageResult): string {
  return `${JSON.stringify(Object.fromEntries(FIELDS.map(field => [field, result[field]])))}\n`
}
