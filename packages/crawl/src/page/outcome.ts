import type { FailureKind } from '../http/failure.ts'
import { emptyRecord, type LinkRecord, type PageRecord } from './record.ts'

/** What a worker reports of one URL, redirects not followed. */
export interface PageOutcome {
  record: PageRecord
  /** Where the server sends us instead, as its `Location` header says it; null when it does not. */
  location: string | null
  /** Pages to visit: of the same site, unless `followsAll` is set. */
  follow: string[]
  /** Links that are no URLs. */
  badLinks: string[]
  /** Everything the page refers to; empty unless `keepLinks` is set. */
  linkTable: LinkRecord[]
  /** The `Set-Cookie` headers. */
  setCookies: string[]
  /** The `Retry-After` header. */
  retryAfter: string | null
  /** Why there is no whole answer; null when there is one. */
  failure: FailureKind | null
  /** Null unless `keepBodies` is set and an answer came. */
  exchange: Exchange | null
}

/** A request and its answer as an archive keeps them. */
export interface Exchange {
  url: string
  requestHeaders: Readonly<Record<string, string>>
  status: number
  reason: string
  /** As they came. */
  headers: [name: string, value: string][]
  /** Decompressed; null when it was not downloaded. */
  body: Uint8Array | null
  /** The body is longer than what was downloaded. */
  readonly truncated: boolean
}

/** The outcome for a URL that no answer came from. */
export function withoutPage(url: string, error: string | null): PageOutcome {
  return {
    record: { ...emptyRecord(url), error },
    location: null,
    follow: [],
    badLinks: [],
    linkTable: [],
    setCookies: [],
    retryAfter: null,
    failure: null,
    exchange: null
  }
}
