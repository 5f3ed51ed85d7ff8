import { TextDecoder } from 'node:util'
import { Parser } from 'htmlparser2'

/** The HTML standard has user agents look for a `meta` in this many bytes at least. */
const META_WITHIN = 1024

/**
 * Decodes a page. Its encoding is told, in this order (HTML standard, "determining the character encoding"), by a byte order
 * mark, the `Content-Type` header, or a `meta` in the first 1024 bytes. A page that says nothing is UTF-8 if it is valid
 * UTF-8, else windows-1252. Names are those of the WHATWG Encoding standard; an unknown name counts as none.
 *
 * @param contentType the header's value
 */
export function decodeHtml(body: Uint8Array, contentType: string | null): string {
  const declared = byteOrderMark(body) ?? charsetOfHeader(contentType) ?? charsetOfMeta(body)
  if (declared) return decode(declared, body)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return decode(new TextDecoder('windows-1252'), body)
  }
}

function decode(decoder: TextDecoder, body: Uint8Array): string {
  // In two steps: in one, Node 20 takes windows-1252 for ISO-8859-1 and turns € and “ into control characters.
  return decoder.decode(body, { stream: true }) + decoder.decode()
}

function byteOrderMark(body: Uint8Array): TextDecoder | undefined {
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) return new TextDecoder('utf-8')
  if (body[0] === 0xfe && body[1] === 0xff) return new TextDecoder('utf-16be')
  if (body[0] === 0xff && body[1] === 0xfe) return new TextDecoder('utf-16le')
  return undefined
}

/** The decoder that a `Content-Type` names; undefined when it names none that is known. */
export function charsetOfHeader(contentType: string | null): TextDecoder | undefined {
  const match = /;\s*charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;]+))/i.exec(contentType ?? '')
  return match ? decoderFor(match[1] ?? match[2] ?? match[3]) : undefined
}

function charsetOfMeta(body: Uint8Array): TextDecoder | undefined {
  let found: TextDecoder | undefined
  const parser = new Parser({
    onopentag(name, attributes) {
      if (found || name !== 'meta') return
      const isContentType = attributes['http-equiv']?.toLowerCase() === 'content-type'
      const decoder =
        attributes.charset !== undefined
          ? decoderFor(attributes.charset)
          : isContentType
            ? charsetOfHeader(`;${attributes.content ?? ''}`)
            : undefined
      // A meta that could be read byte by byte cannot stand in a UTF-16 page; the standard takes UTF-8 then.
      found = decoder?.encoding.startsWith('utf-16') ? new TextDecoder('utf-8') : decoder
    }
  })
  parser.end(Buffer.from(body.buffer, body.byteOffset, Math.min(META_WITHIN, body.byteLength)).toString('latin1'))
  return found
}

function decoderFor(label: string): TextDecoder | undefined {
  try {
    return new TextDecoder(label.trim())
  } catch {
    return undefined
  }
}
