import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Ask } from './answer.ts'
import { guardedLookup, refuseSocket } from './guard.ts'
import { MAX_HEADER_BYTES, type Response } from './response.ts'
import type { DownloadSettings } from './settings.ts'

/**
 * Sends a request over a connection of its own, and takes its answer as Node's lenient parser does: bare line feeds, a
 * `Content-Length` beside chunks, an unasked `100 Continue`.
 *
 * @param proxy its URL, for a URL of http; '': none
 * @throws what Node throws
 */
export function requestLeniently(
  ask: Ask,
  settings: DownloadSettings,
  signal: AbortSignal,
  proxy: string
): Promise<Response> {
  const url = new URL(ask.url)
  const via = proxy === '' ? undefined : new URL(proxy)
  const { timeoutMs, insecure, isGuarded } = settings
  return new Promise((resolve, reject) => {
    const send = (via ?? url).protocol === 'https:' ? httpsRequest : httpRequest
    const request = send({
      hostname: (via ?? url).hostname.replace(/^\[|\]$/g, ''),
      port: (via ?? url).port,
      path: via ? url.href : url.pathname + url.search,
      headers: { host: url.host, ...ask.headers, ...proxyAuthorization(via), connection: 'close' },
      agent: false,
      insecureHTTPParser: true,
      maxHeaderSize: MAX_HEADER_BYTES,
      rejectUnauthorized: !insecure,
      signal,
      ...(isGuarded && !via ? { lookup: guardedLookup } : {})
    })
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error('no headers in time'), { code: 'UND_ERR_HEADERS_TIMEOUT' }))
    }, timeoutMs)
    request.on('socket', socket => {
      if (!isGuarded || via) return
      socket.on('connect', () => {
        const refusal = refuseSocket(socket, url.hostname)
        if (refusal) request.destroy(refusal)
      })
    })
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
