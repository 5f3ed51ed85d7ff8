import type { FailureKind } from './failure.ts'

/** One request. */
export interface Ask {
  /** Absolute and normalised. */
  url: string
  /** Headers besides those of every request. */
  headers?: Readonly<Record<string, string>>
}

/** One answer of a server; redirects are not followed. */
export interface Answer {
  /** null if there is no answer. */
  status: number | null
  /** The server's name for the status; empty if there is none. */
  reason: string
  /** In their original order, with names in lower case. */
  headers: [name: string, value: string][]
  /** The headers of the request. */
  requestHeaders: Readonly<Record<string, string>>
  /** null if it was not wanted, or nothing of it arrived. */
  body: Buffer | null
  /** The bytes of the body that were read, decompressed. */
  bytes: number
  /** The reason why `body` is not complete; null if it is. */
  cut: 'size' | 'connection' | null
  /** The reason why there is no answer, or no body; null if the body was not wanted. */
  error: string | null
  /** What kind of failure `error` or `cut` is. */
  failure: FailureKind | null
  /** The time at which the request was sent, as in `Date.now()`. */
  startedAt: number
  /** The milliseconds from the request's start to the headers; null if there were none. */
  firstByteMs: number | null
}

/** An answer before its body. */
export interface Head {
  status: number
  contentType: string | null
}

/** Returns the first header with a name; null if there is none. */
export function header(answer: Pick<Answer, 'headers'>, name: string): string | null {
  return answer.headers.find(([key]) => key === name)?.[1] ?? null
}

/** Returns all headers with a name. */
export function headersOf(answer: Pick<Answer, 'headers'>, name: string): string[] {
  return answer.headers.filter(([key]) => key === name).map(([, value]) => value)
}

/** Decodes a header's bytes, which were read as ISO-8859-1, as UTF-8 if they are valid UTF-8. */
export function fromBytes(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value
  const text = Buffer.from(value, 'latin1').toString('utf8')
  return text.includes('\ufffd') ? value : text
}
