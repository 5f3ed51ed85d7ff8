import { MAX_SHAPES, SHAPE, SHAPE_DEFINITION } from '../bytes/format.ts'
import type { Writer } from './writer.ts'

/**
 * A list of keys that several objects had. A message contains it once, in a form that both sides recognise without reading the keys: the
 * encoder by comparing the identity of the keys, the decoder by comparing words.
 *
 * Definition: tag, number of keys, number of words in two bytes; four bytes of hash (which only helps the decoder find a shape that it
 * knows); then the keys, padded with zeros to whole words: for each a byte `length * 2 + (1 if wide)` and its characters in one byte each,
 * or in two.
 */
export class Shape {
  readonly keys: readonly string[]
  readonly hash: number
  /** The whole definition, including the tag. */
  readonly words: Int32Array
  /** The writer whose present message defines this shape, and the shape's number there. */
  writer: Writer | null = null
  number = 0
  /** The shape that followed this one the last time: a guess at what comes next. */
  next: Shape | null = null
  readonly startsWithIndex: boolean

  constructor(keys: readonly string[], hash: number, words: Int32Array) {
    this.keys = keys
    this.hash = hash
    this.words = words
    this.startsWithIndex = keys[0] === '0'
  }
}

/** V8 makes an object with up to this many keys at once, and a table if there are more. */
const MAX_KEYS = 127
const MAX_KEY_LENGTH = 127
const MAX_WORDS = 1023
const TABLE_SIZE = 1024

const table: (Shape | null)[] = new Array(TABLE_SIZE).fill(null)
/** The hash of the keys that last missed this place; keys that miss twice in a row become a shape. */
const missed = new Int32Array(TABLE_SIZE)
const found: string[] = new Array(MAX_KEYS).fill('')

let last = new Shape([], 0, new Int32Array(0))

/** Returns the shape of an object whose prototype has no enumerable fields; null if its keys must be written out. */
export function shapeOf(object: object): Shape | null {
  const guess = last.next
  if (guess !== null) {
    const keys = guess.keys
    let count = 0
    for (const key in object) {
      if (count >= keys.length || key !== keys[count]) {
        count = -1
        break
      }
      count++
    }
    if (count === keys.length) {
      last = guess
      return guess
    }
  }
  let count = 0
  for (const key in object) {
    if (count >= MAX_KEYS) return null
    found[count++] = key
  }
  return count === 0 ? null : lookup(count)
}

function lookup(count: number): Shape | null {
  let hash = count
  for (let i = 0; i < count; i++) {
    const key = found[i]
    hash =
      (Math.imul(hash, 31) +
        Math.imul(key.length, 7) +
        key.charCodeAt(0) +
        Math.imul(key.charCodeAt(key.length >> 1), 5) +
        Math.imul(key.charCodeAt(key.length - 1), 3)) |
      0
  }
  hash ^= hash >>> 15
  const place = hash & (TABLE_SIZE - 1)
  let shape = table[place]
  if (shape === null || !hasKeys(shape, count)) {
    if (missed[place] !== hash) {
      missed[place] = hash
      return null
    }
    shape = createShape(found.slice(0, count), hash)
    if (shape === null) return null
    table[place] = shape
  }
  last.next = shape
  last = shape
  return shape
}

function hasKeys(shape: Shape, count: number): boolean {
  const keys = shape.keys
  if (keys.length !== count) return false
  for (let i = 0; i < count; i++) if (keys[i] !== found[i]) return false
  return true
}

function createShape(keys: readonly string[], hash: number): Shape | null {
  const bytes: number[] = [SHAPE_DEFINITION, keys.length, 0, 0, hash, hash >> 8, hash >> 16, hash >> 24]
  for (const key of keys) {
    if (key.length > MAX_KEY_LENGTH) return null
    let isWide = 0
    for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) > 255) isWide = 1
    bytes.push(key.length * 2 + isWide)
    for (let i = 0; i < key.length; i++) {
      bytes.push(key.charCodeAt(i))
      if (isWide) bytes.push(key.charCodeAt(i) >> 8)
    }
  }
  while (bytes.length % 4 !== 0) bytes.push(0)
  const words = bytes.length / 4 - 2
  if (words > MAX_WORDS) return null
  bytes[2] = words
  bytes[3] = words >> 8
  const view = new DataView(Uint8Array.from(bytes).buffer)
  const definition = new Int32Array(bytes.length / 4)
  for (let i = 0; i < definition.length; i++) definition[i] = view.getInt32(4 * i, true)
  return new Shape(keys, hash, definition)
}

export function writeShape(writer: Writer, shape: Shape): void {
  if (shape.writer === writer) {
    writer.ensure(2)
    writer.u8[writer.pos] = SHAPE
    writer.u8[writer.pos + 1] = shape.number
    writer.pos += 2
    return
  }
  const words = shape.words
  writer.ensure(4 * words.length)
  const view = writer.view
  let pos = writer.pos
  for (let i = 0; i < words.length; i++, pos += 4) view.setInt32(pos, words[i], true)
  writer.pos = pos
  // After the last number, or in the middle of another writer's message, the shape is defined again.
  if (writer.shapes.length < MAX_SHAPES) {
    shape.writer = writer
    shape.number = writer.shapes.length
    writer.shapes.push(shape)
  }
}
