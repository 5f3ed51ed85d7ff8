import type { DownloadSettings } from './settings.ts'

/**
 * The reason why a request failed. `reset`: the connection ended before the answer. `cut`: it ended within the answer. `format`: the answer
 * is not HTTP. `refused`: no program listens. `private`: the address is one of those that are refused.
 */
export type FailureKind =
  | 'unknown-host'
  | 'dns'
  | 'refused'
  | 'unreachable'
  | 'reset'
  | 'cut'
  | 'timeout'
  | 'format'
  | 'private'
  | 'other'

export interface Failure {
  kind: FailureKind
  /** One line. */
  text: string
}

interface CodedError {
  name?: string
  code?: string
  message?: string
  cause?: unknown
  errors?: unknown[]
}

/**
 * Describes in one line why a request failed.
 * @param error the error that undici, or Node under it, threw
 */
export function describeFailure(error: unknown, url: string, settings: DownloadSettings): Failure {
  const { name, code, message } = innermost(error)
  const { hostname, port, protocol } = new URL(url)
  const address = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
  switch (code) {
    case 'ECONNREFUSED':
      return { kind: 'refused', text: `connection refused by ${address}` }
    case 'ENOTFOUND':
      return { kind: 'unknown-host', text: `no such host: ${hostname}` }
    case 'EAI_AGAIN':
      return { kind: 'dns', text: `the name of ${hostname} could not be looked up for the moment` }
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { kind: 'unreachable', text: `no way to ${address}` }
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return { kind: 'timeout', text: `no connection to ${address} within ${settings.timeoutMs} ms` }
    case 'UND_ERR_HEADERS_TIMEOUT':
      return { kind: 'timeout', text: `no answer from ${address} within ${settings.timeoutMs} ms` }
    case 'UND_ERR_BODY_TIMEOUT':
      return { kind: 'timeout', text: `the body stopped coming for ${settings.timeoutMs} ms` }
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return { kind: 'reset', text: `${address} closed the connection before its answer was complete` }
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return { kind: 'cut', text: 'the body is not as long as its Content-Length says' }
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'HPE_HEADER_OVERFLOW':
      return { kind: 'format', text: 'the headers of the answer are too long' }
    case 'ERR_PRIVATE_ADDRESS':
      return { kind: 'private', text: message ?? 'the address is private' }
  }
  if (name === 'HTTPParserError' || code?.startsWith('HPE_')) {
    return { kind: 'format', text: `${address} did not answer in HTTP (${message?.replace(/^Parse Error: /, '')})` }
  }
  const text = `${message ?? String(error)}${code ? ` (${code})` : ''}`.replace(/\s+/g, ' ')
  return { kind: 'other', text }
}

/** Returns the innermost error: undici wraps some errors, and Node combines those of the several addresses of one name. */
function innermost(error: unknown): CodedError {
  const outer = (error ?? {}) as CodedError
  if (outer.errors?.length && !outer.message) return innermost(outer.errors[0])
  const inner = outer.cause as CodedError | undefined
  return inner?.code && !outer.code ? innermost(inner) : outer
}
