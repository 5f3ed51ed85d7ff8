import type { CheerioAPI } from 'cheerio'
import { readLink } from '../url/link.ts'

/** A page, as `onPage` gets it. */
export interface PageContext {
  /** The page's elements, as in cheerio: `$('h1').text()`. */
  readonly $: CheerioAPI
  /** The page's decoded text. */
  readonly html: string
  /** The URL, after redirects. */
  readonly url: string
  /** The HTTP status. */
  readonly status: number
  /** The headers of the answer, by their names in lower case; repeated ones are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** The pages that it links to and that may be followed. */
  readonly links: readonly string[]
  /**
   * Adds a URL to visit. Scope, globs, depth and robots.txt apply to it as to links.
   * @param url an absolute URL, or one relative to the page
   * @throws TypeError if it is not a URL of the web
   */
  enqueue(url: string): void
}

/** A function that runs on each page, where the page is parsed. Its result, or what that resolves to, is the page's `data`. */
export type OnPage<D = unknown> = (page: PageContext) => D | PromiseLike<D>

/** What is extracted from each page. */
export interface PageHook {
  /** Selectors by the names of fields; `img@src` takes an attribute. */
  readonly fields: Readonly<Record<string, string>> | null
  readonly onPage: OnPage | null
}

/** The result of a hook. */
export interface Extract {
  readonly data: unknown
  /** The reason why there is no data; null if there is. */
  readonly error: string | null
  /** The URLs that the hook added. */
  readonly enqueued: string[]
}

/** Runs a hook on a page. Never throws. */
export async function extract(hook: PageHook, page: Omit<PageContext, '$' | 'enqueue'>): Promise<Extract> {
  const enqueued = new Set<string>()
  try {
    const { load } = await import('cheerio')
    const $ = load(page.html)
    let data: unknown = hook.fields === null ? null : readFields($, hook.fields)
    if (hook.onPage) {
      const enqueue = (text: string) => {
        const link = readLink(text, page.url)
        if (link.kind !== 'page') throw new TypeError(`cannot enqueue ${JSON.stringify(text)}: it is no URL of the web`)
        enqueued.add(link.url)
      }
      const value = await hook.onPage({ ...page, $, enqueue })
      data = hook.fields === null ? (value ?? null) : { ...(data as object), ...(value as object | undefined) }
    }
    return { data, error: null, enqueued: [...enqueued] }
  } catch (error) {
    return { data: null, error: `onPage failed: ${tell(error)}`, enqueued: [...enqueued] }
  }
}

/** Returns the fields of a page: the text of what a selector matches, or an attribute of it; a list if there are several matches. */
function readFields($: CheerioAPI, fields: Readonly<Record<string, string>>): Record<string, string | string[] | null> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const { selector, attribute } = readField(field)
      const values = $(selector)
        .toArray()
        .map(element => (attribute === null ? $(element).text() : $(element).attr(attribute)))
        .filter(value => value !== undefined)
        .map(value => value.replace(/\s+/g, ' ').trim())
      return [name, values.length === 0 ? null : values.length === 1 ? values[0] : values]
    })
  )
}

/** Returns a selector, and the attribute after its `@`; null if it has none. */
export function readField(field: string): { selector: string; attribute: string | null } {
  const [, selector, attribute] = /^(.+?)@([\w:-]+)$/.exec(field) ?? []
  return selector === undefined ? { selector: field, attribute: null } : { selector, attribute }
}

function tell(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
