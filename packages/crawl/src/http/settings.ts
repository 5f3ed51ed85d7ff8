import { version } from '../version.ts'

/** How a page is asked for, how much of it is taken, and what is kept of it. Workers are given these with each page. */
export interface DownloadSettings {
  /** The User-Agent header. Its name, the part before the slash, is the one that robots.txt is read for. */
  userAgent: string
  /** Longest wait for the connection, for the headers, and for each next part of the body, in milliseconds. */
  timeoutMs: number
  /** Longest time for one page, in milliseconds: for its download, and again for its parsing. */
  totalTimeoutMs: number
  /** Largest body, decompressed. */
  maxBytes: number
  /** The proxy's URL; null: the one that the environment names for a URL (`HTTP_PROXY`, `NO_PROXY` …); '': none. */
  proxy: string | null
  /** Certificates are not checked. */
  insecure: boolean
  /** Addresses of this computer and of private networks are refused. */
  isGuarded: boolean
  /** Records each reference of a page (`PageOutcome.linkTable`). */
  keepLinks: boolean
  /** Keeps request, headers and body (`PageOutcome.exchange`). */
  keepBodies: boolean
  /** `PageOutcome.follow` has links to other sites, too. */
  followsAll: boolean
}

export const defaultSettings: Readonly<DownloadSettings> = {
  userAgent: `crawl/${version} (+multiprocess)`,
  timeoutMs: 15_000,
  totalTimeoutMs: 60_000,
  maxBytes: 16 * 2 ** 20,
  proxy: null,
  insecure: false,
  isGuarded: false,
  keepLinks: false,
  keepBodies: false,
  followsAll: false
}

/** The name that robots.txt, and directives for robots, are read for. */
export function robotName({ userAgent }: { userAgent: string }): string {
  return userAgent.split('/', 1)[0].trim()
}
