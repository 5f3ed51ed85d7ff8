import type { PageRecord } from './page/record.ts'

/** What the crawl found at one URL: one line of its output. `D` is what `onPage` returns. */
export interface PageResult<D = unknown> extends PageRecord {
  /** The result of `onPage`, or the fields of `--get`; null if there is neither, and for a page with an error. */
  data: D | null
  /** The number of links from the first page. */
  depth: number
  /** The page on which the URL was found first; null for the first page. */
  from: string | null
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
  'error',
  'requestedUrl',
  'redirects',
  'from',
  'contentType',
  'titleTag',
  'description',
  'h1',
  'canonical',
  'robots',
  'hreflang',
  'hash',
  'words',
  'truncated',
  'startedAt',
  'firstByteMs',
  'attempts',
  'data'
] as const satisfies ReadonlyArray<keyof PageResult>

/** Returns a result as one line of JSON with a newline. Its fields are in the order of `FIELDS`. */
export function toJsonLine(result: PageResult): string {
  return `${JSON.stringify(Object.fromEntries(FIELDS.map(field => [field, result[field] ?? null])))}\n`
}
