import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { type Answer, type Ask, fromBytes, header, headersOf } from '../http/answer.ts'
import type { Client } from '../http/client.ts'
import { type DownloadSettings, robotName } from '../http/settings.ts'
import { readText } from '../page/charset.ts'
import { cssUrls } from '../page/css-urls.ts'
import { headerDirectives, isNoFollow } from '../page/directives.ts'
import { extract, type PageHook } from '../page/extract.ts'
import { mayBeHtml, whyNoHtml } from '../page/kind.ts'
import { type PageOutcome, withoutPage } from '../page/outcome.ts'
import { parsePage } from '../page/parse.ts'
import type { PageRecord } from '../page/record.ts'
import { loadLegacyEncodings } from '../url/legacy-query.ts'
import { readLink } from '../url/link.ts'

/**
 * Downloads one URL and, if it is a page, parses it. Redirects are reported, not followed. Never throws: `record.error` describes what went
 * wrong.
 * @param options.signal ends the download
 * @param options.hook runs on the page
 */
export async function visitPage(
  client: Client,
  ask: Ask,
  { signal, hook = null }: { signal?: AbortSignal; hook?: PageHook | null } = {}
): Promise<PageOutcome> {
  const outcome = withoutPage(ask.url, null)
  const { record } = outcome
  const start = performance.now()
  const { keepBodies, findsEmbedded } = client.settings
  const wants = (head: Pick<PageRecord, 'status' | 'contentType'>) =>
    keepBodies || isPage(head) || (findsEmbedded && isStyleSheet(head))
  const answer = await client.get(ask, wants, { signal })
  const downloaded = performance.now()
  describe(outcome, answer, downloaded - start)
  if (keepBodies) keepExchange(outcome, answer)
  record.error = whyNoPage(answer)
  if (isRedirect(answer)) {
    const location = header(answer, 'location')
    outcome.location = location === null ? null : fromBytes(location)
  }
  if (findsEmbedded && answer.body && isStyleSheet(record)) outcome.embedded = loadedBy(answer.body, record)
  if (record.error !== null || !answer.body) return outcome
  try {
    const html = await parse(outcome, answer.body, headersOf(answer, 'x-robots-tag'), client.settings)
    if (hook) await runHook(hook, outcome, answer, html)
  } catch (error) {
    record.error = `the page could not be parsed: ${(error as Error).message}`
  }
  record.parseMs = milliseconds(performance.now() - downloaded)
  return outcome
}

/** Copies what the answer says of itself. */
function describe(outcome: PageOutcome, answer: Answer, downloadMs: number): void {
  const { record } = outcome
  record.status = answer.status
  record.contentType = header(answer, 'content-type')
  if (isPage(record)) {
    record.bytes = answer.bytes
    record.truncated = answer.cut !== null
  }
  record.startedAt = new Date(answer.startedAt).toISOString()
  record.firstByteMs = answer.firstByteMs === null ? null : milliseconds(answer.firstByteMs)
  record.downloadMs = milliseconds(downloadMs)
  record.attempts = 1
  outcome.setCookies = headersOf(answer, 'set-cookie')
  outcome.retryAfter = header(answer, 'retry-after')
  outcome.failure = answer.failure
}

async function runHook(hook: PageHook, outcome: PageOutcome, answer: Answer, html: string): Promise<void> {
  const { record, follow } = outcome
  const headers: Record<string, string> = {}
  for (const [name, value] of answer.headers) headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  const page = { html, url: record.url, status: answer.status!, headers, links: follow }
  const { data, error, enqueued } = await extract(hook, page)
  record.data = data
  record.error = error
  outcome.follow = [...new Set([...follow, ...enqueued])]
}

function keepExchange(outcome: PageOutcome, answer: Answer): void {
  const { status, reason, headers, requestHeaders, body, cut } = answer
  if (status === null) return
  outcome.exchange = { url: outcome.record.url, requestHeaders, status, reason, headers, body, truncated: cut !== null }
}

/** @returns the page's text */
async function parse(
  outcome: PageOutcome,
  body: Buffer,
  robotsTags: string[],
  settings: DownloadSettings
): Promise<string> {
  const { record } = outcome
  const robot = robotName(settings)
  const { text, encoding } = readText(body, record.contentType)
  if (encoding !== 'utf-8') await loadLegacyEncodings()
  const directives = headerDirectives(robotsTags, robot)
  const page = parsePage(text, record.url, {
    encoding,
    robot,
    noFollow: isNoFollow(directives),
    keepLinks: settings.keepLinks,
    findsEmbedded: settings.findsEmbedded,
    followsAll: settings.followsAll,
    timeLimitMs: settings.totalTimeoutMs
  })
  record.title = page.title
  record.titleTag = page.titleTag
  record.h1 = page.h1
  record.description = page.description
  record.canonical = page.canonical
  record.ogUrl = page.ogUrl
  record.robots = { meta: page.directives, header: directives }
  record.hreflang = page.hreflang
  record.words = page.words
  record.links = page.links
  record.hash = createHash('sha256').update(body).digest('hex').slice(0, HASH_LENGTH)
  outcome.follow = page.follow
  outcome.embedded = page.embedded
  outcome.badLinks = page.badLinks
  outcome.linkTable = page.linkTable
  return text
}

/** Returns the URLs that a style sheet loads. */
function loadedBy(body: Buffer, { url, contentType }: PageRecord): string[] {
  const found = new Set<string>()
  for (const { href } of cssUrls(readText(body, contentType).text)) {
    const link = readLink(href, url)
    if (link.kind === 'page' && link.url !== url) found.add(link.url)
  }
  return [...found]
}

/** Hexadecimal digits: 128 bits. */
const HASH_LENGTH = 32

function whyNoPage(answer: Answer): string | null {
  const { status, reason, body } = answer
  if (answer.error !== null) return answer.error
  const contentType = header(answer, 'content-type')
  if (isRedirect(answer)) {
    return header(answer, 'location') === null
      ? `${httpStatus(status, reason)} without a Location header`
      : httpStatus(status, reason)
  }
  if (!hasPage(status)) return httpStatus(status, reason)
  if (!body || !mayBeHtml(contentType)) return `not HTML: ${contentType?.split(';')[0].trim()}`
  return whyNoHtml(body, contentType)
}

function isRedirect({ status }: Answer): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** Returns true if the answer has a page, as far as this is known before it is read. */
function isPage({ status, contentType }: Pick<PageRecord, 'status' | 'contentType'>): boolean {
  return hasPage(status) && mayBeHtml(contentType)
}

function isStyleSheet({ status, contentType }: Pick<PageRecord, 'status' | 'contentType'>): boolean {
  return hasPage(status) && /^\s*text\/css\s*(;|$)/i.test(contentType ?? '')
}

/** Returns true for a success that has a page: not 204 (No Content), 205 (Reset Content) or 206 (Partial Content). */
function hasPage(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300 && status !== 204 && status !== 205 && status !== 206
}

function httpStatus(status: number | null, reason: string): string {
  const named = (status === null ? undefined : STATUS_CODES[status]) ?? tidyReason(reason)
  const name = /^unknown$/i.test(named) ? '' : named
  return name ? `HTTP ${status} ${name}` : `HTTP ${status}`
}

function tidyReason(reason: string): string {
  return reason
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 100)
}

function milliseconds(time: number): number {
  return Math.round(time * 10) / 10
}
