import type { FailureKind } from './failure.ts'

/** One request. */
export interface Ask {
  /** Absolute, normalised. */
  url: string
  /** Beside those that every request has. */
  headers?: Readonly<Record<string, string>>
}

/** One answer of a server, redirects not followed. */
export interface Answer {
  /** null when no answer came. */
  status: number | null
  /** What the server calls the status; empty when it says nothing. */
  reason: string
  /** As they came, in their order, with names in lower case. */
  headers: [name: string, value: string][]
  /** The headers of the request. */
  requestHeaders: Readonly<Record<string, string>>
  /** null when it was not wanted, or nothing of it came. */
  body: Buffer | null
  /** Of the body, decompressed, as far as it was read. */
  bytes: number
  /** Why `body` is not the whole of it; null when it is. */
  cut: 'size' | 'connection' | null
  /** Why there is no answer, or no body; null when the body was not wanted. */
  error: string | null
  /** What kind of failure `error` or `cut` is. */
  failure: FailureKind | null
  /** When the request was sent, in the time of `Date.now()`. */
  startedAt: number
  /** From the request's start to the headers, in milliseconds; null when none came. */
  firstByteMs: number | null
}

/** An answer before its body. */
export interface Head {
  status: number
  contentType: string | null
}

/** The first header of a name; null when there is none. */
export function header(answer: Pick<Answer, 'headers'>, name: string): string | null {
  return answer.headers.find(([key]) => key === name)?.[1] ?? null
}

/** All headers of a name. */
export function headersOf(answer: Pick<Answer, 'headers'>, name: string): string[] {
  return answer.headers.filter(([key]) => key === name).map(([, value]) => value)
}

/** A header's bytes, which are read as ISO-8859-1, are UTF-8 when they can be. */
export function fromBytes(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value
  const text = Buffer.from(value, 'latin1').toString('utf8')
  return text.includes('\ufffd') ? value : text
}
