import type { PageResult } from '../result.ts'

/** A page with a problem, and where it was found. */
export interface Problem {
  readonly url: string
  readonly status: number | null
  /** The problem, as in the page's `error`, or a sentence of the same kind. */
  readonly error: string
  /** A short form: `404`, `no answer`. */
  readonly label: string
  /** The kind by which problems are grouped: `404 Not Found`. */
  readonly kind: string
  /** True if a visitor who follows a link to the page does not get it. */
  readonly isBroken: boolean
  /** True for a first page of the crawl. */
  readonly isStart: boolean
  /** The first URLs found of pages that lead to it, including through redirects. */
  readonly sources: readonly string[]
  /** The number of pages that lead to it. */
  readonly sourceCount: number
}

/** What is wrong with a page. */
export type Fault = Pick<Problem, 'error' | 'label' | 'kind' | 'isBroken'>

/** Returns what is wrong with a page; null if nothing is. */
export function faultOf(page: Pick<PageResult, 'status' | 'error' | 'redirects' | 'truncated'>): Fault | null {
  const { status, error } = page
  if (error === null) return weakness(page)
  if (/^(loop of redirects|more than \d+ redirects)/.test(error)) return broken(error, 'redirect loop')
  if (error.startsWith('not a URL')) return broken(error, 'not a URL')
  if (error.startsWith('the worker process died')) return warning(error, 'page that ends its worker')
  if (error === 'robots.txt disallows this page') return warning(error, 'disallowed by robots.txt')
  if (status === null) return broken(error, 'no answer')
  if (status >= 400) return { error, label: String(status), kind: error.replace(/^HTTP /, ''), isBroken: true }
  if (status >= 300) {
    // A redirect that leads off the site, or to where robots.txt forbids looking, may be fine.
    if (/ to another site: |, which robots\.txt disallows$/.test(error)) return null
    return broken(error, 'redirect to nowhere')
  }
  // There is a page of another type than HTML, which suffices for a link.
  return error.startsWith('not HTML') ? null : warning(error, 'unreadable page')
}

/** Returns what is wrong with a page that arrived. */
function weakness({ redirects, truncated }: Pick<PageResult, 'redirects' | 'truncated'>): Fault | null {
  if (truncated) return warning('the body did not come whole', 'cut page')
  if (redirects.length > 1) return warning(`${redirects.length} redirects one after another`, 'redirect chain')
  return null
}

function broken(error: string, kind: string): Fault {
  return { error, label: kind, kind, isBroken: true }
}

function warning(error: string, kind: string): Fault {
  return { error, label: kind, kind, isBroken: false }
}
