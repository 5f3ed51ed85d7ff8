import { type DownloadSettings, defaultSettings } from './settings.ts'

/** The options for requests. */
export interface AskOptions {
  /** The User-Agent header. Its name, the part before the slash, is the name that robots.txt is read for. Default: `crawl/VERSION`. */
  userAgent?: string
  /** The maximum wait for the connection, the headers, and each next part of a body, in milliseconds. Default: 15,000. */
  timeoutMs?: number
  /** The maximum time for one page, in milliseconds: for its download, and again for its parsing. Default: 60,000. */
  totalTimeoutMs?: number
  /** The maximum length of a body in bytes, decompressed. A longer body is cut, and parsed. Default: 16 MiB. */
  maxBytes?: number
  /** Further headers for every request. Only the host of the first page gets `authorization` and `cookie`. Default: none. */
  headers?: Readonly<Record<string, string>>
  /** `user:password` for the host of the first page (HTTP Basic). Default: those in the URL. */
  auth?: string
  /** The content of a cookie file (Netscape's format), or `name=value; name=value` for the host of the first page. Default: none. */
  cookies?: string
  /** The proxy's URL; `''` for none. Default: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment. */
  proxy?: string
  /** True to accept certificates that cannot be verified. Default: false. */
  insecure?: boolean
  /** The maximum number of retries after a failure that may be temporary: 5xx, a reset, a cut body, a DNS failure. Default: 2. */
  retries?: number
  /** `ignore` to not request robots.txt. Default: `obey`. */
  robots?: 'obey' | 'ignore'
  /**
   * True to make the rate of requests follow the server's latency: about four at a time. Default: true if the host is not this computer.
   */
  autothrottle?: boolean
  /**
   * `cut`: URLs that a site seems to generate endlessly are not visited (deep paths, repeated segments, calendars, permutations and
   * combinations of parameters); `stats.traps` lists them. `follow`: they are visited. Default: `cut`.
   */
  traps?: 'cut' | 'follow'
  /** True to let a crawl that begins on a public host visit addresses of this computer and of private networks. Default: false. */
  allowPrivate?: boolean
}

/** The checked `AskOptions`, with every default filled in. */
export interface AskPlan {
  readonly settings: DownloadSettings
  readonly headers: Readonly<Record<string, string>>
  readonly auth: string | null
  readonly cookies: string | null
  readonly retries: number
  readonly obeysRobots: boolean
  /** undefined: depends on the host. */
  readonly autothrottle: boolean | undefined
  readonly allowsPrivate: boolean
  readonly followsTraps: boolean
}

/**
 * Checks the options for requests.
 * @param credentials the user name and password of the URL; null if it has none
 * @throws TypeError for a value of the wrong type; RangeError for a number out of its range
 */
export function askPlan(options: AskOptions, credentials: string | null): AskPlan {
  const { userAgent = defaultSettings.userAgent, robots = 'obey', traps = 'cut', proxy } = options
  if (!/^[\x20-\x7e]+$/.test(userAgent)) {
    throw new TypeError(`userAgent must be printable ASCII: ${JSON.stringify(userAgent)}`)
  }
  if (robots !== 'obey' && robots !== 'ignore') {
    throw new TypeError(`robots must be 'obey' or 'ignore'; it is ${JSON.stringify(robots)}`)
  }
  if (traps !== 'cut' && traps !== 'follow') {
    throw new TypeError(`traps must be 'cut' or 'follow'; it is ${JSON.stringify(traps)}`)
  }
  if (options.auth !== undefined && !options.auth.includes(':')) {
    throw new TypeError("auth must be 'user:password'; it has no colon")
  }
  return {
    settings: {
      ...defaultSettings,
      userAgent,
      timeoutMs: whole('timeoutMs', options.timeoutMs ?? defaultSettings.timeoutMs, 1),
      totalTimeoutMs: whole('totalTimeoutMs', options.totalTimeoutMs ?? defaultSettings.totalTimeoutMs, 1),
      maxBytes: whole('maxBytes', options.maxBytes ?? defaultSettings.maxBytes, 1),
      proxy: proxy === undefined ? null : checkProxy(proxy),
      insecure: options.insecure ?? false
    },
    headers: checkHeaders(options.headers ?? {}),
    auth: options.auth ?? credentials,
    cookies: options.cookies ?? null,
    retries: whole('retries', options.retries ?? 2, 0),
    obeysRobots: robots === 'obey',
    autothrottle: options.autothrottle,
    allowsPrivate: options.allowPrivate ?? false,
    followsTraps: traps === 'follow'
  }
}

function checkProxy(proxy: string): string {
  if (proxy === '') return proxy
  if (URL.canParse(proxy) && /^(?:https?|socks5?):$/.test(new URL(proxy).protocol)) return proxy
  throw new TypeError(`proxy must be a URL such as http://proxy.example:3128; it is ${JSON.stringify(proxy)}`)
}

/** Checks headers. @returns the headers, with their names in lower case */
function checkHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) {
      throw new TypeError(`headers has ${JSON.stringify(name)}, which cannot be the name of a header`)
    }
    if (typeof value !== 'string' || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new TypeError(`headers has a value for ${JSON.stringify(name)} that a header cannot have`)
    }
    checked[name.toLowerCase()] = value
  }
  for (const name of ['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding']) {
    if (name in checked) throw new TypeError(`headers cannot have ${JSON.stringify(name)}: the crawl sets it itself`)
  }
  return checked
}

/** @throws RangeError if the value is not a whole number of at least `least` */
export function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new RangeError(`${name} must be a whole number, ${least} or more; it is ${String(value)}`)
}
