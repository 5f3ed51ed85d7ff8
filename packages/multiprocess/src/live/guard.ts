/**
 * Who may ask the server of a page. On an address that this machine alone reaches, everybody: but only by a name of this machine, since a
 * page elsewhere can have its own name lead here (DNS rebinding). On any other address, who has the token: the first request brings it in
 * the URL, later ones in a cookie.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const LOCAL_HOSTS = ['127.0.0.1', 'localhost', '[::1]']

/** `redirect`: the token was in the URL, and was right. */
export type Admission = 'allowed' | 'redirect' | 'wrong host' | 'no token'

/** True for the names and addresses that no other machine reaches. */
export function isLocal(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

export class Guard {
  readonly #hosts: ReadonlySet<string>
  readonly #port: number
  /** Null: none is needed. */
  readonly token: string | null

  /** @param host where the server listens */
  constructor(host: string, port: number) {
    const hosts = [...LOCAL_HOSTS, host.includes(':') ? `[${host}]` : host]
    this.#hosts = new Set(hosts.flatMap(name => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`])))
    this.#port = port
    this.token = isLocal(host) ? null : randomBytes(24).toString('base64url')
  }

  /** @param query of the request's URL */
  judge({ headers }: Pick<IncomingMessage, 'headers'>, query: URLSearchParams): Admission {
    if (this.token === null) return this.#hosts.has((headers.host ?? '').toLowerCase()) ? 'allowed' : 'wrong host'
    const given = query.get('token')
    if (given !== null) return isSame(given, this.token) ? 'redirect' : 'no token'
    const cookies = (headers.cookie ?? '').split(/;\s*/)
    const own = cookies.find(cookie => cookie.startsWith(`${this.#name}=`))
    return own !== undefined && isSame(own.slice(this.#name.length + 1), this.token) ? 'allowed' : 'no token'
  }

  get cookie(): string {
    return `${this.#name}=${this.token}; HttpOnly; SameSite=Strict; Path=/`
  }

  /** Cookies do not tell ports apart. */
  get #name(): string {
    return `multiprocess-${this.#port}`
  }
}

/** Takes as long whatever is given. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}
