import { version } from '../version.ts'

/** How a page is requested, and what is kept of it. Workers get these settings with each page. */
export interface DownloadSettings {
  /** The User-Agent header. Its name, the part before the slash, is the name that robots.txt is read for. */
  userAgent: string
  /** The maximum wait for the connection, for the headers, and for each next part of the body, in milliseconds. */
  timeoutMs: number
  /** The maximum time for one page, in milliseconds: for its download, and again for its parsing. */
  totalTimeoutMs: number
  /** The maximum length of a body in bytes, decompressed. */
  maxBytes: number
  /** The proxy's URL; null for the one that the environment names for a URL (`HTTP_PROXY`, `NO_PROXY` …); '' for none. */
  proxy: string | null
  /** True if certificates are not verified. */
  insecure: boolean
  /** True if addresses of this computer and of private networks are refused. */
  isGuarded: boolean
  /** True to record each reference of a page (`PageOutcome.linkTable`). */
  keepLinks: boolean
  /** True to keep the request, the headers and the body (`PageOutcome.exchange`). */
  keepBodies: boolean
  /** True to include links to other sites in `PageOutcome.follow`. */
  followsAll: boolean
  /** True to find what pages and style sheets load (`PageOutcome.embedded`). */
  findsEmbedded: boolean
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
  followsAll: false,
  findsEmbedded: false
}

/** Returns the name for which robots.txt, and directives for robots, are read. */
export function robotName({ userAgent }: { userAgent: string }): string {
  return userAgent.split('/', 1)[0].trim()
}
