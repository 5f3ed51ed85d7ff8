import type { PageResult } from '../result.ts'
import type { Value } from '../store/sqlite/database.ts'
import { toPage } from '../store/sqlite/schema.ts'
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts'
import { faultOf, type Problem } from './problems.ts'

type Reader = Pick<SqliteStore, 'database' | 'meta' | 'counts'>

/** A redirect that was met. */
export interface RedirectRow {
  readonly url: string
  readonly status: number
  readonly target: string
  /** The number of pages that link to it. */
  readonly links: number
}

/** Pages that are alike. */
export interface DuplicateGroup {
  /** What they have in common: a hash, or a canonical URL. */
  readonly key: string
  readonly urls: readonly string[]
}

export interface PageRow {
  readonly url: string
  readonly value: number
}

/** Pages and the links between them. */
export interface LinkGraph {
  readonly nodes: readonly { url: string; depth: number; isBroken: boolean }[]
  /** Links, as indexes in `nodes`. */
  readonly edges: readonly (readonly [source: number, target: number])[]
}

/** The number of sources that are named with a problem. */
const MOST_SOURCES = 20

/** Queries a stored crawl for an audit of the site. */
export class Audit {
  readonly #store: Reader

  constructor(store: Reader) {
    this.#store = store
  }

  /** The URL of the first page. */
  get start(): string {
    return this.#store.meta('start') ?? ''
  }

  get pages(): number {
    return this.#store.counts.pages
  }

  /** The number of URLs that are known and not visited. */
  get waiting(): number {
    return this.#store.counts.waiting + this.#store.counts.leased
  }

  /** The duration of all runs of the crawl, in milliseconds. */
  get elapsedMs(): number {
    return Number(this.#store.meta('elapsedMs') ?? 0)
  }

  /** When the last run ended, as an ISO 8601 date and time; null if none has. */
  get endedAt(): string | null {
    return this.#store.meta('endedAt') ?? null
  }

  /** Returns all problems, in the order in which they were found. */
  problems(): Problem[] {
    const rows = this.#all(
      `SELECT pages.*, urls.depth AS urlDepth FROM pages JOIN urls ON urls.id = pages.id
       WHERE pages.error IS NOT NULL OR truncated = 1 OR json_array_length(redirects) > 1 ORDER BY number`
    )
    return rows.flatMap(row => {
      const page = toPage(row)
      const fault = faultOf(page)
      if (!fault) return []
      const sources = this.#sources(row['id'] as number)
      return [
        {
          url: page.url,
          status: page.status,
          ...fault,
          isStart: page.depth === 0,
          sources: sources.slice(0, MOST_SOURCES),
          sourceCount: sources.length
        }
      ]
    })
  }

  /** Returns the URLs of the pages that lead to a page, including through redirects. */
  sourcesOf(url: string): string[] {
    const row = this.#all('SELECT id FROM urls WHERE url = ?', url)[0]
    return row ? this.#sources(row['id'] as number) : []
  }

  /** Yields the URLs of all pages, in the order in which they were found. */
  *urls(): Generator<string> {
    for (const row of this.#store.database.prepare('SELECT url FROM pages ORDER BY number').iterate()) {
      yield row['url'] as string
    }
  }

  /** Yields all pages, in the order in which they were found. */
  *all(): Generator<PageResult> {
    for (const row of this.#store.database.prepare('SELECT * FROM pages ORDER BY number').iterate()) yield toPage(row)
  }

  redirects(): RedirectRow[] {
    return this.#all(
      `SELECT s.url, hops.status, t.url AS target,
         (SELECT count(DISTINCT source) FROM links WHERE links.target = hops.source) AS links
       FROM hops JOIN urls s ON s.id = hops.source JOIN urls t ON t.id = hops.target ORDER BY links DESC, s.url`
    ) as unknown as RedirectRow[]
  }

  /** Returns pages with the same content under several URLs, largest groups first. */
  sameContent(): DuplicateGroup[] {
    return this.#groups(`SELECT hash AS key, url FROM pages WHERE error IS NULL AND hash IN
      (SELECT hash FROM pages WHERE error IS NULL AND hash IS NOT NULL GROUP BY hash HAVING count(*) > 1)`)
  }

  /** Returns pages that name another page as the canonical one, grouped by that page. */
  sameCanonical(): DuplicateGroup[] {
    return this.#groups(
      'SELECT canonical AS key, url FROM pages WHERE error IS NULL AND canonical IS NOT NULL AND canonical != url'
    )
  }

  /** Returns pages with the same title, largest groups first. */
  sameTitle(): DuplicateGroup[] {
    return this.#groups(`SELECT titleTag AS key, url FROM pages WHERE error IS NULL AND titleTag IN
      (SELECT titleTag FROM pages WHERE error IS NULL AND titleTag IS NOT NULL GROUP BY titleTag HAVING count(*) > 1)`)
  }

  /** Returns pages without a value for a field. */
  without(field: 'titleTag' | 'description' | 'h1'): string[] {
    return this.#all(`SELECT url FROM pages WHERE error IS NULL AND ${field} IS NULL ORDER BY number`).map(
      ({ url }) => url as string
    )
  }

  /** Returns the greatest values of a field, in descending order. */
  greatest(field: 'downloadMs' | 'bytes' | 'links', most: number): PageRow[] {
    return this.#all(
      `SELECT url, ${field} AS value FROM pages WHERE status IS NOT NULL AND ${field} > 0 ORDER BY ${field} DESC, number LIMIT ?`,
      most
    ) as unknown as PageRow[]
  }

  /** Returns all values of a field, in ascending order. */
  values(field: 'downloadMs' | 'bytes'): number[] {
    return this.#all(`SELECT ${field} AS value FROM pages WHERE status IS NOT NULL ORDER BY ${field}`).map(
      ({ value }) => value as number
    )
  }

  /** Returns the number of pages of each depth. */
  depths(): number[] {
    const counts: number[] = []
    for (const { depth, number } of this.#all('SELECT depth, count(*) AS number FROM pages GROUP BY depth')) {
      counts[depth as number] = number as number
    }
    return Array.from(counts, number => number ?? 0)
  }

  /** Returns the number of pages of each status; null stands for no answer. */
  statuses(): { status: number | null; number: number }[] {
    return this.#all(
      'SELECT status, count(*) AS number FROM pages GROUP BY status ORDER BY number DESC'
    ) as unknown as { status: number | null; number: number }[]
  }

  /** Returns the first pages, and the links between them. */
  graph(most: number): LinkGraph {
    const rows = this.#all(
      'SELECT id, url, depth, status, error, redirects, truncated FROM pages ORDER BY number LIMIT ?',
      most
    )
    const places = new Map(rows.map((row, place) => [row['id'], place]))
    const edges = new Map<string, [number, number]>()
    const select = this.#store.database.prepare('SELECT target FROM links WHERE source = ? AND kind IN (?, ?, ?)')
    for (const [source, row] of rows.entries()) {
      for (const { target } of select.all(row['id'], 'a', 'area', 'iframe')) {
        const place = places.get(target)
        if (place !== undefined && place !== source) edges.set(`${source} ${place}`, [source, place])
      }
    }
    const nodes = rows.map(row => ({
      url: row['url'] as string,
      depth: row['depth'] as number,
      isBroken: faultOf(toPage(row))?.isBroken ?? false
    }))
    return { nodes, edges: [...edges.values()] }
  }

  #sources(id: number): string[] {
    return this.#all(
      `WITH RECURSIVE ways (id) AS (VALUES (?) UNION SELECT source FROM hops JOIN ways ON hops.target = ways.id)
       SELECT url FROM urls WHERE id IN (SELECT source FROM links WHERE target IN ways) ORDER BY id`,
      id
    ).map(({ url }) => url as string)
  }

  #groups(sql: string): DuplicateGroup[] {
    const groups = new Map<string, string[]>()
    for (const { key, url } of this.#all(sql)) {
      const group = groups.get(key as string)
      if (group) group.push(url as string)
      else groups.set(key as string, [url as string])
    }
    return [...groups].map(([key, urls]) => ({ key, urls })).sort((a, b) => b.urls.length - a.urls.length)
  }

  #all(sql: string, ...values: Value[]): Record<string, Value>[] {
    return this.#store.database.prepare(sql).all(...values)
  }
}
