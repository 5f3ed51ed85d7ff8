import { STATUS_CODES } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type Download } from '../http/client.ts'
import type { DownloadSettings } from '../http/settings.ts'
import { charsetOfHeader, decodeHtml } from '../page/charset.ts'
import { parsePage } from '../page/parse.ts'
import type { PageResult } from '../result.ts'

/** What a worker reports of one URL. */
export interface PageOutcome {
  result: Omit<PageResult, 'depth'>
  /** Where the server sends us instead, as its `Location` header says it; null when it does not. */
  location: string | null
  /** Pages of the same site to visit. */
  follow: string[]
  /** Links that are no URLs. */
  badLinks: string[]
}

/** mimesniff, 5.2: what a resource is can be told from this many bytes. */
const SNIFFED = 1445

/** Runs when a worker starts. That this module is loaded by then is the preparation. */
export function prepareWorker(): void {}

/** Takes up a place in a worker for a while, and tells which worker it is. */
export async function holdPlace(ms: number): Promise<number> {
  await sleep(ms)
  return process.pid
}

let worker: { client: Client; key: string } | undefined

/** What a worker runs: `visitPage` with a client of its own, kept from one page to the next. */
export function downloadPage(url: string, settings: DownloadSettings): Promise<PageOutcome> {
  const key = JSON.stringify(settings)
  if (worker?.key !== key) {
    worker?.client.close()
    worker = { client: new Client(settings), key }
  }
  return visitPage(worker.client, url)
}

/**
 * Downloads one URL and, when it is a page, parses it. Redirects are reported, not followed. Never throws: what goes wrong
 * stands in `result.error`.
 *
 * @param url absolute, normalised
 * @param signal ends the download
 */
export async function visitPage(client: Client, url: string, signal?: AbortSignal): Promise<PageOutcome> {
  const outcome: PageOutcome = {
    result: {
      url,
      status: null,
      title: null,
      ogUrl: null,
      links: 0,
      bytes: 0,
      downloadMs: 0,
      parseMs: 0,
      error: null
    },
    location: null,
    follow: [],
    badLinks: []
  }
  const { result } = outcome
  const start = performance.now()
  const answer = await client.get(url, head => hasPage(head.status) && mayBeHtml(head.contentType), { signal })
  const downloaded = performance.now()
  result.status = answer.status
  result.bytes = answer.bytes
  result.downloadMs = milliseconds(downloaded - start)
  result.error = whyNoPage(answer, client.settings)
  if (isRedirect(answer)) outcome.location = answer.location
  if (result.error !== null || !answer.body) return outcome

  try {
    const { title, ogUrl, links, follow, badLinks } = parsePage(decodeHtml(answer.body, answer.contentType), url)
    Object.assign(result, { title, ogUrl, links })
    Object.assign(outcome, { follow, badLinks })
  } catch (error) {
    result.error = `the page could not be parsed: ${(error as Error).message}`
  }
  result.parseMs = milliseconds(performance.now() - downloaded)
  return outcome
}

function whyNoPage(answer: Download, settings: DownloadSettings): string | null {
  const { status, contentType, body } = answer
  if (answer.error !== null) return answer.error
  if (isRedirect(answer)) {
    return answer.location === null ? `${httpStatus(status)} without a Location header` : httpStatus(status)
  }
  if (!hasPage(status)) return httpStatus(status)
  if (answer.isCut) return `the body is larger than ${megabytes(settings.maxBytes)}; the rest was not downloaded`
  if (!body) return `not HTML: ${contentType?.split(';')[0].trim()}`
  if (isBinary(body, contentType)) return contentType ? 'binary data sent as HTML' : 'not HTML: binary data of no type'
  if (!contentType && !/^\s*</.test(decodeHtml(body.subarray(0, SNIFFED), null))) return 'not HTML: data of no type'
  return null
}

function isRedirect({ status }: Download): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** A success that comes with the page: not 204 (No Content), 205 (Reset Content) or 206 (Partial Content). */
function hasPage(status: number | null): boolean {
  return status !== null && status >= 200 && status < 204
}

/** A type that is missing tells nothing: the body will. */
function mayBeHtml(contentType: string | null): boolean {
  return !contentType || /^\s*(text\/html|application\/xhtml\+xml)\s*(;|$)/i.test(contentType)
}

/** Whether a body has a binary data byte (mimesniff, 3) where it begins; in UTF-16 those are a part of the text. */
function isBinary(body: Buffer, contentType: string | null): boolean {
  const isUtf16 =
    (body[0] === 0xfe && body[1] === 0xff) ||
    (body[0] === 0xff && body[1] === 0xfe) ||
    charsetOfHeader(contentType)?.encoding.startsWith('utf-16')
  if (isUtf16) return false
  return /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(body.toString('latin1', 0, SNIFFED))
}

function httpStatus(status: number | null): string {
  const name = status === null ? undefined : STATUS_CODES[status]
  return name ? `HTTP ${status} ${name}` : `HTTP ${status}`
}

function megabytes(bytes: number): string {
  return bytes >= 2 ** 20 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${bytes} bytes`
}

function milliseconds(time: number): number {
  return Math.round(time * 10) / 10
}
