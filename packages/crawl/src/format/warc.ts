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
  /** As they came. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Decompressed; null when it was not downloaded. */
  readonly body: Uint8Array | null
  /** The body is longer than what was downloaded. */
  readonly truncated: boolean
}

/** The first record of a WARC file: who wrote it. Compressed, as every record. */
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
 * The records of an exchange: the answer and its request (WARC 1.1), each a gzip member of its own. The body is archived
 * decompressed; so `Content-Encoding`, `Transfer-Encoding` and `Content-Length` are kept under names that begin with `X-Orig-`.
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
      // The reason is one of the standard's: for longer than the limit, or for a connection that ended.
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

/** Headers of how the body was sent, which it no longer is. */
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
