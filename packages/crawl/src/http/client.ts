import { type Answer, type Ask, type Head, header } from './answer.ts'
import { DecompressError, decompress } from './decompress.ts'
import { describeFailure } from './failure.ts'
import type { Response } from './response.ts'
import type { DownloadSettings } from './settings.ts'
import { Transport } from './transport.ts'

/** Bodies up to this size are read to the end although nobody wants them, so that the connection can be used again. */
const WORTH_READING = 64 * 1024

/** Asks servers for pages, and keeps connections to them open between requests. */
export class Client {
  readonly settings: DownloadSettings
  readonly #transport: Transport

  constructor(settings: DownloadSettings) {
    this.settings = settings
    this.#transport = new Transport(settings)
  }

  /**
   * Asks for one URL. Never throws.
   *
   * @param isWanted called with status and type: whether the body is to be read
   * @param options.signal ends the request
   * @param options.maxBytes instead of the settings' one
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

  /** Ends what is under way, and closes the connections. */
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

/** The body ended too early: what came of it counts. */
function salvage(answer: Answer): void {
  answer.cut = 'connection'
  answer.failure = answer.failure === 'timeout' ? 'timeout' : 'cut'
  answer.error = null
}

/** @throws what ends the body; what came before is in `answer` then */
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
    // The status has come, and that is all that was wanted.
  }
}
