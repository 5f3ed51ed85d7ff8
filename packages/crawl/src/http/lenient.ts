import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect as connectPlainly, isIP, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { withoutBrackets } from '../url/private-network.ts'
import type { Ask } from './answer.ts'
import { guardedLookup, refuseSocket } from './guard.ts'
import { MendedSocket } from './mended-socket.ts'
import { MAX_HEADER_BYTES, type Response } from './response.ts'
import type { DownloadSettings } from './settings.ts'

/**
 * Sends a request over a new connection, and accepts its answer as far as possible: repairs the head first (bare line feeds, two lengths,
 * an unrequested `100 Continue`), and then reads it with Node's lenient parser.
 * @param proxy the proxy's URL, for a URL of http; '' for none
 * @throws the errors of Node
 */
export function requestLeniently(
  ask: Ask,
  settings: DownloadSettings,
  signal: AbortSignal,
  proxy: string
): Promise<Response> {
  const url = new URL(ask.url)
  const via = proxy === '' ? undefined : new URL(proxy)
  const { timeoutMs } = settings
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      path: via ? url.href : url.pathname + url.search,
      headers: { host: url.host, ...ask.headers, ...proxyAuthorization(via), connection: 'close' },
      createConnection: () => new MendedSocket(connect(via ?? url, settings, via === undefined)),
      insecureHTTPParser: true,
      maxHeaderSize: MAX_HEADER_BYTES,
      signal
    })
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error('no headers in time'), { code: 'UND_ERR_HEADERS_TIMEOUT' }))
    }, timeoutMs)
    request.on('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    request.on('response', message => {
      clearTimeout(timer)
      message.setTimeout(timeoutMs, () => {
        message.destroy(Object.assign(new Error('no body in time'), { code: 'UND_ERR_BODY_TIMEOUT' }))
      })
      resolve({
        status: message.statusCode ?? 0,
        reason: message.statusMessage ?? '',
        headers: pairs(message),
        body: message
      })
    })
    request.end()
  })
}

/** @param isSite true if the URL is the site's, and not a proxy's */
function connect(url: URL, { insecure, isGuarded }: DownloadSettings, isSite: boolean): Socket {
  const host = withoutBrackets(url.hostname)
  const isSecure = url.protocol === 'https:'
  const options = {
    host,
    port: Number(url.port) || (isSecure ? 443 : 80),
    ...(isGuarded && isSite ? { lookup: guardedLookup } : {})
  }
  const socket = isSecure
    ? connectSecurely({
        ...options,
        rejectUnauthorized: !insecure,
        ALPNProtocols: ['http/1.1'],
        ...(isIP(host) === 0 ? { servername: host } : {})
      })
    : connectPlainly(options)
  socket.on('connect', () => {
    const refusal = isGuarded && isSite ? refuseSocket(socket, host) : undefined
    if (refusal) socket.destroy(refusal)
  })
  return socket
}

function proxyAuthorization(via: URL | undefined): Record<string, string> {
  if (!via?.username) return {}
  const credentials = `${decodeURIComponent(via.username)}:${decodeURIComponent(via.password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
}

function pairs({ rawHeaders }: IncomingMessage): [string, string][] {
  const headers: [string, string][] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.push([rawHeaders[at].toLowerCase(), rawHeaders[at + 1]])
  return headers
}
