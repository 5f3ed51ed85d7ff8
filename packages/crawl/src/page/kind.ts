import { charsetOfHeader, decodeHtml } from './charset.ts'

/** mimesniff, 5.2: this many bytes suffice to tell what a resource is. */
const SNIFFED = 1445

/** The beginnings of files that servers send as HTML by mistake (mimesniff, 6 and 7), in ISO-8859-1. */
const SIGNATURES: readonly [RegExp, string][] = [
  [/^\x89PNG\r\n\x1a\n/, 'a PNG image'],
  [/^GIF8[79]a/, 'a GIF image'],
  [/^\xff\xd8\xff/, 'a JPEG image'],
  [/^RIFF....WEBPVP/s, 'a WebP image'],
  [/^RIFF....(?:WAVE|AVI )/s, 'audio or video'],
  [/^....ftyp/s, 'a video'],
  [/^OggS\0/, 'audio or video'],
  [/^ID3/, 'audio'],
  [/^\x1aE\xdf\xa3/, 'a video'],
  [/^%PDF-/, 'a PDF document'],
  [/^PK\x03\x04/, 'a ZIP archive'],
  [/^\x1f\x8b\x08/, 'gzip data'],
  [/^Rar!\x1a\x07/, 'a RAR archive'],
  [/^7z\xbc\xaf\x27\x1c/, 'a 7z archive'],
  [/^\x28\xb5\x2f\xfd/, 'zstd data'],
  [/^wOF[F2]/, 'a font'],
  [/^\x7fELF/, 'a program'],
  [/^\0asm/, 'a WebAssembly module']
]

/** Returns true for the type of HTML, and for a missing type: then the body decides. */
export function mayBeHtml(contentType: string | null): boolean {
  return !contentType?.trim() || /^\s*(text\/html|application\/xhtml\+xml)\s*(;|,|$)/i.test(contentType)
}

/**
 * Returns the reason why a body is not a page although its type is HTML, or missing; null if it is a page. Declared HTML may contain
 * control characters, as in browsers.
 */
export function whyNoHtml(body: Buffer, contentType: string | null): string | null {
  const start = body.toString('latin1', 0, SNIFFED)
  const signature = SIGNATURES.find(([pattern]) => pattern.test(start))
  if (contentType?.trim()) return signature ? `binary data sent as HTML: ${signature[1]}` : null
  if (signature || isBinary(body, start, contentType)) return 'not HTML: binary data of no type'
  return /^\s*</.test(decodeHtml(body.subarray(0, SNIFFED), null)) ? null : 'not HTML: data of no type'
}

/** Returns true if there is a binary data byte (mimesniff, 3); in UTF-16, such bytes are a part of the text. */
function isBinary(body: Buffer, start: string, contentType: string | null): boolean {
  const isUtf16 =
    (body[0] === 0xfe && body[1] === 0xff) ||
    (body[0] === 0xff && body[1] === 0xfe) ||
    charsetOfHeader(contentType)?.encoding.startsWith('utf-16')
  return !isUtf16 && /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(start)
}
