import { gunzipSync } from 'node:zlib'
import { Parser } from 'htmlparser2'
import { readLink } from '../url/link.ts'

/** The maximum length of a sitemap, decompressed (sitemaps.org): 50 MB. */
export const MAX_SITEMAP_BYTES = 50 * 2 ** 20
/** The maximum number of sitemaps that are read; an index may name 50,000. */
const MOST_SITEMAPS = 1000

/** The URLs that a sitemap names. */
export interface SitemapUrls {
  readonly sitemap: string
  readonly urls: string[]
}

/**
 * Reads sitemaps, and those that indexes among them name.
 * @param sitemaps the URLs of the sitemaps
 * @param ask fetches a URL; returns null if there is nothing
 */
export async function* readSitemaps(
  sitemaps: readonly string[],
  ask: (url: string) => Promise<Uint8Array | null>
): AsyncGenerator<SitemapUrls> {
  const known = new Set(sitemaps)
  // Grows during the loop.
  for (const sitemap of known) {
    const body = await ask(sitemap)
    if (!body) continue
    const { pages, indexes } = parseSitemap(textOf(body), sitemap)
    for (const index of indexes) if (known.size < MOST_SITEMAPS) known.add(index)
    yield { sitemap, urls: pages }
  }
}

/** Returns the URLs in a sitemap: XML, or text with one URL on a line. */
export function parseSitemap(text: string, base: string): { pages: string[]; indexes: string[] } {
  const pages = new Set<string>()
  const indexes = new Set<string>()
  const add = (urls: Set<string>, location: string) => {
    const link = readLink(location.trim(), base)
    if (location.trim() !== '' && link.kind === 'page') urls.add(link.url)
  }
  if (!text.trimStart().startsWith('<')) {
    for (const line of text.split(/\r?\n/)) if (/^\s*https?:/.test(line)) add(pages, line)
    return { pages: [...pages], indexes: [] }
  }
  let parent = ''
  let location: string | undefined
  const parser = new Parser(
    {
      onopentagname(name) {
        const local = name.replace(/^.*:/, '')
        if (local === 'url' || local === 'sitemap') parent = local
        // An image or a video of the page has its own element of that name, with a prefix.
        if (name === 'loc' || (local === 'loc' && !/^(image|video|news):/.test(name))) location = ''
      },
      ontext(data) {
        if (location !== undefined) location += data
      },
      onclosetag(name) {
        if (location === undefined || !name.endsWith('loc')) return
        add(parent === 'sitemap' ? indexes : pages, location)
        location = undefined
      }
    },
    { xmlMode: true }
  )
  parser.end(text)
  return { pages: [...pages], indexes: [...indexes] }
}

function textOf(body: Uint8Array): string {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b
  try {
    const plain = isGzip ? gunzipSync(body, { maxOutputLength: MAX_SITEMAP_BYTES }) : Buffer.from(body)
    return plain.toString('utf8').replace(/^\ufeff/, '')
  } catch {
    return ''
  }
}
