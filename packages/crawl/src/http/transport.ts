import { getProxyForUrl } from 'proxy-from-env'
import type { Agent, buildConnector, Dispatcher, ProxyAgent } from 'undici'
import { isLoopback } from '../url/link.ts'
import type { Ask } from './answer.ts'
import { guardedLookup, refuseAddress, refuseSocket } from './guard.ts'
import { requestLeniently } from './lenient.ts'
import { MAX_HEADER_BYTES, type Response } from './response.ts'
import type { DownloadSettings } from './settings.ts'
import { buildHttpConnector, HttpAgent, request, wholeUndici } from './undici.ts'

/** Sends requests, and keeps connections open between them. */
export class Transport {
  readonly #settings: DownloadSettings
  readonly #agent: Agent
  readonly #proxies = new Map<string, ProxyAgent>()
  /** Origins whose answers only the lenient parser accepts. */
  readonly #odd = new Set<string>()

  constructor(settings: DownloadSettings) {
    this.#settings = settings
    this.#agent = new HttpAgent({ connect: connector(settings), maxHeaderSize: MAX_HEADER_BYTES })
  }

  /**
   * Sends a request, and sends it again if a connection that was kept open turns out to be closed.
   * @param readBody gets the answer, and reads or destroys its body. If the answer or its body is not valid HTTP, it is called again with
   * the answer that a more lenient parser reads
   * @throws the errors of undici, or of Node under it
   */
  async send<T>(
    ask: Ask & { headers: Readonly<Record<string, string>> },
    signal: AbortSignal,
    readBody: (response: Response) => Promise<T>
  ): Promise<T> {
    const { url } = ask
    const { hostname, origin } = new URL(url)
    const refusal = this.#settings.isGuarded ? refuseAddress(hostname) : undefined
    if (refusal) throw refusal
    const proxy = proxyFor(url, this.#settings.proxy)
    // Through a proxy, TLS runs between this program and the site: the lenient parser cannot be used.
    const hasSecondWay = proxy === '' || url.startsWith('http:')
    if (hasSecondWay && this.#odd.has(origin)) return await this.#sendLeniently(ask, signal, proxy, readBody)
    try {
      return await readBody(await this.#request(ask, signal, proxy))
    } catch (error) {
      if (!hasSecondWay || !isOdd(error)) throw error
      const result = await this.#sendLeniently(ask, signal, proxy, readBody)
      if (this.#odd.size < MOST_ODD) this.#odd.add(origin)
      return result
    }
  }

  /** Ends unfinished requests, and closes the connections. */
  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), ...[...this.#proxies.values()].map(agent => agent.destroy())])
  }

  async #request(ask: Ask, signal: AbortSignal, proxy: string): Promise<Response> {
    const { timeoutMs } = this.#settings
    const options = {
      dispatcher: this.#dispatcher(proxy),
      signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      headers: { ...ask.headers }
    }
    let response: Dispatcher.ResponseData
    try {
      response = await request(ask.url, options)
    } catch (error) {
      // A server may close a kept connection at the moment when it is used again; only a new connection tells whether the server answers.
      const { code } = error as { code?: string }
      if (isOdd(error) || (code !== 'UND_ERR_SOCKET' && code !== 'ECONNRESET' && code !== 'EPIPE')) throw error
      response = await request(ask.url, options)
    }
    const headers = Object.entries(response.headers).flatMap(([name, value]): [string, string][] =>
      Array.isArray(value) ? value.map(each => [name, each]) : value === undefined ? [] : [[name, value]]
    )
    return { status: response.statusCode, reason: response.statusText, headers, body: response.body }
  }

  async #sendLeniently<T>(
    ask: Ask & { headers: Readonly<Record<string, string>> },
    signal: AbortSignal,
    proxy: string,
    readBody: (response: Response) => Promise<T>
  ): Promise<T> {
    return await readBody(await requestLeniently(ask, this.#settings, signal, proxy))
  }

  #dispatcher(proxy: string): Dispatcher {
    if (proxy === '') return this.#agent
    let agent = this.#proxies.get(proxy)
    if (!agent) {
      const tls = { rejectUnauthorized: !this.#settings.insecure, timeout: this.#settings.timeoutMs }
      const undici = wholeUndici()
      agent = new undici.ProxyAgent({
        uri: proxy,
        proxyTunnel: false,
        requestTls: tls,
        proxyTls: tls,
        maxHeaderSize: MAX_HEADER_BYTES
      })
      this.#proxies.set(proxy, agent)
    }
    return agent
  }
}

const MOST_ODD = 10_000

/** Returns the proxy for a URL; '' for none. Requests to this computer never use a proxy that only the environment names. */
function proxyFor(url: string, proxy: string | null): string {
  if (proxy !== null) return proxy
  const named = getProxyForUrl(url)
  return named === '' || isLoopback(url) ? '' : named
}

function connector(settings: DownloadSettings): buildConnector.connector {
  const connect = buildHttpConnector({
    timeout: settings.timeoutMs,
    rejectUnauthorized: !settings.insecure,
    ...(settings.isGuarded ? { lookup: guardedLookup } : {})
  })
  if (!settings.isGuarded) return connect
  return (options, callback) => {
    connect(options, (error, socket) => {
      const refusal = socket && refuseSocket(socket, options.hostname)
      if (refusal) {
        socket.on('error', () => {}).destroy()
        callback(refusal, null)
      } else if (error) callback(error, null)
      else callback(null, socket!)
    })
  }
}

/** Returns true if an answer arrived that undici does not accept as HTTP, and other parsers might. */
function isOdd(error: unknown): boolean {
  const { name, code, message } = error as { name?: string; code?: string; message?: string }
  return (
    name === 'HTTPParserError' ||
    code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' ||
    code === 'UND_ERR_HEADERS_OVERFLOW' ||
    (code === 'UND_ERR_SOCKET' && (message === 'bad response' || message === 'bad upgrade'))
  )
}
