import { costOfKeys } from './budget.ts'
import type { Reader } from './reader.ts'

/** Makes an object from its field values, in their order; if it has more than `MOST_ARGUMENTS` fields, from the reader. */
export type Make = (...values: unknown[]) => object

/** A shape that messages have defined, as the decoder knows it. */
export interface KnownShape {
  readonly keys: readonly string[]
  readonly hash: number
  /** The keys as the message has them. */
  readonly words: Int32Array
  /** Compiled once objects of the shape have come several times. */
  make: Make | null
  uses: number
  /** Estimated bytes of an object; see `Budget`. */
  readonly cost: number
}

/** The number of arguments that `makeObject` can pass. */
const MOST_ARGUMENTS = 6
const USES_BEFORE_COMPILING = 8
const TABLE_SIZE = 1024

const table: (KnownShape | null)[] = new Array(TABLE_SIZE).fill(null)

/** Reads a definition (see `Shape` for its layout) whose tag has been read. */
export function readShapeDefinition(reader: Reader): KnownShape {
  const pos = reader.take(7)
  const keyCount = reader.u8[pos]
  const wordCount = reader.u8[pos + 1] | (reader.u8[pos + 2] << 8)
  const view = reader.view
  const hash = view.getInt32(pos + 3, true)
  const start = reader.take(4 * wordCount)
  const place = hash & (TABLE_SIZE - 1)
  const known = table[place]
  if (
    known !== null &&
    known.hash === hash &&
    known.keys.length === keyCount &&
    isSame(known.words, wordCount, view, start)
  ) {
    if (known.make === null && ++known.uses >= USES_BEFORE_COMPILING && mayCompile(reader))
      known.make = compile(known.keys)
    return known
  }
  const words = new Int32Array(wordCount)
  for (let i = 0; i < wordCount; i++) words[i] = view.getInt32(start + 4 * i, true)
  const keys = readKeys(reader, keyCount, start)
  const shape: KnownShape = { keys, hash, words, make: null, uses: 0, cost: costOfKeys(keys) }
  table[place] = shape
  return shape
}

function mayCompile({ budget }: Reader): boolean {
  return budget === null || budget.mayCompile()
}

/** Makes an object of the next values. */
export function makeObject(make: Make, keyCount: number, reader: Reader): object {
  switch (keyCount) {
    case 1:
      return make(reader.value())
    case 2:
      return make(reader.value(), reader.value())
    case 3:
      return make(reader.value(), reader.value(), reader.value())
    case 4:
      return make(reader.value(), reader.value(), reader.value(), reader.value())
    case 5:
      return make(reader.value(), reader.value(), reader.value(), reader.value(), reader.value())
    case 6:
      return make(reader.value(), reader.value(), reader.value(), reader.value(), reader.value(), reader.value())
    default:
      return make(reader)
  }
}

export function setField(object: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    ;(object as Record<string, unknown>)[key] = value
  }
}

function isSame(words: Int32Array, count: number, view: DataView, start: number): boolean {
  if (words.length !== count) return false
  for (let i = 0; i < count; i++) if (view.getInt32(start + 4 * i, true) !== words[i]) return false
  return true
}

function readKeys(reader: Reader, count: number, start: number): string[] {
  const { u8, pos: end } = reader
  const keys: string[] = []
  let pos = start
  for (let i = 0; i < count; i++) {
    const length = u8[pos] >> 1
    const isWide = (u8[pos] & 1) === 1
    pos++
    if (pos + (isWide ? 2 * length : length) > end) reader.damaged('the keys of an object end too early')
    let key = ''
    for (let j = 0; j < length; j++) {
      key += String.fromCharCode(isWide ? u8[pos] | (u8[pos + 1] << 8) : u8[pos])
      pos += isWide ? 2 : 1
    }
    keys.push(key)
  }
  return keys
}

/**
 * Compiles a function that makes objects of this shape with an object literal, several times as fast as adding field by field. The keys,
 * which anyone may have chosen, are string literals in it. Returns null if the program forbids code from strings.
 */
function compile(keys: readonly string[]): Make | null {
  const names = keys.map(key => (key === '__proto__' ? '["__proto__"]' : JSON.stringify(key)))
  const parameters = keys.length > MOST_ARGUMENTS ? ['reader'] : keys.map((_, i) => `v${i}`)
  const fields = names.map((name, i) => `${name}: ${keys.length > MOST_ARGUMENTS ? 'reader.value()' : `v${i}`}`)
  try {
    return new Function(...parameters, `return { ${fields.join(', ')} }`) as Make
  } catch {
    return null
  }
}
