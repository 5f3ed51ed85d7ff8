import { OutputError } from '../format/output.ts'
import type { Plan } from '../options.ts'
import { State } from '../store/sqlite/schema.ts'
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts'

/**
 * Prepares a store for a plan. An empty store gets the description of its crawl; a store with a crawl must have the same first page. URLs
 * that an earlier run left out, and that the options of this one include, are added.
 * @param path the name of the file in messages
 * @param cluster the name of a crawl by several machines. Default: a crawl by this machine alone
 * @throws OutputError if the store holds a crawl of another page
 */
export async function goOn(store: SqliteStore, plan: Plan, path: string, cluster?: string): Promise<void> {
  const { start, starts, scope } = plan
  const before = store.meta('start')
  if (before !== undefined && before !== start) {
    throw new OutputError(
      `cannot go on with ${JSON.stringify(path)}: it holds a crawl of ${before}, not of ${start}; ` +
        'use another file, or start over with --fresh'
    )
  }
  const crawlBefore = before === undefined ? cluster : store.meta('cluster')
  if (crawlBefore !== cluster) {
    const [then, now] = [crawlBefore, cluster].map(name => (name === undefined ? 'one machine' : `--cluster '${name}'`))
    throw new OutputError(
      `cannot go on with ${JSON.stringify(path)}: it holds a crawl by ${then}, not by ${now}; ` +
        'use another file, or start over with --fresh'
    )
  }
  if (cluster !== undefined) store.setMeta('cluster', cluster)
  const { depth, ...others } = scope.options
  const now = JSON.stringify({ ...others, depth: Number.isFinite(depth) ? depth : null, starts })
  const then = store.meta('scope')
  store.setMeta('start', start)
  store.setMeta('scope', now)
  if (then !== undefined && then !== now) await takeIn(store, plan)
}

/** A reference of the table `links` that a crawl follows. */
const IS_FOLLOWED = `kind IN ('a', 'area', 'iframe', 'refresh') AND coalesce(rel, '') NOT LIKE '%nofollow%'
  AND coalesce(robots, '') NOT LIKE '%nofollow%' AND coalesce(robots, '') NOT LIKE '%"none"%'`

/** Adds the URLs that pages link to, or load, and that the scope now includes. */
async function takeIn(store: SqliteStore, { scope }: Plan): Promise<void> {
  const rows = store.database
    .prepare(
      `SELECT t.url, s.url AS source, min(pages.depth) + 1 AS depth,
         max(kind IN ('img', 'media', 'css', 'script', 'icon', 'iframe')) AS isLoaded, max(${IS_FOLLOWED}) AS isFollowed
       FROM links JOIN urls t ON t.id = links.target JOIN urls s ON s.id = links.source JOIN pages ON pages.id = links.source
       WHERE t.state = ${State.mentioned}
       GROUP BY t.id ORDER BY depth, links.rowid`
    )
    .all()
  const found = rows.flatMap(({ url, depth, source, isLoaded, isFollowed }) => {
    const next = { url: url as string, depth: Number(depth), from: source as string, error: null }
    if (!URL.canParse(next.url)) return []
    const isWanted =
      (isFollowed === 1 && scope.refusal(next.url, next.depth) === null) ||
      (isLoaded === 1 && scope.wantsLoaded(next.url, next.depth))
    return isWanted ? [next] : []
  })
  await store.add(found)
}
