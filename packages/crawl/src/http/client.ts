import { type Answer, type Ask, type Head, header } from './answer.ts'
import { DecompressError, decompress } from './decompress.ts'
import { describeFailure } from './failure.ts'
import type { Response } from './response.ts'
import type { DownloadSettings } from './settings.ts'
import { Transport } from './transport.ts'

/** Unwanted bodies up to this length are read to the end, so that the connection can be used again. */
const WORTH_READING = 64 * 1024

/** Requests pages from servers, and keeps connections open between requests. */
export class Client {
  readonly settings: DownloadSettings
  readonly #transport: Transport

  constructor(settings: DownloadSettings) {
    this.settings = settings
    this.#transport = new Transport(settings)
  }

  /**
   * Requests one URL. Never throws.
   * @param isWanted returns true if the body is to be read, for a status and a type
   * @param options.signal ends the request
   * @param options.maxBytes replaces the limit of the settings
   */
  async get(
    ask: Ask,
    isWanted: (head: Head) => boolean,
    { signal, maxBytes = this.settings.maxBytes }: { signal?: AbortSignal; maxBytes?: number } = {}
  ): Promise<Answer> {
    const { userAgent, totalTimeoutMs } = this.settings
    const headers = {
      'user-agent': userAgent,
      accept: 'text/html,application/xhtml+xml,*/*;q=0.1',
      'accept-encoding': 'gzip, deflate, br',
      ...ask.headers
    }
    const answer = emptyAnswer(headers)
    const start = performance.now()
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), totalTimeoutMs)
    const stop = () => deadline.abort()
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
    try {
      await this.#transport.send({ ...ask, headers }, deadline.signal, async response => {
        answer.firstByteMs ??= performance.now() - start
        Object.assign(answer, { status: response.status, reason: response.reason, headers: response.headers })
        Object.assign(answer, { body: null, bytes: 0, cut: null })
        const head = { status: response.status, contentType: header(response, 'content-type') }
        if (isWanted(head)) await readBody(response, maxBytes, answer)
        else await discard(response)
      })
    } catch (error) {
      if (deadline.signal.aborted && !signal?.aborted) {
        answer.error = `no whole answer within ${totalTimeoutMs} ms`
        answer.failure = 'timeout'
      } else if (error instanceof DecompressError) {
        answer.error = error.message
        answer.failure = 'other'
      } else {
        const { kind, text } = describeFailure(error, ask.url, this.settings)
        answer.error = text
        answer.failure = kind
      }
      if (answer.body && answer.bytes > 0 && (answer.failure === 'reset' || isCut(answer))) salvage(answer)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    }
    return answer
  }

  /** Ends unfinished requests, and closes the connections. */
  async close(): Promise<void> {
    await this.#transport.close()
  }
}

function emptyAnswer(requestHeaders: Readonly<Record<string, string>>): Answer {
  return {
    status: null,
    reason: '',
    headers: [],
    requestHeaders,
    body: null,
    bytes: 0,
    cut: null,
    error: null,
    failure: null,
    startedAt: Date.now(),
    firstByteMs: null
  }
}

function isCut({ failure }: Answer): boolean {
  return failure === 'cut' || failure === 'format' || failure === 'timeout'
}

/** Keeps the part of a body that arrived before the body ended too early. */
function salvage(answer: Answer): void {
  answer.cut = 'connection'
  answer.failure = answer.failure === 'timeout' ? 'timeout' : 'cut'
  answer.error = null
}

/** @throws the error that ends the body; `answer` then has the part before it */
async function readBody(response: Response, maxBytes: number, answer: Answer): Promise<void> {
  const chunks: Buffer[] = []
  let bytes = 0
  let failure: { error: unknown } | undefined
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      const room = maxBytes - bytes
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
      bytes += Math.min(chunk.length, room)
      if (chunk.length > room) {
        answer.cut = 'size'
        break
      }
    }
  } catch (error) {
    failure = { error }
  } finally {
    response.body.on('error', () => {}).destroy()
  }
  const raw = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, bytes)
  const encodings = response.headers.filter(([name]) => name === 'content-encoding').map(([, value]) => value)
  const { body, isTooLarge, isDamaged } = await decompress(raw, encodings.join(','), maxBytes)
  answer.body = body
  answer.bytes = body.length
  if (isTooLarge) answer.cut = 'size'
  else if (isDamaged) answer.cut ??= 'connection'
  if (failure) throw failure.error
}

async function discard({ body, headers }: Response): Promise<void> {
  const length = Number(headers.find(([name]) => name === 'content-length')?.[1] ?? Number.NaN)
  body.on('error', () => {})
  if (!(length <= WORTH_READING)) {
    body.destroy()
    return
  }
  try {
    for await (const _ of body) {
      // It is read for the sake of the connection.
    }
  } catch {
    // The status has arrived, and only the status was wanted.
  }
}
