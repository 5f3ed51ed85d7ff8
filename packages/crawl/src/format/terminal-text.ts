/**
 * Returns a text from a page or a server for a terminal: on one line, without anything that moves the cursor, changes colours or turns the
 * direction of writing. Control and bidirectional characters are shown as escapes, such as `\u{1b}`.
 */
export function forTerminal(text: string): string {
  return text
    .replace(/[\n\r\t]+/g, ' ')
    .replace(
      /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g,
      character => `\\u{${character.codePointAt(0)!.toString(16)}}`
    )
}

/** Returns JSON for a terminal: characters that would control it are escaped, as JSON allows in every string. */
export function jsonForTerminal(line: string): string {
  return line.replace(
    /[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}
