import type { percentEncodeAfterEncoding } from '@exodus/bytes/whatwg.js'

let percentEncode: typeof percentEncodeAfterEncoding | undefined

/** Loads the tables of the legacy encodings, which few pages need. */
export async function loadLegacyEncodings(): Promise<void> {
  if (percentEncode) return
  await import('@exodus/bytes/encoding.js')
  percentEncode = (await import('@exodus/bytes/whatwg.js')).percentEncodeAfterEncoding
}

/** The URL standard's "special-query percent-encode set". */
const SPECIAL_QUERY = ' "#\'<>'

/**
 * Encodes the query of a link in the encoding of its page, according to the URL standard: on a page in euc-kr, `?q=가` requests `?q=%B0%A1`.
 * Everything else of a URL is in UTF-8, whatever the page's encoding is.
 * @param href the text of the attribute
 * @param encoding a name of the Encoding standard; `loadLegacyEncodings` must have been awaited
 */
export function encodeQuery(href: string, encoding: string): string {
  const hash = href.indexOf('#')
  const end = hash < 0 ? href.length : hash
  const question = href.indexOf('?')
  if (!percentEncode) throw new Error('the legacy encodings have not been loaded')
  if (question < 0 || question > end || !/[^\x00-\x7f]/.test(href.slice(question, end))) return href
  // The URL parser removes these everywhere; encoded, they would stay.
  const query = href.slice(question + 1, end).replace(/[\t\n\r]+/g, '')
  const trimmed = hash < 0 ? query.replace(/[\x00-\x20]+$/, '') : query
  return `${href.slice(0, question + 1)}${percentEncode(encoding, trimmed, SPECIAL_QUERY)}${href.slice(end)}`
}
