import { createRequire } from 'node:module'
import type { Agent, buildConnector, Dispatcher } from 'undici'

type Undici = typeof import('undici')

/** What every crawl needs of undici. */
interface Core {
  readonly Agent: typeof Agent
  readonly buildConnector: typeof buildConnector
  /** Sends a request with a dispatcher. */
  request(url: string, options: RequestOptions): Promise<Dispatcher.ResponseData>
}

interface RequestOptions extends Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'method'> {
  readonly dispatcher: Dispatcher
}

const require = createRequire(import.meta.url)

/** The core of undici. Each process of a crawl loads it; the whole package, with `fetch` and WebSocket, takes three times as long to load. */
export const { Agent: HttpAgent, buildConnector: buildHttpConnector, request } = load()

/** Loads the whole package. */
export function wholeUndici(): Undici {
  return require('undici') as Undici
}

function load(): Core {
  try {
    const send = require('undici/lib/api/api-request.js') as (
      this: Dispatcher,
      options: Dispatcher.RequestOptions
    ) => Promise<Dispatcher.ResponseData>
    return {
      Agent: require('undici/lib/dispatcher/agent.js') as typeof Agent,
      buildConnector: require('undici/lib/core/connect.js') as typeof buildConnector,
      request(url, { dispatcher, ...options }) {
        const { origin, pathname, search } = new URL(url)
        return send.call(dispatcher, { ...options, origin, path: pathname + search, method: 'GET' })
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    // Another version of the package has its files elsewhere.
    return wholeUndici()
  }
}
