import picomatch from 'picomatch'

/** A pattern of `--include` or `--exclude`. */
export interface UrlGlob {
  /** The original text. */
  readonly text: string
  matches(url: URL): boolean
}

/**
 * Parses a glob for URLs. A glob that begins with `http://` or `https://` is compared with the whole URL, one that begins with `/` with the
 * path, any other with the end of the path, beginning at a slash. The query is compared if the glob has a `?` or `=`. `*` matches within
 * one part of the path, `**` matches any number of parts, `{a,b}` matches either.
 * @param option the option with the glob, for the message
 * @throws TypeError if the glob is empty
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
