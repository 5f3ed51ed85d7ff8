import type { Transform } from 'node:stream'
import {
  brotliDecompressSync,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  gunzipSync,
  inflateRawSync,
  inflateSync
} from 'node:zlib'

/** The maximum number of layers: no server has reason for more, and they would cost memory and time. */
const MOST_LAYERS = 2

/** The result of decompressing a body. */
export interface Decompressed {
  body: Buffer
  /** True if the body is longer than the limit; the rest is left out. */
  isTooLarge: boolean
  /** True if the data after the result is damaged. */
  isDamaged: boolean
}

/** The body could not be decompressed at all. */
export class DecompressError extends Error {
  override readonly name = 'DecompressError'
}

/** Options of zlib that get the most out of data without an end. */
const lenient = { finishFlush: constants.Z_SYNC_FLUSH }
const lenientBrotli = { finishFlush: constants.BROTLI_OPERATION_FLUSH }

interface Coding {
  /** @throws Error if the data is damaged or incomplete, or the result is too large */
  sync(data: Buffer, mostBytes: number): Buffer
  stream(): Transform
}

const GZIP: Coding = {
  sync: gunzip,
  stream: () => createGunzip(lenient)
}
const ZLIB: Coding = {
  sync: (data, maxOutputLength) => inflateSync(data, { maxOutputLength }),
  stream: () => createInflate(lenient)
}
const DEFLATE: Coding = {
  sync: (data, maxOutputLength) => inflateRawSync(data, { maxOutputLength }),
  stream: () => createInflateRaw(lenient)
}
const BROTLI: Coding = {
  sync: (data, maxOutputLength) => brotliDecompressSync(data, { maxOutputLength }),
  stream: () => createBrotliDecompress(lenientBrotli)
}

/**
 * Undoes the codings of `Content-Encoding`. Unknown names (`none`, `UTF-8`) are ignored; `deflate` may have a header or not; of a body that
 * is incomplete or damaged, the part before that is returned.
 * @param encodings the header; several are joined by commas
 * @param mostBytes the maximum length of the result
 * @throws DecompressError if the body cannot be decompressed at all
 */
export async function decompress(data: Buffer, encodings: string | null, mostBytes: number): Promise<Decompressed> {
  const names = (encodings ?? '')
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
    .filter(name => KNOWN.has(name))
  let result: Decompressed = { body: data, isTooLarge: false, isDamaged: false }
  let layers = 0
  for (const name of names.reverse()) {
    const coding = codingOf(name, result.body)
    if (!coding) continue
    if (++layers > MOST_LAYERS) throw new DecompressError(`the body is compressed more than ${MOST_LAYERS} times`)
    const layer = await undo(coding, result.body, mostBytes)
    result = {
      body: layer.body,
      isTooLarge: result.isTooLarge || layer.isTooLarge,
      isDamaged: result.isDamaged || layer.isDamaged
    }
  }
  if (result.body.length > mostBytes) {
    result = { ...result, body: result.body.subarray(0, mostBytes), isTooLarge: true }
  }
  return result
}

const KNOWN = new Set(['gzip', 'x-gzip', 'deflate', 'br'])

/** Returns undefined if the data is not compressed, whatever the header says. */
function codingOf(name: string, data: Buffer): Coding | undefined {
  if (data.length === 0) return undefined
  switch (name) {
    case 'br':
      return BROTLI
    case 'deflate':
      // RFC 9110 means zlib's format. Because some servers send bare data, browsers accept both. RFC 1950, 2.2 tells them apart.
      return (data[0] & 0x0f) === 8 && ((data[0] << 8) | (data[1] ?? 0)) % 31 === 0 ? ZLIB : DEFLATE
    default:
      return data[0] === 0x1f && (data[1] ?? 0x8b) === 0x8b ? GZIP : undefined
  }
}

async function undo(coding: Coding, data: Buffer, mostBytes: number): Promise<Decompressed> {
  try {
    return { body: coding.sync(data, mostBytes), isTooLarge: false, isDamaged: false }
  } catch {
    // The data is too long, damaged or cut: decompressing piece by piece gets as much as there is.
  }
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const stream = coding.stream()
    const finish = (isTooLarge: boolean) => {
      resolve({ body: Buffer.concat(chunks).subarray(0, mostBytes), isTooLarge, isDamaged: !isTooLarge })
      stream.destroy()
    }
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > mostBytes) finish(true)
    })
    stream.on('end', () => finish(false))
    stream.on('error', error => {
      if (bytes > 0) finish(false)
      else reject(new DecompressError(`the compressed body is damaged (${error.message})`))
    })
    stream.end(data)
  })
}

function gunzip(data: Buffer, maxOutputLength: number): Buffer {
  try {
    return gunzipSync(data, { maxOutputLength })
  } catch (error) {
    // If the trailer is missing or wrong, or is followed by more bytes, the part between header and trailer may still be complete.
    const { code } = error as { code?: string }
    const start = code === 'Z_BUF_ERROR' || code === 'Z_DATA_ERROR' ? headerLength(data) : undefined
    if (start === undefined) throw error
    return inflateRawSync(data.subarray(start), { maxOutputLength })
  }
}

/** Returns the length of the header (RFC 1952, 2.3); undefined if it is incomplete. */
function headerLength(data: Buffer): number | undefined {
  const flags = data[3]
  let at = 10
  if (flags & 4) at += 2 + (data[at] ?? 0) + ((data[at + 1] ?? 0) << 8)
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue
    const end = data.indexOf(0, at)
    if (end < 0) return undefined
    at = end + 1
  }
  if (flags & 2) at += 2
  return at < data.length ? at : undefined
}
