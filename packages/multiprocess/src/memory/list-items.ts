/** The items of a ShareableList in bytes: a type, a length in bytes, and as many bytes. */
import { inspect } from 'node:util'
import { MultiprocessError, ValueError } from '../errors.ts'

/** A value that a ShareableList can hold. */
export type ListItem = string | number | bigint | boolean | Uint8Array | null

export const NULL = 0
export const FALSE = 1
export const TRUE = 2
/** IEEE 754, 8 bytes. */
export const NUMBER = 3
/** Two's complement, low byte first, in as many bytes as the number needs. */
export const BIGINT = 4
export const TEXT = 5
/** UTF-16, for text with lone surrogates, which UTF-8 does not have. */
export const WIDE_TEXT = 6
export const BYTES = 7

const LEAST_ROOM = 8
const NOTHING = new Uint8Array(0)

export interface PackedItem {
  readonly type: number
  readonly bytes: Uint8Array
}

/** @param index the item's place, for the error @throws ValueError for a type that a list cannot hold */
export function packItem(value: unknown, index: number): PackedItem {
  switch (typeof value) {
    case 'number':
      return { type: NUMBER, bytes: new Uint8Array(new Float64Array([value]).buffer) }
    case 'bigint':
      return { type: BIGINT, bytes: bigintBytes(value) }
    case 'boolean':
      return { type: value ? TRUE : FALSE, bytes: NOTHING }
    case 'string':
      return /\p{Surrogate}/u.test(value)
        ? { type: WIDE_TEXT, bytes: Buffer.from(value, 'utf16le') }
        : { type: TEXT, bytes: Buffer.from(value) }
    default:
      if (value === null) return { type: NULL, bytes: NOTHING }
      if (value instanceof Uint8Array) return { type: BYTES, bytes: value }
      throw new ValueError(
        `item ${index} is ${inspect(value, { depth: 0 })}; ` +
          'a ShareableList holds strings, numbers, bigints, booleans, Uint8Arrays and null'
      )
  }
}

/** @throws MultiprocessError (`ERR_DAMAGED`) if `packItem` did not write the bytes */
export function unpackItem(type: number, bytes: Uint8Array): ListItem {
  const { buffer, byteOffset, byteLength } = bytes
  switch (type) {
    case NULL:
      return null
    case FALSE:
      return false
    case TRUE:
      return true
    case NUMBER:
      if (byteLength === 8) return new DataView(buffer, byteOffset).getFloat64(0, true)
      break
    case BIGINT:
      return bigintOf(bytes)
    case TEXT:
      return Buffer.from(buffer, byteOffset, byteLength).toString()
    case WIDE_TEXT:
      return Buffer.from(buffer, byteOffset, byteLength).toString('utf16le')
    case BYTES:
      return bytes.slice()
  }
  throw damaged()
}

export function damaged(): MultiprocessError {
  return new MultiprocessError('the list is damaged: something else has written to its shared memory', {
    code: 'ERR_DAMAGED'
  })
}

/**
 * Returns how many bytes the slot of a first value gets. Strings and byte arrays get CPython's room, their length plus 1, rounded up to
 * a multiple of 8; all other values get at least 8 bytes.
 */
export function roomFor({ type, bytes: { length } }: PackedItem): number {
  if (type === TEXT || type === WIDE_TEXT || type === BYTES) return 8 * (Math.floor(length / 8) + 1)
  return Math.max(LEAST_ROOM, 8 * Math.ceil(length / 8))
}

/** Returns an item's type in the form of Python's `struct`: `q` for a bigint of 8 bytes, `d` for a number, `16s` for 16 bytes of room. */
export function formatOf(type: number, length: number, room: number): string {
  switch (type) {
    case NULL:
      return 'xxxxxx?x'
    case FALSE:
    case TRUE:
      return 'xxxxxxx?'
    case NUMBER:
      return 'd'
    case BIGINT:
      return length <= 8 ? 'q' : `${room}s`
    default:
      return `${room}s`
  }
}

/** Compares byte arrays by content, NaN as equal to NaN, and all other values by `===`. */
export function isSameItem(a: ListItem, b: ListItem): boolean {
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  return a === b || (Number.isNaN(a) && Number.isNaN(b))
}

function bigintBytes(value: bigint): Uint8Array {
  const magnitude = value < 0n ? ~value : value
  // One bit is for the sign.
  const length = Math.floor((magnitude === 0n ? 0 : bitLength(magnitude)) / 8) + 1
  const hex = BigInt.asUintN(length * 8, value).toString(16)
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex').reverse()
}

function bitLength(value: bigint): number {
  const hex = value.toString(16)
  return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex[0], 16)))
}

function bigintOf(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes).reverse().toString('hex')
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex || '0'}`))
}
