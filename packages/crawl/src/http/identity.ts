import { Cookie, CookieJar } from 'tough-cookie'

/** What a crawl tells servers about itself. */
export interface IdentityOptions {
  /** The URL of the first page. */
  start: string
  /** The headers of every request, by their names in lower case. */
  headers: Readonly<Record<string, string>>
  /** `user:password`, for the host of the first page only. */
  auth: string | null
  /** A file of cookies (Netscape's format, as curl writes it), or the text of a `Cookie` header for the host of the first page. */
  cookies: string | null
}

/** Headers that only the host of the first page gets. */
const SECRET = new Set(['authorization', 'cookie', 'proxy-authorization'])

/** Keeps cookies, and returns the headers of each request. */
export class Identity {
  readonly #headers: Readonly<Record<string, string>>
  readonly #startHeaders: Readonly<Record<string, string>>
  readonly #start: URL
  readonly #jar = new CookieJar(undefined, { looseMode: true, rejectPublicSuffixes: true, allowSpecialUseDomain: true })
  #hasCookies = false

  constructor({ start, headers, auth, cookies }: IdentityOptions) {
    this.#start = new URL(start)
    const own = Object.entries(headers)
    this.#headers = Object.fromEntries(own.filter(([name]) => !SECRET.has(name)))
    this.#startHeaders = { ...Object.fromEntries(own), ...(auth === null ? {} : { authorization: basic(auth) }) }
    if (cookies !== null) this.#readCookies(cookies)
  }

  /** Returns the headers for a URL, besides those that every crawl sends. */
  headersFor(url: string): Record<string, string> {
    const headers = { ...(this.#isStartHost(url) ? this.#startHeaders : this.#headers) }
    const cookies = this.cookiesFor(url)
    if (cookies !== '') headers.cookie = headers.cookie === undefined ? cookies : `${headers.cookie}; ${cookies}`
    return headers
  }

  /** Returns the cookies for a URL, as in the header. */
  cookiesFor(url: string): string {
    return this.#hasCookies ? this.#jar.getCookieStringSync(url) : ''
  }

  /** @param setCookies the `Set-Cookie` headers of an answer from `url` */
  take(setCookies: readonly string[], url: string): void {
    for (const text of setCookies) {
      this.#hasCookies = true
      this.#jar.setCookieSync(text, url, { ignoreError: true })
    }
  }

  /** Returns true for the same host and port, but never for a step from https to http. */
  #isStartHost(url: string): boolean {
    const { protocol, hostname, port } = new URL(url)
    const start = this.#start
    if (hostname !== start.hostname) return false
    if (protocol === start.protocol) return port === start.port
    return protocol === 'https:' && port === '' && start.port === ''
  }

  #readCookies(text: string): void {
    const lines = text.split(/\r?\n/)
    if (!text.includes('\t')) {
      this.take(
        text.split(/[;\n]/).flatMap(pair => (pair.trim() === '' ? [] : [pair.trim()])),
        this.#start.href
      )
      return
    }
    for (const line of lines) {
      const cookie = netscapeCookie(line)
      if (!cookie) continue
      const protocol = cookie.secure ? 'https' : 'http'
      this.#hasCookies = true
      this.#jar.setCookieSync(cookie, `${protocol}://${cookie.domain}${cookie.path}`, { ignoreError: true })
    }
  }
}

/** Parses a line of Netscape's format: domain, subdomains too, path, secure, expiry, name, value. */
function netscapeCookie(line: string): Cookie | undefined {
  const isHttpOnly = line.startsWith('#HttpOnly_')
  if (line.startsWith('#') && !isHttpOnly) return undefined
  const fields = (isHttpOnly ? line.slice('#HttpOnly_'.length) : line).split('\t')
  if (fields.length < 6) return undefined
  const [domain, hasSubdomains, path, secure, expiry, key, value = ''] = fields
  const seconds = Number(expiry)
  return new Cookie({
    key,
    value,
    domain: domain.replace(/^\./, ''),
    hostOnly: hasSubdomains.toUpperCase() !== 'TRUE',
    path,
    secure: secure.toUpperCase() === 'TRUE',
    httpOnly: isHttpOnly,
    ...(seconds > 0 ? { expires: new Date(seconds * 1000) } : {})
  })
}

function basic(auth: string): string {
  return `Basic ${Buffer.from(auth, 'utf8').toString('base64')}`
}
