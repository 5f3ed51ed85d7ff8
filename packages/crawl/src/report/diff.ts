import type { PageResult } from '../result.ts'
import type { Audit } from './audit.ts'
import { faultOf } from './problems.ts'

/** A page that differs between two crawls. */
export interface PageChange {
  readonly url: string
  /** What is different, such as `status 200 -> 404`. */
  readonly changes: readonly string[]
}

/** The differences between two crawls of a site. URLs are those of the second crawl. */
export interface CrawlDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Pages that are broken now, and were not before. */
  readonly broken: readonly PageChange[]
  /** Pages that were broken before, and are not now. */
  readonly fixed: readonly PageChange[]
  /** Pages that are different in any other way. */
  readonly changed: readonly PageChange[]
}

/** Fields that are compared, with their names in messages. */
const COMPARED = [
  ['status', 'status'],
  ['requestedUrl', 'requested URL'],
  ['title', 'title'],
  ['titleTag', 'title element'],
  ['description', 'description'],
  ['canonical', 'canonical'],
  ['error', 'error']
] as const satisfies readonly (readonly [keyof PageResult, string])[]

/**
 * Compares two crawls page by page. If their first pages have different hosts, as a copy of a site for testing has, URLs of the first crawl
 * are compared as if they had the second crawl's host.
 */
export function diffCrawls(before: Audit, after: Audit): CrawlDiff {
  const move = mover(before.start, after.start)
  const old = new Map([...before.all()].map(page => [move(page.url), page]))
  const diff = { added: [] as string[], removed: [] as string[], broken: [], fixed: [], changed: [] } as {
    added: string[]
    removed: string[]
    broken: PageChange[]
    fixed: PageChange[]
    changed: PageChange[]
  }
  for (const page of after.all()) {
    const was = old.get(page.url)
    old.delete(page.url)
    if (!was) {
      diff.added.push(page.url)
      continue
    }
    const changes = changesOf(was, page, move)
    if (changes.length === 0) continue
    const wasBroken = faultOf(was)?.isBroken ?? false
    const isBroken = faultOf(page)?.isBroken ?? false
    const list = wasBroken === isBroken ? diff.changed : isBroken ? diff.broken : diff.fixed
    list.push({ url: page.url, changes })
  }
  diff.removed.push(...old.keys())
  return diff
}

/** Returns true if nothing differs. */
export function isSame({ added, removed, broken, fixed, changed }: CrawlDiff): boolean {
  return [added, removed, broken, fixed, changed].every(({ length }) => length === 0)
}

function changesOf(was: PageResult, now: PageResult, move: (url: string) => string): string[] {
  const moved = (value: unknown) => (typeof value === 'string' ? move(value) : value)
  const changes = COMPARED.filter(([field]) => moved(was[field]) !== now[field]).map(
    ([field, name]) => `${name} ${show(moved(was[field]))} -> ${show(now[field])}`
  )
  if (was.hash !== now.hash && was.hash !== null && now.hash !== null) changes.push('content')
  return changes
}

function show(value: unknown): string {
  return value === null ? 'none' : typeof value === 'string' ? JSON.stringify(value) : String(value)
}

function mover(from: string, to: string): (url: string) => string {
  const [{ origin: old }, { origin }] = [new URL(from), new URL(to)]
  if (old === origin) return url => url
  return url => url.replaceAll(old, origin)
}
