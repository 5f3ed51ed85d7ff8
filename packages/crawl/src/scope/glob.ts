import picomatch from 'picomatch'

/** A pattern of `--include` or `--exclude`. */
export interface UrlGlob {
  /** As it was written. */
  readonly text: string
  matches(url: URL): boolean
}

/**
 * Reads a glob for URLs. One that begins with `http://` or `https://` is compared with the whole URL, one that begins with `/`
 * with its path, any other with the end of the path, from a slash on. The query is compared when the glob has a `?` or `=`.
 * `*` matches within one part of the path, `**` any number of parts, `{a,b}` either.
 *
 * @param option for the message: the option that has the glob
 * @throws TypeError when the glob is empty
 */
export function readGlob(text: string, option: string): UrlGlob {
  if (text.trim() === '') {
    throw new TypeError(`cannot use ${JSON.stringify(text)} as ${option}: a glob such as /blog/** is needed`)
  }
  const isWhole = /^https?:\/\//.test(text)
  const isPath = text.startsWith('/')
  const matches = picomatch(isWhole || isPath ? text : `**/${text}`, {
    dot: true,
    noextglob: true,
    nonegate: true,
    strictSlashes: true
  })
  return {
    text,
    matches({ origin, pathname, search }) {
      const subject = isWhole ? origin + pathname : isPath ? pathname : pathname.slice(1)
      return matches(subject) || (search !== '' && matches(subject + search))
    }
  }
}
