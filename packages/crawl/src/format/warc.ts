import { createHash, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { version } from '../version.ts'

/** A request and its answer, to be archived. */
export interface ArchivedExchange {
  readonly url: string
  /** When the request was sent, as an ISO 8601 date and time. */
  readonly startedAt: string
  readonly requestHeaders: Readonly<Record<string, string>>
  readonly status: number
  readonly reason: string
  /** In their original order. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Decompressed; null if it was not downloaded. */
  readonly body: Uint8Array | null
  /** True if the body is longer than the downloaded part. */
  readonly truncated: boolean
}

/** Returns the first record of a WARC file, which tells the program that wrote it. Compressed, like every record. */
export function warcInfo(fileName: string): Buffer {
  const fields = `software: crawl/${version}\r\nformat: WARC File Format 1.1\r\n`
  return record(
    {
      'WARC-Type': 'warcinfo',
      'WARC-Record-ID': recordId(),
      'WARC-Date': new Date().toISOString(),
      'WARC-Filename': fileName,
      'Content-Type': 'application/warc-fields'
    },
    Buffer.from(fields)
  )
}

/**
 * Returns the records of an exchange: the answer and its request (WARC 1.1), each as a separate gzip member. The archived body is
 * decompressed, so `Content-Encoding`, `Transfer-Encoding` and `Content-Length` get names that begin with `X-Orig-`.
 */
export function toWarc(exchange: ArchivedExchange): Buffer {
  const { url, startedAt, status, reason, headers, truncated } = exchange
  const body = exchange.body ?? new Uint8Array()
  const kept = headers.map(([name, value]) => `${ofTransfer.has(name.toLowerCase()) ? 'X-Orig-' : ''}${name}: ${value}`)
  const head = [`HTTP/1.1 ${status} ${reason}`.trimEnd(), ...kept, `Content-Length: ${body.length}`, '', ''].join(
    '\r\n'
  )
  const responseId = recordId()
  const common = { 'WARC-Target-URI': url, 'WARC-Date': startedAt }
  const response = record(
    {
      'WARC-Type': 'response',
      'WARC-Record-ID': responseId,
      ...common,
      'WARC-Payload-Digest': digest(body),
      // The standard has other reasons only for a body that is too long, and for a connection that ended.
      ...(truncated || exchange.body === null ? { 'WARC-Truncated': 'unspecified' } : {}),
      'Content-Type': 'application/http; msgtype=response'
    },
    Buffer.concat([Buffer.from(head, 'latin1'), body])
  )
  const request = record(
    {
      'WARC-Type': 'request',
      'WARC-Record-ID': recordId(),
      ...common,
      'WARC-Concurrent-To': responseId,
      'Content-Type': 'application/http; msgtype=request'
    },
    Buffer.from(requestText(url, exchange.requestHeaders), 'latin1')
  )
  return Buffer.concat([response, request])
}

/** Headers about the transfer of the body, which are no longer true. */
const ofTransfer: ReadonlySet<string> = new Set(['content-encoding', 'transfer-encoding', 'content-length'])

function requestText(url: string, headers: Readonly<Record<string, string>>): string {
  const { pathname, search, host } = new URL(url)
  const lines = Object.entries(headers).filter(
    ([name]) => !['host', 'authorization', 'cookie'].includes(name.toLowerCase())
  )
  return [`GET ${pathname}${search} HTTP/1.1`, `Host: ${host}`, ...lines.map(line => line.join(': ')), '', ''].join(
    '\r\n'
  )
}

function record(fields: Readonly<Record<string, string>>, block: Uint8Array): Buffer {
  const lines = Object.entries({
    ...fields,
    'WARC-Block-Digest': digest(block),
    'Content-Length': String(block.length)
  })
  const head = ['WARC/1.1', ...lines.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
  return gzipSync(Buffer.concat([Buffer.from(head), block, Buffer.from('\r\n\r\n')]))
}

function recordId(): string {
  return `<urn:uuid:${randomUUID()}>`
}

function digest(data: Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`
}
