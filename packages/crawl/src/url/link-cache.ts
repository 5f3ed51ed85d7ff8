import { type Link, readLink } from './link.ts'

/** The number of links that are remembered; then all are forgotten. */
const MOST_LINKS = 50_000
/** Longer links are rare, and remembering them would cost memory. */
const MOST_LENGTH = 300

/** Links by what they are relative to: the pages of one directory repeat their navigation. */
const directories = new Map<string, Map<string, Link>>()
let size = 0

/**
 * Reads a link in UTF-8 as `readLink` does. A link that was read before, from a page of the same directory, takes one lookup.
 * @param base the absolute URL of the page
 */
export function readCachedLink(href: string, base: string): Link {
  if (href.length > MOST_LENGTH || dependsOnFile(href)) return readLink(href, base)
  const directory = directoryOf(base)
  let links = directories.get(directory)
  if (!links) directories.set(directory, (links = new Map()))
  let link = links.get(href)
  if (link) return link
  link = readLink(href, base)
  if (++size > MOST_LINKS) {
    directories.clear()
    size = 0
    return link
  }
  links.set(href, link)
  return link
}

/** Returns true for a link that may be relative to the page itself, and not to its directory: ``, `?q`, `http:?q`. */
function dependsOnFile(href: string): boolean {
  return !/^(?:https?:\/\/|[/.\w][^:\t\n\r]*$)/i.test(href)
}

function directoryOf(base: string): string {
  const query = base.search(/[?#]/)
  const path = query < 0 ? base : base.slice(0, query)
  return path.slice(0, path.lastIndexOf('/') + 1)
}
