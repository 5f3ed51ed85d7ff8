import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Agent, type Dispatcher, request } from 'undici'
import { describeFailure } from './failure.ts'
import type { DownloadSettings } from './settings.ts'

/** One answer of a server, redirects not followed. */
export interface Download {
  /** null when no answer came. */
  status: number | null
  contentType: string | null
  /** The `Location` header. */
  location: string | null
  /** null when it was not wanted, or did not come whole. */
  body: Buffer | null
  /** Of the body, decompressed, as far as it was read. */
  bytes: number
  /** The body is longer than `maxBytes`, and was cut off there. */
  isCut: boolean
  /** Why there is no answer, or no body; null when the body was not wanted. */
  error: string | null
}

/** An answer before its body. */
export interface Head {
  status: number
  contentType: string | null
}

/** Bodies up to this size are read to the end although nobody wants them, so that the connection can be used again. */
const WORTH_READING = 64 * 1024

/** Asks servers, and keeps connections to them open between requests. */
export class Client {
  readonly settings: DownloadSettings
  readonly #agent: Agent

  constructor(settings: DownloadSettings) {
    this.settings = settings
    this.#agent = new Agent({ connect: { timeout: settings.timeoutMs } })
  }

  /**
   * Asks for one URL: once, or twice when a connection that was kept open turns out to be closed. Never throws.
   *
   * @param isWanted called with status and type: whether the body is to be read
   * @param options.signal ends the request
   * @param options.maxBytes instead of the settings' one
   */
  async get(
    url: string,
    isWanted: (head: Head) => boolean,
    { signal, maxBytes = this.settings.maxBytes }: { signal?: AbortSignal; maxBytes?: number } = {}
  ): Promise<Download> {
    const result: Download = {
      status: null,
      contentType: null,
      location: null,
      body: null,
      bytes: 0,
      isCut: false,
      error: null
    }
    const deadline = AbortSignal.timeout(this.settings.totalTimeoutMs)
    try {
      const response = await this.#request(url, signal ? AbortSignal.any([signal, deadline]) : deadline)
      result.status = response.statusCode
      result.contentType = first(response.headers['content-type'])
      result.location = fromBytes(first(response.headers.location))
      if (isWanted({ status: response.statusCode, contentType: result.contentType })) {
        await readBody(response, maxBytes, result)
      } else {
        await discard(response)
      }
    } catch (error) {
      result.error = deadline.aborted
        ? `no whole answer within ${this.settings.totalTimeoutMs} ms`
        : describeFailure(error, url, this.settings)
    }
    return result
  }

  /** Ends what is under way, and closes the connections. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #request(url: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { timeoutMs, userAgent } = this.settings
    const options = {
      dispatcher: this.#agent,
      signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      headers: {
        'user-agent': userAgent,
        accept: 'text/html,application/xhtml+xml,*/*;q=0.1',
        'accept-encoding': 'gzip, deflate, br'
      }
    }
    try {
      return await request(url, options)
    } catch (error) {
      // A server may close a kept connection at the very moment it is used again; only a fresh one tells whether it answers.
      const { code } = error as { code?: string }
      if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') return await request(url, options)
      throw error
    }
  }
}

async function readBody(response: Dispatcher.ResponseData, maxBytes: number, result: Download): Promise<void> {
  const encodings = (first(response.headers['content-encoding']) ?? '')
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '' && name !== 'identity')
  // More layers than any server has reason for cost memory and time for nothing.
  if (encodings.length > 2) {
    response.body.on('error', () => {}).destroy()
    throw new Error(`the body is compressed ${encodings.length} times`)
  }
  let body: Readable = response.body
  for (const encoding of encodings.reverse()) body = decompress(body, encoding)

  const chunks: Buffer[] = []
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      const room = maxBytes - result.bytes
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
      result.bytes += Math.min(chunk.length, room)
      if (chunk.length > room) {
        result.isCut = true
        break
      }
    }
  } finally {
    response.body.on('error', () => {}).destroy()
  }
  result.body = Buffer.concat(chunks, result.bytes)
}

function decompress(body: Readable, encoding: string): Readable {
  const stream =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? createGunzip()
      : encoding === 'deflate'
        ? createInflate()
        : encoding === 'br'
          ? createBrotliDecompress()
          : undefined
  if (!stream) {
    body.on('error', () => {}).destroy()
    throw new Error(`the body is in an encoding that was not asked for: ${encoding}`)
  }
  body.on('error', error => stream.destroy(error))
  return body.pipe(stream)
}

async function discard(response: Dispatcher.ResponseData): Promise<void> {
  const length = Number(first(response.headers['content-length']) ?? Number.NaN)
  if (length <= WORTH_READING) await response.body.dump()
  else response.body.on('error', () => {}).destroy()
}

function first(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null
}

/** A header's bytes, which undici reads as ISO-8859-1, are UTF-8 when they can be. */
function fromBytes(header: string | null): string | null {
  if (header === null) return null
  const text = Buffer.from(header, 'latin1').toString('utf8')
  return text.includes('\ufffd') ? header : text
}
