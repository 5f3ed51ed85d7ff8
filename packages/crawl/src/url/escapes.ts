const ESCAPE = /%[0-9a-f]{2}/gi
/** RFC 3986 allows none of these unescaped in a path or in a query; browsers send some of them. */
const NOT_ALLOWED = /[^\x21-\x7e]|["<>\\^`{|}]/gu
/** A `%` that begins no escape, alone or with one hexadecimal digit, at the end of a text. */
const STRAY = /%[0-9a-f]?$/i

/**
 * Returns a path, with or without a query, in one spelling of its percent-encoding: characters that RFC 3986 calls unreserved are decoded
 * (`%7e` becomes `~`), other escapes are in upper case (`%2f` becomes `%2F`), and characters that a URL may not have are encoded. The
 * compared URL, the request and the rules of robots.txt (RFC 9309, 2.2.2) all use this function.
 */
export function normalEscapes(text: string): string {
  let normal = NOT_ALLOWED.test(text) ? text.replace(NOT_ALLOWED, encode) : text
  NOT_ALLOWED.lastIndex = 0
  if (normal.includes('%')) normal = normal.replace(ESCAPE, decodeUnreserved)
  return normal
}

function encode(character: string): string {
  const bytes = Buffer.from(character, 'utf8')
  let text = ''
  for (const byte of bytes) text += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return text
}

function decodeUnreserved(escape: string, at: number, whole: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
  if (!/[\w.~-]/.test(character)) return escape.toUpperCase()
  // After a stray `%`, the decoded character would make an escape that was not there: `%%37e`.
  const isBehindStray = STRAY.test(whole.slice(Math.max(0, at - 2), at)) && !endsEscape(whole, at)
  return isBehindStray ? escape.toUpperCase() : character
}

/** Returns true if a complete escape, such as `%2F`, ends where the `%` before `at` would begin a stray one. */
function endsEscape(text: string, at: number): boolean {
  return /%[0-9a-f]{2}$/i.test(text.slice(Math.max(0, at - 3), at))
}
