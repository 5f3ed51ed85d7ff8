import { types } from 'node:util'
import { otherCopyOf } from '../../ground/brand.ts'
import { BOXED, DATE, KIND, MAP, REGEXP, SET, URL_OBJECT, URL_SEARCH_PARAMS } from '../bytes/format.ts'
import { writeArrayBuffer, writeSharedBuffer, writeView } from './buffers.ts'
import { setOtherWriters, writeArray, writeKeyedFields, writeValue } from './encode-value.ts'
import { writeError } from './errors.ts'
import { EntryStep } from './path.ts'
import { PLAIN, type Verdict, verdictOf } from './prototypes.ts'
import {
  checkLeaves,
  refuseArguments,
  refuseClosed,
  refuseCopy,
  refuseExternal,
  refuseInstance,
  refuseModule,
  refuseProxy
} from './refusals.ts'
import { getCodeCodec, type Kind, kindOf } from './registry.ts'
import type { Writer } from './writer.ts'

/** A built-in type: how to recognise it by what the object is, not by its prototype, and how to write it. */
interface BuiltIn {
  readonly test: (object: object) => boolean
  readonly write: (writer: Writer, object: never) => void
}

// The types' own methods: the object, or a subclass, may have others of the same name.
const getTime = Date.prototype.getTime
const mapForEach = Map.prototype.forEach
const setForEach = Set.prototype.forEach
const sourceOf = getterOf(RegExp.prototype, 'source')
const flagsOf = getterOf(RegExp.prototype, 'flags')
const hrefOf = getterOf(URL.prototype, 'href')
const textOf = URLSearchParams.prototype.toString

function getterOf(prototype: object, name: string): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get!
}

const MAP_TYPE: BuiltIn = { test: types.isMap, write: writeMap }
const SET_TYPE: BuiltIn = { test: types.isSet, write: writeSet }
const DATE_TYPE: BuiltIn = { test: types.isDate, write: writeDate }
const REGEXP_TYPE: BuiltIn = { test: types.isRegExp, write: writeRegExp }
const VIEW_TYPE: BuiltIn = { test: ArrayBuffer.isView, write: writeView }
const ARRAY_BUFFER_TYPE: BuiltIn = { test: types.isArrayBuffer, write: writeArrayBuffer }
const ERROR_TYPE: BuiltIn = { test: types.isNativeError, write: writeError }
const BOXED_TYPE: BuiltIn = { test: types.isBoxedPrimitive, write: writeBoxed }

const BUILT_INS: readonly BuiltIn[] = [
  MAP_TYPE,
  SET_TYPE,
  DATE_TYPE,
  REGEXP_TYPE,
  VIEW_TYPE,
  ARRAY_BUFFER_TYPE,
  ERROR_TYPE,
  BOXED_TYPE,
  { test: types.isArgumentsObject, write: refuseArguments },
  { test: types.isModuleNamespaceObject, write: refuseModule },
  { test: types.isExternal, write: refuseExternal },
  { test: types.isSharedArrayBuffer, write: writeSharedBuffer },
  ...[types.isPromise, types.isWeakMap, types.isWeakSet].map(test => ({
    test,
    write: refuseClosed
  })),
  ...[types.isGeneratorObject, types.isMapIterator, types.isSetIterator].map(test => ({ test, write: refuseClosed }))
]

/** The type to try first; what the object really is decides. */
const BY_PROTOTYPE = new Map<object | null, BuiltIn>([
  [Map.prototype, MAP_TYPE],
  [Set.prototype, SET_TYPE],
  [Date.prototype, DATE_TYPE],
  [RegExp.prototype, REGEXP_TYPE],
  [ArrayBuffer.prototype, ARRAY_BUFFER_TYPE],
  [Error.prototype, ERROR_TYPE],
  [TypeError.prototype, ERROR_TYPE],
  [RangeError.prototype, ERROR_TYPE],
  [Buffer.prototype, VIEW_TYPE],
  ...[DataView, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array].map(
    viewType
  ),
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array].map(viewType)
])

function viewType(constructor: { prototype: object }): [object, BuiltIn] {
  return [constructor.prototype, VIEW_TYPE]
}

function builtInOf(object: object): BuiltIn | undefined {
  for (let i = 0; i < BUILT_INS.length; i++) if (BUILT_INS[i].test(object)) return BUILT_INS[i]
  return undefined
}

/** Writes an object that is neither an array nor has `Object.prototype` (or only looks as if it had). */
function writeOther(writer: Writer, object: object, prototype: object | null): void {
  const kind = kindOf(object)
  if (kind !== null) {
    writeKind(writer, object, kind)
    return
  }
  const copy = otherCopyOf(object)
  if (copy !== undefined) refuseCopy(writer, object, copy)
  const expected = BY_PROTOTYPE.get(prototype)
  if (expected?.test(object)) {
    expected.write(writer, object as never)
    return
  }
  // Without `writeWithClass`: for objects nested a thousand deep, each call's frame counts.
  const code = getCodeCodec()
  if (code === null || prototype === null || !code.writeInstance(writer, object, prototype, writeContents)) {
    writeContents(writer, object, prototype)
  }
}

/** Writes an object that arrives with its class. Returns false if it has no class that the message must name. */
function writeWithClass(writer: Writer, object: object, prototype: object | null): boolean {
  const code = getCodeCodec()
  return code !== null && prototype !== null && code.writeInstance(writer, object, prototype, writeContents)
}

/** Writes the contents of an object, whatever its class. */
function writeContents(writer: Writer, object: object, prototype: object | null): void {
  if (Array.isArray(object)) {
    writeArray(writer, object)
    return
  }
  const verdict = prototype === null ? PLAIN : verdictOf(prototype)
  // Before its keys are listed: the keys of a typed array are its indexes.
  const builtIn = mayBeBuiltIn(object, prototype, verdict) ? builtInOf(object) : undefined
  if (builtIn !== undefined) {
    builtIn.write(writer, object as never)
    return
  }
  switch (verdict.is) {
    case 'host':
      refuseInstance(writer, verdict.name)
      break
    case 'error':
      writeError(writer, object as Error)
      break
    case 'url':
      writeText(writer, object, URL_OBJECT, hrefOf)
      break
    case 'search-params':
      writeText(writer, object, URL_SEARCH_PARAMS, textOf)
      break
    default:
      writeKeyedFields(writer, object as Record<string, unknown>, Object.keys(object))
  }
}

/** Returns false if the prototype and the fields show that the object is nothing but its fields. */
function mayBeBuiltIn(object: object, prototype: object | null, verdict: Verdict): boolean {
  if (verdict.is !== 'plain' || prototype === Object.prototype || ArrayBuffer.isView(object)) return true
  if (prototype === null && types.isModuleNamespaceObject(object)) return true
  for (const _ in object) return false
  return true
}

/** Writes a proxy as one of the registered kinds, or as its target and handler. */
function writeProxy(writer: Writer, proxy: object): void {
  const kind = kindOf(proxy)
  if (kind !== null) writeKind(writer, proxy, kind)
  else if (getCodeCodec()?.writeProxy(writer, proxy) !== true) refuseProxy(writer)
}

/** Writes the fields of an instance, or of an object without a prototype. */
function writeInstance(writer: Writer, object: Record<string, unknown>): void {
  writeKeyedFields(writer, object, Object.keys(object))
}

function writeKind(writer: Writer, object: object, kind: Kind): void {
  if (writer.audience !== 'family') checkLeaves(writer, object, kind)
  if (kind.request !== undefined) writer.moduleNumber(kind.request)
  writer.byte(KIND)
  writer.string(kind.name)
  const depth = writer.depth
  writeValue(writer, kind.encode(object, writer))
  writer.depth = depth
}

function writeMap(writer: Writer, map: Map<unknown, unknown>): void {
  // All entries first: a value may have getters, which may change the map.
  const entries: unknown[] = []
  mapForEach.call(map, (value, key) => entries.push(key, value))
  writer.byte(MAP)
  writer.count(entries.length / 2)
  const depth = writer.enter()
  const keyStep = new EntryStep('key')
  const valueStep = new EntryStep('value')
  for (let i = 0; i < entries.length; i += 2) {
    keyStep.index = valueStep.index = i / 2
    valueStep.key = entries[i]
    writer.steps[depth] = keyStep
    writeValue(writer, entries[i])
    writer.steps[depth] = valueStep
    writeValue(writer, entries[i + 1])
  }
  valueStep.key = undefined
  writer.depth = depth
}

function writeSet(writer: Writer, set: Set<unknown>): void {
  const members: unknown[] = []
  setForEach.call(set, member => members.push(member))
  writer.byte(SET)
  writer.count(members.length)
  const depth = writer.enter()
  const step = new EntryStep('member')
  writer.steps[depth] = step
  for (let i = 0; i < members.length; i++) {
    step.index = i
    writeValue(writer, members[i])
  }
  writer.depth = depth
}

function writeDate(writer: Writer, date: Date): void {
  writer.byte(DATE)
  writer.double(getTime.call(date))
}

function writeRegExp(writer: Writer, regexp: RegExp): void {
  writer.byte(REGEXP)
  writer.string(sourceOf.call(regexp) as string)
  writer.string(flagsOf.call(regexp) as string)
}

function writeBoxed(writer: Writer, object: object): void {
  let value: unknown
  if (types.isNumberObject(object)) value = Number.prototype.valueOf.call(object)
  else if (types.isStringObject(object)) value = String.prototype.valueOf.call(object)
  else if (types.isBooleanObject(object)) value = Boolean.prototype.valueOf.call(object)
  else if (types.isBigIntObject(object)) value = BigInt.prototype.valueOf.call(object)
  else writer.refuse('a boxed symbol', 'symbols are unique to their process; send a string')
  writer.byte(BOXED)
  writeValue(writer, value)
}

/** Writes an object that its text describes completely. */
function writeText(writer: Writer, object: object, tag: number, textIn: (this: never) => unknown): void {
  const text = fieldOf(object, textIn)
  if (text === undefined) {
    writeInstance(writer, object as Record<string, unknown>)
    return
  }
  writer.byte(tag)
  writer.string(text)
}

/** Returns undefined if the object only inherits from the type. */
function fieldOf(object: object, method: (this: never) => unknown): string | undefined {
  try {
    return method.call(object as never) as string
  } catch {
    return undefined
  }
}

setOtherWriters({ writeOther, writeProxy, writeWithClass })
