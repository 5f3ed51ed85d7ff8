import '@exodus/bytes/encoding.js'
import { percentEncodeAfterEncoding } from '@exodus/bytes/whatwg.js'

/** The URL standard's "special-query percent-encode set". */
const SPECIAL_QUERY = ' "#\'<>'

/**
 * Encodes the query of a link in the encoding of its page, as the URL standard has it: on a page in euc-kr, `?q=가` asks
 * for `?q=%B0%A1`. Everything else of a URL is in UTF-8 whatever the page is in.
 *
 * @param href as it stands in the attribute
 * @param encoding a name of the Encoding standard
 */
export function encodeQuery(href: string, encoding: string): string {
  const hash = href.indexOf('#')
  const end = hash < 0 ? href.length : hash
  const question = href.indexOf('?')
  if (question < 0 || question > end || !/[^\x00-\x7f]/.test(href.slice(question, end))) return href
  // The parser of URLs removes these wherever they are; encoded they would stay.
  const query = href.slice(question + 1, end).replace(/[\t\n\r]+/g, '')
  const trimmed = hash < 0 ? query.replace(/[\x00-\x20]+$/, '') : query
  return `${href.slice(0, question + 1)}${percentEncodeAfterEncoding(encoding, trimmed, SPECIAL_QUERY)}${href.slice(end)}`
}
