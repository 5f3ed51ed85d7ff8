/** A comment, a text, `@import` with a text, or `url()`; an unclosed comment or text ends with the style sheet or the line, as in browsers. */
const PART =
  /\/\*[\s\S]*?(?:\*\/|$)|@import\s+(?:"((?:[^"\\\n]|\\[\s\S])*)"|'((?:[^'\\\n]|\\[\s\S])*)')|url\(\s*(?:"((?:[^"\\\n]|\\[\s\S])*)"|'((?:[^'\\\n]|\\[\s\S])*)'|((?:[^\s"'()\\]|\\[\s\S])+))\s*\)|"(?:[^"\\\n]|\\[\s\S])*(?:"|\n|$)|'(?:[^'\\\n]|\\[\s\S])*(?:'|\n|$)/gi

/** What a style sheet loads. */
export interface CssUrl {
  /** As it is written, without CSS's escapes. */
  readonly href: string
  /** True if it is another style sheet. */
  readonly isImport: boolean
}

/** Returns what a style sheet, a `style` element or a `style` attribute loads: the targets of `url()` and `@import`. */
export function cssUrls(css: string): CssUrl[] {
  const found: CssUrl[] = []
  for (const match of css.matchAll(PART)) {
    const imported = match[1] ?? match[2]
    const href = unescape(imported ?? match[3] ?? match[4] ?? match[5] ?? '').trim()
    if (href === '' || href.startsWith('#')) continue
    const isImport =
      imported !== undefined || /@import\s+$/i.test(css.slice(Math.max(0, match.index - 20), match.index))
    found.push({ href, isImport })
  }
  return found
}

/** CSS Syntax, 4.3.7: an escape is a backslash with up to six hexadecimal digits and a space, or with any other character. */
function unescape(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(?:([0-9a-f]{1,6})\s?|\n|([\s\S]))/gi, (_, hex?: string, character = '') => {
    if (hex === undefined) return character
    const code = Number.parseInt(hex, 16)
    return code === 0 || code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code)
  })
}
