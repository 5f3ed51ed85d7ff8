import type { DownloadSettings } from './settings.ts'

interface CodedError {
  name?: string
  code?: string
  message?: string
  cause?: unknown
  errors?: unknown[]
}

/**
 * Says in one line why a request failed.
 *
 * @param error what undici, or Node under it, threw
 */
export function describeFailure(error: unknown, url: string, settings: DownloadSettings): string {
  const { name, code, message } = innermost(error)
  const { hostname, port, protocol } = new URL(url)
  const address = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
  switch (code) {
    case 'ECONNREFUSED':
      return `connection refused by ${address}`
    case 'ENOTFOUND':
      return `no such host: ${hostname}`
    case 'EAI_AGAIN':
      return `the name of ${hostname} could not be looked up for the moment`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `no way to ${address}`
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `no connection to ${address} within ${settings.timeoutMs} ms`
    case 'UND_ERR_HEADERS_TIMEOUT':
      return `no answer from ${address} within ${settings.timeoutMs} ms`
    case 'UND_ERR_BODY_TIMEOUT':
      return `the body stopped coming for ${settings.timeoutMs} ms`
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return `${address} closed the connection before its answer was complete`
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return 'the body is not as long as its Content-Length says'
    case 'UND_ERR_HEADERS_OVERFLOW':
      return 'the headers of the answer are too long'
  }
  if (name === 'HTTPParserError') return `${address} did not answer in HTTP (${message})`
  if (code?.startsWith('Z_') || code?.startsWith('ERR__ERROR_FORMAT'))
    return `the compressed body is damaged (${message})`
  return `${message ?? String(error)}${code ? ` (${code})` : ''}`.replace(/\s+/g, ' ')
}

/** undici wraps some errors, and Node gathers those of the several addresses of one name. */
function innermost(error: unknown): CodedError {
  const outer = (error ?? {}) as CodedError
  if (outer.errors?.length && !outer.message) return innermost(outer.errors[0])
  const inner = outer.cause as CodedError | undefined
  return inner?.code && !outer.code ? innermost(inner) : outer
}
