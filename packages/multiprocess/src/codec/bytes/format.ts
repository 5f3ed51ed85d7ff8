/**
 * The binary form of a value.
 *
 * A message is one byte of `VERSION | flags`, one value and, if `HAS_MODULES` is set, a trailer: the URLs of the modules that must be
 * imported before the message can be decoded (a count and that many strings), then, in the last four bytes, where the trailer begins.
 * Positions count from the message's first byte; numbers are little-endian.
 *
 * A value is a tag byte and what the tag says:
 *
 *     00-5F  an object with an identity; the tag is a multiple of four. Bit 0: something later in the message refers to
 *            it (set when that happens, so that the decoder remembers only such objects). Bit 1: some of its members are
 *            absent (holes of an array; fields that a getter deleted meanwhile).
 *     60-7F  other values
 *     80-9F  a string of 0 to 31 one-byte characters
 *     A0-FF  an integer from 0 to 95
 *
 * A count is one byte below 255, or 255 and four bytes.
 */

/** The first byte of every message, without its flags. */
export const VERSION = 0x10
export const HAS_MODULES = 0x01

/** Bit 0 of an object's tag: a later `REFERENCE` names its position. */
export const REFERRED = 1
/** Bit 1 of an object's tag: its members may be `ABSENT`. */
export const INCOMPLETE = 2

/** count, members; for holes: `ABSENT` and a count of holes */
export const ARRAY = 0x00
/** `ARRAY`, then an object with the array's other fields, in the form of `OBJECT` without its tag */
export const ARRAY_WITH_FIELDS = 0x04
/** count, then keys and values in turn */
export const OBJECT = 0x08
/** a shape's definition (see `Shape`), which gets the message's next shape number, then the values */
export const SHAPE_DEFINITION = 0x0c
/** a shape number (one byte), then the values */
export const SHAPE = 0x10
/** count, then keys and values in turn */
export const MAP = 0x14
/** count, members */
export const SET = 0x18
/** milliseconds as a double */
export const DATE = 0x1c
/** source, flags */
export const REGEXP = 0x20
/** the primitive value */
export const BOXED = 0x24
/** four bytes of length, eight of maxByteLength (-1: not resizable), the bytes */
export const ARRAY_BUFFER = 0x28
/** view type, view extent, (byteOffset, byteLength), the buffer */
export const VIEW = 0x2c
/** a `Buffer` that shares its memory with others: four bytes of length, its own bytes */
export const POOLED_BUFFER = 0x30
/** class name, (DOMException: message, name), then key, enumerability and value in turn, up to an `ABSENT` */
export const ERROR = 0x34
/** href */
export const URL_OBJECT = 0x38
/** the text */
export const URL_SEARCH_PARAMS = 0x3c
/** module number (a count), export name */
export const FUNCTION = 0x40
/** the kind's name, its data */
export const KIND = 0x44
/** code and what depends on it: see code-format.ts */
export const CODE = 0x48
/** length, offset in the memory that follows the message (a double) */
export const LARGE_BUFFER = 0x4c
/** the number of a required module, which is `buffer:` and the buffer's name */
export const SHARED_BUFFER = 0x50

export const UNDEFINED = 0x60
export const NULL = 0x61
export const TRUE = 0x62
export const FALSE = 0x63
export const INT16 = 0x64
export const INT32 = 0x65
export const DOUBLE = 0x66
export const BIGINT64 = 0x67
/** sign (one byte), four bytes of length, the magnitude's bytes, most significant first */
export const BIGINT = 0x68
/** one byte of length, one byte per character */
export const STRING8 = 0x69
/** four bytes of length, one byte per character */
export const STRING32 = 0x6a
/** one byte of length, two bytes per character */
export const WIDE_STRING8 = 0x6b
/** four bytes of length (in characters), two bytes per character */
export const WIDE_STRING32 = 0x6c
/** four bytes: the position of the tag of an earlier object */
export const REFERENCE = 0x6d
export const ABSENT = 0x6e

export const SHORT_STRING = 0x80
export const SHORT_STRING_LENGTHS = 32
export const SMALL_INTEGER = 0xa0
export const SMALL_INTEGERS = 96

/** How a view lies in its buffer. */
export const WHOLE_BUFFER = 0
export const PART_OF_BUFFER = 1
export const LENGTH_TRACKING = 2

/** Further shapes get no number: they are defined each time. */
export const MAX_SHAPES = 256

/** The maximum length of a message in bytes; positions then fit into 31 bits. */
export const MAX_MESSAGE = 0x7fffffff

/** The maximum depth of containers: both sides manage it on Node's default stack, even with code that is not compiled yet. */
export const MAX_DEPTH = 1000

/** Returns true if V8 threw this error because the stack was used up; this may happen earlier if little of the stack is left. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message === 'Maximum call stack size exceeded'
}

/** View types by their number in messages; `Buffer` is a `Uint8Array` that arrives as a `Buffer`. */
export const VIEW_TYPES = [
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
  'Buffer'
] as const
