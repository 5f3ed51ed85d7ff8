import { inspect, types } from 'node:util'
import {
  ABSENT,
  ARRAY,
  ARRAY_WITH_FIELDS,
  FALSE,
  FUNCTION,
  INCOMPLETE,
  NULL,
  OBJECT,
  TRUE,
  UNDEFINED
} from '../bytes/format.ts'
import type { AnyFunction } from '../references/data.ts'
import { shapeOf, writeShape } from './encode-shape.ts'
import { isExotic } from './prototypes.ts'
import { refuseCode, refuseFunction, refuseSymbol } from './refusals.ts'
import { getCodeCodec, getFunctionCodec } from './registry.ts'
import type { Writer } from './writer.ts'

const { isProxy } = types
const { isArray } = Array
const { getPrototypeOf, keys: keysOf, hasOwn } = Object
const objectPrototype = Object.prototype
const arrayPrototype = Array.prototype

/** The fields of a longer array are found in a way whose cost does not grow with the length. */
const LISTED_LENGTH = 64
/** So many numbers fit into no place for short messages; they go where there is room for all. */
const NUMBERS_IN_ROW = 512
const ONLY_FIELDS = {
  maxArrayLength: 0,
  depth: 0,
  customInspect: false,
  showHidden: false,
  showProxy: false,
  sorted: false,
  getters: false,
  colors: false,
  compact: 3,
  breakLength: Number.POSITIVE_INFINITY,
  numericSeparator: false
} as const

/** Writes objects that are neither arrays nor plain objects; see `encode-other.ts`. */
export interface OtherWriters {
  writeOther(writer: Writer, object: object, prototype: object | null): void
  /** Writes a proxy without running its handler. */
  writeProxy(writer: Writer, proxy: object): void
  /** Writes an object that arrives with its class. Returns false if it has no such class. */
  writeWithClass(writer: Writer, object: object, prototype: object | null): boolean
}

let others: OtherWriters

export function setOtherWriters(writers: OtherWriters): void {
  others = writers
}

/** Writes any value. The caller has set the step that leads to it. */
export function writeValue(writer: Writer, value: unknown): void {
  switch (typeof value) {
    case 'number':
      writer.number(value)
      break
    case 'string':
      writer.string(value)
      break
    case 'object':
      if (value === null) writer.byte(NULL)
      else writeObject(writer, value)
      break
    case 'boolean':
      writer.byte(value ? TRUE : FALSE)
      break
    case 'undefined':
      writer.byte(UNDEFINED)
      break
    case 'bigint':
      writer.bigint(value)
      break
    case 'function':
      writeFunction(writer, value)
      break
    default:
      if (writer.code === null || !writer.code.writeSymbol(value as symbol)) refuseSymbol(writer, value as symbol)
  }
}

function writeObject(writer: Writer, object: object): void {
  if (writer.meet(object)) return
  if (writer.code?.isCapturing && writer.code.writeKnown(object)) return
  if (isProxy(object)) {
    // First, because every other test would run the proxy's handler.
    others.writeProxy(writer, object)
  } else if (isArray(object)) {
    const prototype = getPrototypeOf(object)
    if (prototype === arrayPrototype || !others.writeWithClass(writer, object, prototype)) writeArray(writer, object)
  } else {
    const prototype = getPrototypeOf(object)
    if (prototype === objectPrototype) writePlainObject(writer, object as Record<string, unknown>)
    else others.writeOther(writer, object, prototype)
  }
}

function writeFunction(writer: Writer, fn: AnyFunction): void {
  if (writer.audience === 'stranger') refuseCode(writer, fn)
  const code = getCodeCodec()
  if (code !== null) {
    if (!writer.meet(fn)) code.writeFunction(writer, fn)
    return
  }
  const codec = getFunctionCodec()
  if (codec === null) refuseFunction(writer, fn)
  if (writer.meet(fn)) return
  const reference = codec.referenceOf(fn, writer.path())
  writer.byte(FUNCTION)
  writer.count(writer.moduleNumber(reference.module))
  writer.string(reference.export)
}

/** Writes an object with `Object.prototype`, as nearly all objects have. */
function writePlainObject(writer: Writer, object: Record<string, unknown>): void {
  const shape = writer.hasPlainPrototype ? shapeOf(object) : null
  if (shape === null) {
    writeFields(writer, object)
    return
  }
  const keys = shape.keys
  if (shape.startsWithIndex && isExotic(object, '0')) {
    others.writeOther(writer, object, objectPrototype)
    return
  }
  const position = writer.pos - writer.base
  writeShape(writer, shape)
  const depth = writer.enter()
  let i = 0
  for (const key in object) {
    // A getter may have deleted keys meanwhile; this loop leaves them out.
    for (; i < keys.length && key !== keys[i]; i++) writeAbsent(writer, position)
    if (i++ >= keys.length) break
    const value = object[key]
    if (typeof value === 'string') {
      writer.string(value)
    } else if (typeof value === 'number') {
      writer.number(value)
    } else {
      writer.steps[depth] = key
      writeValue(writer, value)
    }
  }
  for (; i < keys.length; i++) writeAbsent(writer, position)
  writer.depth = depth
}

function writeAbsent(writer: Writer, position: number): void {
  writer.mark(position, INCOMPLETE)
  writer.byte(ABSENT)
}

/** Writes an object with its keys. An object without keys may be something else, and is examined. */
function writeFields(writer: Writer, object: Record<string, unknown>): void {
  const keys = keysOf(object)
  if (isExotic(object, keys[0])) {
    others.writeOther(writer, object, objectPrototype)
  } else {
    writeKeyedFields(writer, object, keys)
  }
}

/** Writes any object as a plain one. */
export function writeKeyedFields(writer: Writer, object: Record<string, unknown>, keys: readonly string[]): void {
  const position = writer.position
  writer.byte(OBJECT)
  writeEntries(writer, object, keys, 0, position)
}

function writeEntries(
  writer: Writer,
  object: Record<string, unknown>,
  keys: readonly string[],
  from: number,
  position: number
): void {
  writer.count(keys.length - from)
  const depth = writer.enter()
  for (let i = from; i < keys.length; i++) {
    const key = keys[i]
    writer.string(key)
    writer.steps[depth] = key
    const value = object[key]
    if (value === undefined && !hasOwn(object, key)) {
      writeAbsent(writer, position)
    } else {
      writeValue(writer, value)
    }
  }
  writer.depth = depth
}

export function writeArray(writer: Writer, array: unknown[]): void {
  const length = array.length
  if (length > LISTED_LENGTH && (isRow(writer, array) || hasNoFields(array))) {
    writeElements(writer, array, length)
    return
  }
  const keys = keysOf(array)
  // Indexes come first and in order: if there are as many keys as elements, and the last index is the last key, there is neither a hole nor
  // a field.
  if (keys.length === length && (length === 0 || isDecimal(keys[length - 1], length - 1))) {
    writeElements(writer, array, length)
    return
  }
  let indexes = 0
  while (indexes < keys.length && isIndex(keys[indexes])) indexes++
  const position = writer.position
  writer.byte(indexes === keys.length ? ARRAY : ARRAY_WITH_FIELDS)
  writer.count(length)
  writeListedElements(writer, array, 0, length, keys, position)
  if (indexes < keys.length) writeEntries(writer, array as never, keys, indexes, position)
}

/** Returns true if `text` is the decimal form of `number`; faster than formatting the number. */
function isDecimal(text: string, number: number): boolean {
  if (number < 10) return text.length === 1 && text.charCodeAt(0) === 48 + number
  return text === String(number)
}

/**
 * Returns true if an array has no enumerable fields besides its elements; false if in doubt. Each way of the language to ask this lists all
 * indexes; `inspect` asks V8 for the other fields alone.
 */
function hasNoFields(array: unknown[]): boolean {
  return (
    getPrototypeOf(array) === arrayPrototype && inspect(array, ONLY_FIELDS) === `[ ... ${array.length} more items ]`
  )
}

const isRow = (writer: Writer, array: unknown[]) => array === writer.row && getPrototypeOf(array) === arrayPrototype

function writeElements(writer: Writer, array: unknown[], length: number): void {
  const position = writer.position
  writer.byte(ARRAY)
  writer.count(length)
  const depth = writer.enter()
  let i = 0
  let value = array[0]
  if (length >= NUMBERS_IN_ROW) {
    i = writer.numbers(array, length)
    value = writer.stopped
  }
  while (i < length) {
    if (typeof value === 'number') {
      writer.number(value)
    } else if (typeof value === 'string') {
      writer.string(value)
    } else if (value === undefined && !hasOwn(array, i)) {
      writer.depth = depth
      writeListedElements(writer, array, i, length, keysOf(array), position)
      return
    } else {
      writer.steps[depth] = i
      writeValue(writer, value)
    }
    if (++i < length) value = array[i]
  }
  writer.depth = depth
}

/** Writes the elements from `index` on, following the array's keys: holes cost nothing, however many they are. */
function writeListedElements(
  writer: Writer,
  array: unknown[],
  index: number,
  length: number,
  keys: readonly string[],
  position: number
): void {
  const depth = writer.enter()
  for (const key of keys) {
    if (!isIndex(key)) break
    const i = Number(key)
    if (i < index) continue
    if (i >= length) break
    const value = array[i]
    if (value === undefined && !hasOwn(array, i)) continue
    if (i > index) writeHoles(writer, i - index, position)
    writer.steps[depth] = i
    writeValue(writer, value)
    index = i + 1
  }
  if (index < length) writeHoles(writer, length - index, position)
  writer.depth = depth
}

function isIndex(key: string): boolean {
  const code = key.charCodeAt(0)
  if (!(code >= 48 && code <= 57)) return false
  const index = Number(key) >>> 0
  return index !== 0xffffffff && String(index) === key
}

function writeHoles(writer: Writer, count: number, position: number): void {
  writer.mark(position, INCOMPLETE)
  writer.byte(ABSENT)
  writer.count(count)
}
