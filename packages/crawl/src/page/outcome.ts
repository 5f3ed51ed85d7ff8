import type { FailureKind } from '../http/failure.ts'
import { emptyRecord, type LinkRecord, type PageRecord } from './record.ts'

/** What a worker reports of one URL; redirects are not followed. */
export interface PageOutcome {
  record: PageRecord
  /** The URL to which the server redirects, as in its `Location` header; null if it does not. */
  location: string | null
  /** The pages to visit: those of the same site, unless `followsAll` is set. */
  follow: string[]
  /** What the page loads: images, scripts, style sheets, frames; of any site. Empty unless `findsEmbedded` is set. */
  embedded: string[]
  /** Links that are not URLs. */
  badLinks: string[]
  /** Everything that the page refers to; empty unless `keepLinks` is set. */
  linkTable: LinkRecord[]
  /** The `Set-Cookie` headers. */
  setCookies: string[]
  /** The `Retry-After` header. */
  retryAfter: string | null
  /** The reason why there is no complete answer; null if there is one. */
  failure: FailureKind | null
  /** null unless `keepBodies` is set and there is an answer. */
  exchange: Exchange | null
}

/** A request and its answer, as an archive keeps them. */
export interface Exchange {
  url: string
  requestHeaders: Readonly<Record<string, string>>
  status: number
  reason: string
  /** In their original order. */
  headers: [name: string, value: string][]
  /** Decompressed; null if it was not downloaded. */
  body: Uint8Array | null
  /** True if the body is longer than the downloaded part. */
  readonly truncated: boolean
}

/** Returns the outcome for a URL without an answer. */
export function withoutPage(url: string, error: string | null): PageOutcome {
  return {
    record: { ...emptyRecord(url), error },
    location: null,
    follow: [],
    embedded: [],
    badLinks: [],
    linkTable: [],
    setCookies: [],
    retryAfter: null,
    failure: null,
    exchange: null
  }
}
