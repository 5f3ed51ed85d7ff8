/**
 * Serves a page whose data is sent to it as it changes, by server-sent events. While nobody looks there are no timers, and nothing of it
 * keeps the program alive.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MultiprocessError } from '../errors.ts'
import { clearTimeout, setTimeout } from '../ground/os/time.ts'
import { Guard } from './guard.ts'

/** A client that reads so much slower than it is written to, in bytes, is let go of. */
const MOST_WAITING = 16 * 2 ** 20
export const HIGHEST_PORT = 65_535

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8'
}

const NOTHING_ELSE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; ${NOTHING_ELSE}`,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff'
}

/** A document with styles and scripts inside. It is of no origin, so it reads nothing of the page and of the events. */
const WHOLE_DOCUMENT =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; " +
  `sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox; ${NOTHING_ELSE}`

/** A file that is made when a browser asks for it. */
export interface LiveFile {
  /** Its `Content-Type`, such as `application/json`. */
  readonly type: string
  /** The browser saves it under this name. Default: the browser shows it. */
  readonly saveAs?: string
  /** True for an HTML document whose styles and scripts are inside it. It runs apart from the page. Default: false. */
  readonly isWholeDocument?: boolean
  /** Returns the text of the file; null if there is none yet. */
  readonly body: () => string | null | Promise<string | null>
}

/** Options of `servePage`. */
export interface LivePageOptions {
  /** The port to listen at. Default: 0, which means a free one. */
  readonly port?: number
  /** The address to listen at. With any that other machines reach, such as `0.0.0.0`, a token is needed. Default: `127.0.0.1`. */
  readonly host?: string
  /** What is served, for errors and warnings. Default: `the page`. */
  readonly what?: string
  /** Folders of the page's files (HTML, CSS, JavaScript, SVG and text), as `file:` URLs that end with `/`. `index.html` is the page. */
  readonly folders: readonly URL[]
  /** Files that are made when they are asked for, by their paths, such as `/trace.json`. Default: none. */
  readonly files?: Readonly<Record<string, LiveFile>>
  /** Milliseconds between two messages to a browser, at least 10. Default: 500. */
  readonly interval?: number
  /** Returns the first message to each browser: the event `hello` of `/events`. */
  readonly hello: () => object
  /**
   * Returns each further message: the event `tick`. It is called only while somebody looks.
   * @param isWhole true if a browser knows none of the messages before
   */
  readonly tick: (isWhole: boolean) => object | Promise<object>
  /** Called when the first browser begins to look, and when the last one has left. */
  readonly onLooking?: (isLooking: boolean) => void
}

/** `LivePageOptions`, checked and complete. */
export type LiveOptions = LivePageOptions & Required<Pick<LivePageOptions, 'port' | 'host' | 'what' | 'interval'>>

/** A page that is served. */
export interface LivePage extends AsyncDisposable {
  /** What to open in a browser; it ends with the token, where one is needed. */
  readonly url: string
  /** The port that it listens on. */
  readonly port: number
  /** Null: none is needed. */
  readonly token: string | null
  /** Serves it no more. */
  close(): Promise<void>
}

export class LiveServer implements LivePage {
  readonly #options: LiveOptions
  readonly #server: Server
  readonly #guard: Guard
  readonly #paths = new Map<string, string>()
  readonly #clients = new Set<ServerResponse>()
  #hasNew = false
  #timer: NodeJS.Timeout | undefined
  #isTicking = false
  #hasWarned = false
  readonly port: number

  /** @throws MultiprocessError `ERR_CANNOT_SERVE` when the address cannot be had */
  static async open(options: LiveOptions): Promise<LiveServer> {
    const server = createServer({ requestTimeout: 10_000 })
    server.on('connection', socket => socket.unref())
    await new Promise<void>((resolve, reject) => {
      server.once('error', error => reject(refusal(options, error as NodeJS.ErrnoException)))
      server.listen(options.port, options.host, resolve)
    })
    server.unref()
    return new LiveServer(options, server)
  }

  private constructor(options: LiveOptions, server: Server) {
    this.#options = options
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.#guard = new Guard(options.host, this.port)
    for (const folder of options.folders) {
      const path = fileURLToPath(folder)
      for (const name of readdirSync(path)) if (extname(name) in TYPES) this.#paths.set(`/${name}`, `${path}/${name}`)
    }
    server.removeAllListeners('error')
    server.on('error', () => {})
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(error => {
        if (response.headersSent) response.destroy()
        else refuse(response, 500, `This could not be made: ${error}`)
      })
    })
  }

  /** What to open in a browser, with the token, where there is one. */
  get url(): string {
    const { host } = this.#options
    const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
    return `http://${name}:${this.port}/${this.#guard.token === null ? '' : `?token=${this.#guard.token}`}`
  }

  /** Null: none is needed. */
  get token(): string | null {
    return this.#guard.token
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://page.invalid')
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'Ask by GET.')
    switch (this.#guard.judge(request, searchParams)) {
      case 'wrong host':
        return refuse(response, 421, `Open http://127.0.0.1:${this.port}/ instead: this page answers to no other name.`)
      case 'no token':
        return refuse(response, 401, 'Open the address that the program has printed: it ends with the right token.')
      case 'redirect':
        response.writeHead(303, { location: pathname, 'set-cookie': this.#guard.cookie }).end()
        return
    }
    if (pathname === '/events') return this.#listen(request, response)
    const files = this.#options.files ?? {}
    if (Object.hasOwn(files, pathname)) return this.#answerWith(files[pathname], response)
    const path = this.#paths.get(pathname === '/' ? '/index.html' : pathname)
    if (path === undefined) return refuse(response, 404, 'There is nothing here.')
    response.writeHead(200, { 'content-type': TYPES[extname(path)] }).end(readFileSync(path))
  }

  async #answerWith({ type, saveAs, isWholeDocument, body }: LiveFile, response: ServerResponse): Promise<void> {
    const text = await body()
    if (text === null) return refuse(response, 404, 'There is nothing here yet.')
    if (saveAs !== undefined) response.setHeader('content-disposition', `attachment; filename="${saveAs}"`)
    if (isWholeDocument) response.setHeader('content-security-policy', WHOLE_DOCUMENT)
    response.writeHead(200, { 'content-type': type }).end(text)
  }

  #listen(request: IncomingMessage, response: ServerResponse): void {
    // A page elsewhere could not read it, but would have it made.
    if ((request.headers['sec-fetch-site'] ?? 'same-origin') !== 'same-origin') {
      refuse(response, 403, 'Only the page itself may ask for this.')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    this.#clients.add(response)
    response.on('close', () => this.#left(response))
    response.on('error', () => {})
    if (this.#clients.size === 1) this.#options.onLooking?.(true)
    response.write(eventOf('hello', this.#options.hello()))
    this.#hasNew = true
    clearTimeout(this.#timer)
    if (!this.#isTicking) void this.#tick()
  }

  #left(response: ServerResponse): void {
    this.#clients.delete(response)
    if (this.#clients.size > 0) return
    clearTimeout(this.#timer)
    this.#options.onLooking?.(false)
  }

  async #tick(): Promise<void> {
    this.#isTicking = true
    const isWhole = this.#hasNew
    this.#hasNew = false
    try {
      const text = eventOf('tick', await this.#options.tick(isWhole))
      for (const client of this.#clients) {
        if (client.writableLength > MOST_WAITING) client.destroy()
        else client.write(text)
      }
    } catch (error) {
      // A look that fails is none of the program's mistakes.
      if (!this.#hasWarned) process.emitWarning(`${this.#options.what} could not be brought up to date: ${error}`)
      this.#hasWarned = true
    } finally {
      this.#isTicking = false
    }
    if (this.#clients.size === 0) return
    this.#timer = setTimeout(() => void this.#tick(), this.#hasNew ? 0 : this.#options.interval).unref()
  }

  /** Nothing is served any more; who looks is told no more. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': TYPES['.txt'] }).end(`${why}\n`)
}

function eventOf(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

function refusal({ what, host, port }: LiveOptions, error: NodeJS.ErrnoException): MultiprocessError {
  const why =
    error.code === 'EADDRINUSE'
      ? `port ${port} of ${host} is taken by another program; end that, or give another port, or 0 for a free one`
      : error.code === 'EACCES'
        ? `this user may not listen at port ${port}; give one from 1024 to ${HIGHEST_PORT}`
        : error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN'
          ? `this machine has no address ${host}; give one of its own, such as 127.0.0.1 or 0.0.0.0`
          : error.message
  return new MultiprocessError(`cannot serve ${what}: ${why}`, { code: 'ERR_CANNOT_SERVE', cause: error })
}
