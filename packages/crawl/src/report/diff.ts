import type { PageResult } from '../result.ts'
import type { Audit } from './audit.ts'
import { faultOf } from './problems.ts'

/** A page that two crawls found differently. */
export interface PageChange {
  readonly url: string
  /** What is different, as `status 200 -> 404`. */
  readonly changes: readonly string[]
}

/** How two crawls of a site differ. URLs are those of the second crawl. */
export interface CrawlDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Broken now, and not before. */
  readonly broken: readonly PageChange[]
  /** Broken before, and not now. */
  readonly fixed: readonly PageChange[]
  /** Different in any other way. */
  readonly changed: readonly PageChange[]
}

/** Fields that make a page another one, with their names in messages. */
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
 * Compares two crawls page by page. When their first pages are of different hosts, as a copy of a site is for testing, URLs
 * of the first are compared as if they were of the second.
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

/** True when nothing differs. */
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
