/** Directives whose value may contain a colon or a comma: they are not names of robots. */
const WITH_VALUE = /^(?:unavailable_after|max-snippet|max-image-preview|max-video-preview)$/

/**
 * Returns the directives of `X-Robots-Tag` headers, in lower case, without those for other robots.
 * @param headers one text for each header
 * @param robot this crawler's name: the part of its User-Agent before the slash
 */
export function headerDirectives(headers: readonly string[], robot: string): string[] {
  const found: string[] = []
  for (const header of headers) {
    const named = /^\s*([\w-]+)\s*:(.*)$/s.exec(header)
    const name = named?.[1].toLowerCase()
    const isOfRobot = name !== undefined && !WITH_VALUE.test(name)
    if (isOfRobot && name !== robot.toLowerCase()) continue
    found.push(...split(isOfRobot ? named![2] : header))
  }
  return found
}

/** Returns the directives in the content of a robots `meta`, in lower case. */
export function metaDirectives(content: string): string[] {
  return split(content)
}

/** Returns true if the directives forbid following the page's links. */
export function isNoFollow(directives: readonly string[]): boolean {
  return directives.includes('nofollow') || directives.includes('none')
}

function split(text: string): string[] {
  return text
    .slice(0, MOST_LENGTH)
    .toLowerCase()
    .split(/[,;]/)
    .map(part => part.replace(/\s+/g, ' ').trim())
    .filter(part => part !== '')
}

const MOST_LENGTH = 1000
