import { type DownloadSettings, defaultSettings } from './settings.ts'

/** How a crawl asks servers. */
export interface AskOptions {
  /** The User-Agent header. Its name, the part before the slash, is the one that robots.txt is read for. */
  userAgent?: string
  /** Longest wait for the connection, the headers, and each next part of a body, in milliseconds. Left out: 15,000. */
  timeoutMs?: number
  /** Longest time for one page, in milliseconds: for its download, and again for its parsing. Left out: 60,000. */
  totalTimeoutMs?: number
  /** Largest body, decompressed; what is larger is cut, and parsed. Left out: 16 MiB. */
  maxBytes?: number
  /** More headers for every request. `authorization` and `cookie` go to the host of the first page only. Left out: none. */
  headers?: Readonly<Record<string, string>>
  /** `user:password` for the host of the first page (HTTP Basic). Left out: those in the URL. */
  auth?: string
  /** The content of a cookie file (Netscape's format), or `name=value; name=value` for the first page's host. Left out: none. */
  cookies?: string
  /** The proxy's URL; `''`: none. Left out: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment. */
  proxy?: string
  /** Takes certificates that cannot be verified. Left out: false. */
  insecure?: boolean
  /** How often a page is asked for again after a failure that may pass: 5xx, a reset, a cut body, a DNS failure. Left out: 2. */
  retries?: number
  /** `ignore`: robots.txt is not asked for. Left out: `obey`. */
  robots?: 'obey' | 'ignore'
  /**
   * Makes the rate of requests follow the server's latency: about four at a time. Left out: true when the host is not this
   * computer.
   */
  autothrottle?: boolean
  /**
   * `cut`: URLs that a site seems to make without end are not visited (deep paths, repeated segments, calendars, permutations
   * and combinations of parameters); `stats.traps` tells them. `follow`: they are. Left out: `cut`.
   */
  traps?: 'cut' | 'follow'
  /** Lets a crawl that begins on a public host go to addresses of this computer and of private networks. Left out: false. */
  allowPrivate?: boolean
}

/** `AskOptions`, checked, with every default filled in. */
export interface AskPlan {
  readonly settings: DownloadSettings
  readonly headers: Readonly<Record<string, string>>
  readonly auth: string | null
  readonly cookies: string | null
  readonly retries: number
  readonly obeysRobots: boolean
  /** undefined: as the host is. */
  readonly autothrottle: boolean | undefined
  readonly allowsPrivate: boolean
  readonly followsTraps: boolean
}

/**
 * @param credentials the user name and password of the URL; null when there are none
 * @throws TypeError for a value of the wrong kind; RangeError for a number out of its range
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

/** @returns the headers, with their names in lower case */
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

/** @throws RangeError */
export function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new RangeError(`${name} must be a whole number, ${least} or more; it is ${String(value)}`)
}
