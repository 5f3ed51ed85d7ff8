import { count } from '../format/text.ts'
import { Scope, type ScopeOptions } from '../scope/scope.ts'
import type { Row } from '../store/sqlite/database.ts'
import { State, toPage } from '../store/sqlite/schema.ts'
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts'
import { readLink } from '../url/link.ts'
import type { Audit } from './audit.ts'

/** The number of pages that are named as sources. */
const MOST_SOURCES = 10

/** What a stored crawl knows of one URL. */
export interface Explanation {
  /** True if the URL was visited, or led to a page that was. */
  readonly wasFetched: boolean
  readonly lines: string[]
}

/**
 * Explains whether a URL was fetched, which rule prevented it, and where it was found.
 * @param text the URL, or a path of the crawl's site
 * @throws TypeError if it is not a URL
 */
export function explain(store: SqliteStore, audit: Audit, text: string): Explanation {
  const link = readLink(text, audit.start)
  if (link.kind !== 'page') throw new TypeError(`cannot explain ${JSON.stringify(text)}: it is not a URL of the web`)
  const { url } = link
  const row = one(store, 'SELECT * FROM urls WHERE url = ?', url)
  if (!row)
    return {
      wasFetched: false,
      lines: [`${url} was not found: no page of this crawl links to it.`, ...similar(store, url)]
    }
  const page = one(store, 'SELECT * FROM pages WHERE id = ?', row['id'])
  const hop = one(
    store,
    'SELECT status, t.url AS target FROM hops JOIN urls t ON t.id = hops.target WHERE hops.source = ?',
    row['id']
  )
  const fate = page ? fetched(page) : hop ? redirected(url, hop) : notFetched(store, audit, row)
  return { wasFetched: page !== undefined || hop !== undefined, lines: [...fate, ...found(store, audit, row)] }
}

function fetched(row: Row): string[] {
  const page = toPage(row)
  const times = page.attempts > 1 ? `, asked for ${page.attempts} times` : ''
  const when = page.startedAt === null ? '' : ` at ${page.startedAt}`
  const lines =
    page.attempts === 0 && page.status === null
      ? [`${page.url} was not asked for: ${page.error}.`]
      : [`${page.url} was fetched${when}: ${page.status === null ? page.error : `HTTP ${page.status}`}${times}.`]
  if (page.status !== null && page.error !== null) lines.push(`  ${page.error}`)
  for (const redirect of page.redirects) lines.push(`  It is where ${redirect.url} (${redirect.status}) leads.`)
  return lines
}

function redirected(url: string, { status, target }: Row): string[] {
  return [`${url} was fetched: HTTP ${status}, a redirect to ${target}.`]
}

function notFetched(store: SqliteStore, audit: Audit, row: Row): string[] {
  const url = row['url'] as string
  if (row['state'] === State.waiting || row['state'] === State.leased) {
    const why =
      store.meta('ending') === 'limit' ? 'the crawl ended at its --limit before it' : 'the crawl ended before it'
    return [`${url} was not fetched: it is known, but ${why}. Run the crawl again to go on.`]
  }
  if (row['reason'] !== null) return [`${url} was not fetched: ${row['reason']}.`]
  if (row['state'] === State.finished) return [`${url} was visited, and led to a page that was known already.`]
  return [`${url} was not fetched: ${refusal(store, audit, row)}.`]
}

/** Returns the rule that keeps a URL that pages mention from being visited. */
function refusal(store: SqliteStore, audit: Audit, row: Row): string {
  const links = store.database
    .prepare(
      'SELECT kind, rel, pages.depth, pages.robots FROM links JOIN pages ON pages.id = links.source WHERE target = ?'
    )
    .all(row['id'])
  const options = JSON.parse(store.meta('scope') ?? '{}') as ScopeOptions & { starts: string[] }
  const followed = links.filter(({ kind }) => ['a', 'area', 'iframe', 'refresh'].includes(kind as string))
  if (followed.length === 0) {
    const kinds = [...new Set(links.map(({ kind }) => kind))].join(', ')
    if (kinds === '') return 'no page links to it'
    const isLoaded = links.some(({ kind }) => ['img', 'media', 'css', 'script', 'icon'].includes(kind as string))
    const rule = !isLoaded
      ? 'which is not followed'
      : options.pageRequisites
        ? 'and it is on another host, or matches --exclude'
        : 'which is not followed (--page-requisites follows it)'
    return `pages refer to it as ${kinds} only, ${rule}`
  }
  const depth = 1 + Math.min(...followed.map(link => link['depth'] as number))
  const scope = new Scope(options.starts ?? [audit.start], {
    ...options,
    depth: options.depth ?? Number.POSITIVE_INFINITY
  })
  const rule = scope.refusal(row['url'] as string, depth)
  if (rule !== null) return `it ${rule}`
  if (followed.every(({ rel }) => /\bnofollow\b/i.test((rel as string | null) ?? '')))
    return 'all links to it have rel="nofollow"'
  if (followed.every(({ robots }) => /nofollow|none/.test((robots as string | null) ?? ''))) {
    return 'all pages that link to it say nofollow, in a meta element or in the X-Robots-Tag header'
  }
  return 'every link to it has rel="nofollow", or is on a page that says nofollow'
}

function found(store: SqliteStore, audit: Audit, row: Row): string[] {
  const sources = audit.sourcesOf(row['url'] as string)
  const lines = sources.slice(0, MOST_SOURCES).map(source => `  ${source}`)
  const more = sources.length - lines.length
  const way = wayTo(store, row)
  return [
    ...(way.length > 1 ? ['', 'The way from the first page:', ...way.map(url => `  ${url}`)] : []),
    ...(sources.length > 0
      ? ['', `Found on ${count(sources.length, 'page')}:`, ...lines]
      : ['', 'It is the first page, or no page links to it.']),
    ...(more > 0 ? [`  and ${more} more`] : [])
  ]
}

/** Returns the pages that led to a URL first, from the first page on. */
function wayTo(store: SqliteStore, row: Row): string[] {
  const way = [row['url'] as string]
  let from = row['foundOn']
  for (let steps = 0; from !== null && steps < 1000; steps++) {
    const before = one(store, 'SELECT url, foundOn FROM urls WHERE id = ?', from)
    if (!before || way.includes(before['url'] as string)) break
    way.unshift(before['url'] as string)
    // A page that a redirect led to was found where the redirect was.
    from = before['foundOn']
  }
  return way
}

/** Returns URLs that differ only in a slash, the scheme, the case or the query. */
function similar(store: SqliteStore, url: string): string[] {
  const { host, pathname } = new URL(url)
  const path = pathname.replace(/\/$/, '')
  const rows = store.database
    .prepare("SELECT url FROM urls WHERE lower(url) LIKE ? ESCAPE '\\' LIMIT 5")
    .all(`%${`${host}${path}`.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`)
  return rows.length === 0 ? [] : ['Similar ones:', ...rows.map(row => `  ${row['url']}`)]
}

function one(store: SqliteStore, sql: string, value: Row[string]): Row | undefined {
  return store.database.prepare(sql).get(value)
}
