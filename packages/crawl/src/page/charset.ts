import { isAscii, isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import { readHtml } from './html-events.ts'

/** The HTML standard requires user agents to look for a `meta` in at least this many bytes. */
const META_WITHIN = 1024

/**
 * Decodes a page. Its encoding is determined, in this order (HTML standard, "determining the character encoding"), by a byte order mark,
 * the `Content-Type` header, or a `meta` in the first 1024 bytes. Without any of these, a page is UTF-8 if it is valid UTF-8, and
 * windows-1252 otherwise. Names are those of the WHATWG Encoding standard; an unknown name is ignored.
 * @param contentType the header's value
 */
export function decodeHtml(body: Uint8Array, contentType: string | null): string {
  return readText(body, contentType).text
}

/** Does the same as `decodeHtml`, and also returns the encoding: a name of the Encoding standard, in lower case. */
export function readText(body: Uint8Array, contentType: string | null): { text: string; encoding: string } {
  const declared = byteOrderMark(body) ?? charsetOfHeader(contentType) ?? charsetOfMeta(body)
  if (declared) return { text: decode(declared, body), encoding: declared.encoding }
  if (isUtf8(body)) return { text: decode(new TextDecoder('utf-8'), body), encoding: 'utf-8' }
  return { text: decode(new TextDecoder('windows-1252'), body), encoding: 'windows-1252' }
}

function decode(decoder: TextDecoder, body: Uint8Array): string {
  if (decoder.encoding === 'utf-8') {
    // Buffers take a third of the time, but they keep the byte order mark.
    const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0
    const bytes = Buffer.from(body.buffer, body.byteOffset + start, body.byteLength - start)
    return isAscii(bytes) ? bytes.toString('latin1') : bytes.toString('utf8')
  }
  // In two steps: in one, Node 20 takes windows-1252 for ISO-8859-1 and turns € and “ into control characters.
  return decoder.decode(body, { stream: true }) + decoder.decode()
}

function byteOrderMark(body: Uint8Array): TextDecoder | undefined {
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) return new TextDecoder('utf-8')
  if (body[0] === 0xfe && body[1] === 0xff) return new TextDecoder('utf-16be')
  if (body[0] === 0xff && body[1] === 0xfe) return new TextDecoder('utf-16le')
  return undefined
}

/** Returns the decoder that a `Content-Type` names; undefined if it names no known encoding. */
export function charsetOfHeader(contentType: string | null): TextDecoder | undefined {
  const match = /;\s*charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;]+))/i.exec(contentType ?? '')
  return match ? decoderFor(match[1] ?? match[2] ?? match[3]) : undefined
}

function charsetOfMeta(body: Uint8Array): TextDecoder | undefined {
  const start = Buffer.from(body.buffer, body.byteOffset, Math.min(META_WITHIN, body.byteLength)).toString('latin1')
  if (!/charset/i.test(start)) return undefined
  let found: TextDecoder | undefined
  readHtml(start, {
    wanted: META,
    open(name, attributes) {
      if (found || name !== 'meta') return
      const charset = attributes.get('charset')
      const isContentType = attributes.get('http-equiv')?.toLowerCase() === 'content-type'
      const decoder =
        charset !== undefined
          ? decoderFor(charset)
          : isContentType
            ? charsetOfHeader(`;${attributes.get('content') ?? ''}`)
            : undefined
      // A meta that could be read byte by byte cannot be in a UTF-16 page; the standard then uses UTF-8.
      found = decoder?.encoding.startsWith('utf-16') ? new TextDecoder('utf-8') : decoder
    },
    close() {},
    text() {}
  })
  return found
}

const META = new Set(['meta'])

function decoderFor(label: string): TextDecoder | undefined {
  try {
    return new TextDecoder(label.trim())
  } catch {
    return undefined
  }
}
