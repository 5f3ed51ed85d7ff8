/** The type codes of Python's `array` and `ctypes`, as `multiprocessing.Value` and `Array` take them. */
import { describe } from '../checks.ts'
import { ValueError } from '../errors.ts'

/**
 * A type code of Python's `array`: `c` text with one byte for each character, `u` text, `b` `B` 8 bits, `h` `H` 16, `i` `I` 32, `l` `L` `q`
 * `Q` 64, `f` `d` floating point with 32 and 64 bits. Capital letters are unsigned.
 */
export type TypeCode = 'c' | 'u' | 'b' | 'B' | 'h' | 'H' | 'i' | 'I' | 'l' | 'L' | 'q' | 'Q' | 'f' | 'd'

/** The type of an element in JavaScript: bigint for 64 bits, string or number for text, number otherwise. */
export type ElementOf<C extends TypeCode> = C extends 'l' | 'L' | 'q' | 'Q'
  ? bigint
  : C extends 'c' | 'u'
    ? string | number
    : number

/** The typed array of each type code. */
export interface TypedArrays {
  c: Uint8Array
  u: Uint32Array
  b: Int8Array
  B: Uint8Array
  h: Int16Array
  H: Uint16Array
  i: Int32Array
  I: Uint32Array
  l: BigInt64Array
  L: BigUint64Array
  q: BigInt64Array
  Q: BigUint64Array
  f: Float32Array
  d: Float64Array
}

/** The typed array of a type code. */
export type TypedArrayOf<C extends TypeCode> = TypedArrays[C]

export type AnyTypedArray = TypedArrays[TypeCode]

interface Type {
  /** The name that `util.inspect` shows. */
  readonly name: string
  readonly array: new (buffer: ArrayBufferLike, offset: number, length: number) => AnyTypedArray
  readonly bytes: number
  /** The least and the largest element; undefined: any number. */
  readonly range?: readonly [least: number | bigint, most: number | bigint]
  /** The largest code of a character. */
  readonly text?: number
}

const integer = (array: Type['array'], bits: number, isSigned: boolean): Type => ({
  name: `${isSigned ? 'int' : 'uint'}${bits}`,
  array,
  bytes: bits / 8,
  range: isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]
})
const INT64: Type = { name: 'int64', array: BigInt64Array, bytes: 8, range: [-(2n ** 63n), 2n ** 63n - 1n] }
const UINT64: Type = { name: 'uint64', array: BigUint64Array, bytes: 8, range: [0n, 2n ** 64n - 1n] }

const TYPES: Readonly<Record<TypeCode, Type>> = {
  c: { ...integer(Uint8Array, 8, false), name: 'char', text: 0xff },
  u: { ...integer(Uint32Array, 32, false), name: 'wchar', range: [0, 0x10ffff], text: 0x10ffff },
  b: integer(Int8Array, 8, true),
  B: integer(Uint8Array, 8, false),
  h: integer(Int16Array, 16, true),
  H: integer(Uint16Array, 16, false),
  i: integer(Int32Array, 32, true),
  I: integer(Uint32Array, 32, false),
  l: INT64,
  L: UINT64,
  q: INT64,
  Q: UINT64,
  f: { name: 'float32', array: Float32Array, bytes: 4 },
  d: { name: 'float64', array: Float64Array, bytes: 8 }
}

/** @throws TypeError if `code` is not a string; ValueError if no type has this code */
export function typeOf(code: TypeCode): Type {
  if (typeof code !== 'string') throw new TypeError(`the type code must be a string such as 'i', got ${describe(code)}`)
  if (!Object.hasOwn(TYPES, code)) {
    throw new ValueError(`unknown type code '${code}'; use one of ${Object.keys(TYPES).join(' ')}`)
  }
  return TYPES[code]
}

/**
 * Returns the number that is stored for an element.
 * @throws TypeError if the element has the wrong type; ValueError if it is out of the type code's range
 */
export function toElement(code: TypeCode, value: unknown, name: string): number | bigint {
  const { range, text } = typeOf(code)
  if (text !== undefined && typeof value === 'string') return toCharacter(value, text, name)
  const kind = typeof range?.[0] === 'bigint' ? 'bigint' : 'number'
  if (typeof value !== kind) {
    throw new TypeError(
      `${name} must be a ${kind}${text === undefined ? '' : ' or a character'}, got ${describe(value)}`
    )
  }
  const element = value as number | bigint
  if (range === undefined) return element
  if (kind === 'number' && !Number.isInteger(element))
    throw new ValueError(`${name} must be an integer, got ${element}`)
  if (element < range[0] || element > range[1]) {
    throw new ValueError(`${name} must be from ${range[0]} to ${range[1]} (type code '${code}'), got ${element}`)
  }
  return element
}

function toCharacter(value: string, largest: number, name: string): number {
  const [character] = value
  if (character === undefined || character.length !== value.length) {
    throw new ValueError(`${name} must be one character, got ${value.length}`)
  }
  const point = character.codePointAt(0) as number
  if (point > largest) throw new ValueError(`${name} must be a character of one byte, got '${character}'`)
  return point
}
