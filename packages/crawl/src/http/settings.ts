import { version } from '../version.ts'

/** How a page is asked for, and how much of it is taken. */
export interface DownloadSettings {
  /** The User-Agent header. Its name, the part before the slash, is the one that robots.txt is read for. */
  userAgent: string
  /** Longest wait for the connection, for the headers, and for each next part of the body, in milliseconds. */
  timeoutMs: number
  /** Longest time for one page, in milliseconds. */
  totalTimeoutMs: number
  /** Largest body, decompressed. */
  maxBytes: number
}

export const defaultSettings: Readonly<DownloadSettings> = {
  userAgent: `crawl/${version} (+multiprocess)`,
  timeoutMs: 15_000,
  totalTimeoutMs: 60_000,
  maxBytes: 16 * 2 ** 20
}
