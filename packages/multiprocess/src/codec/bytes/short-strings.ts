import type { ByteReader } from './byte-reader.ts'

const from = String.fromCharCode

/** Returns a string of up to 31 one-byte characters, which must be available. Up to 16 characters, this is faster than native code. */
export function shortString(reader: ByteReader, pos: number, length: number): string {
  const u8 = reader.u8
  if (length === 0) return ''
  if (length > 16) return reader.buffer.toString('latin1', pos, pos + length)
  const a = u8[pos]
  if (length === 1) return from(a)
  const b = u8[pos + 1]
  if (length === 2) return from(a, b)
  const c = u8[pos + 2]
  if (length === 3) return from(a, b, c)
  const d = u8[pos + 3]
  if (length === 4) return from(a, b, c, d)
  const e = u8[pos + 4]
  if (length === 5) return from(a, b, c, d, e)
  const f = u8[pos + 5]
  if (length === 6) return from(a, b, c, d, e, f)
  const g = u8[pos + 6]
  if (length === 7) return from(a, b, c, d, e, f, g)
  const h = u8[pos + 7]
  if (length === 8) return from(a, b, c, d, e, f, g, h)
  const i = u8[pos + 8]
  if (length === 9) return from(a, b, c, d, e, f, g, h, i)
  const j = u8[pos + 9]
  if (length === 10) return from(a, b, c, d, e, f, g, h, i, j)
  const k = u8[pos + 10]
  if (length === 11) return from(a, b, c, d, e, f, g, h, i, j, k)
  const l = u8[pos + 11]
  if (length === 12) return from(a, b, c, d, e, f, g, h, i, j, k, l)
  const m = u8[pos + 12]
  if (length === 13) return from(a, b, c, d, e, f, g, h, i, j, k, l, m)
  const n = u8[pos + 13]
  if (length === 14) return from(a, b, c, d, e, f, g, h, i, j, k, l, m, n)
  const o = u8[pos + 14]
  if (length === 15) return from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o)
  return from(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, u8[pos + 15])
}

const CACHED_KEYS = 2048

/** Keys that were read recently. */
const keys: string[] = new Array(CACHED_KEYS).fill('')

/** Does the same as `shortString`, for strings that often recur: before V8 can use a new string as a key, it has to look the string up. */
export function cachedKey(reader: ByteReader, pos: number, length: number): string {
  const u8 = reader.u8
  let hash = length
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + u8[pos + i]) | 0
  const place = (hash ^ (hash >>> 11)) & (CACHED_KEYS - 1)
  const known = keys[place]
  if (known.length === length) {
    let i = 0
    while (i < length && known.charCodeAt(i) === u8[pos + i]) i++
    if (i === length) return known
  }
  const key = shortString(reader, pos, length)
  keys[place] = key
  return key
}
