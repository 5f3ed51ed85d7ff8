/** Writes functions, classes and instances to a message. */

import { types } from 'node:util'
import { FUNCTION, REFERRED } from '../bytes/format.ts'
import type { AnyFunction } from '../references/data.ts'
import { InspectorUnavailableError, type ProxyFacts } from '../references/inspector.ts'
import { nameOf, textOf } from '../references/loaded/function-text.ts'
import { describeFunction, explainRefusal } from '../references/refusals.ts'
import { writeKeyedFields, writeValue } from '../values/encode-value.ts'
import { refuseCode } from '../values/refusals.ts'
import type { CodeCodec, WriteContents } from '../values/registry.ts'
import type { Writer } from '../values/writer.ts'
import { classOf, isPlainHeirloom, privateMembers } from './class-instances.ts'
import { type Code, type Way, wayOf } from './facts.ts'
import { BOUND, HEIR, INSTANCE, INSTANCE_WITH_FIELDS, PROXY, REDUCED } from './format.ts'
import { Refused } from './refusals.ts'
import { CodeSession } from './session.ts'

const REDUCE = Symbol.for('multiprocess.reduce')

export const codeCodec: CodeCodec = { writeFunction, writeInstance, writeProxy }

function sessionOf(writer: Writer): CodeSession {
  writer.code ??= new CodeSession(writer)
  return writer.code as CodeSession
}

/** Writes a function that the message has not met yet. */
function writeFunction(writer: Writer, fn: AnyFunction): void {
  if (types.isProxy(fn) ? writeProxy(writer, fn) : writeReduced(writer, fn)) return
  const way = findWay(writer, fn)
  switch (way.way) {
    case 'reference':
      writer.byte(FUNCTION)
      writer.count(writer.moduleNumber(way.reference.module))
      writer.string(way.reference.export)
      break
    case 'refused':
      refuseFunction(writer, fn, explainRefusal(fn, way.refusal), way.cause)
      break
    case 'bound':
      writeBound(writer, fn)
      break
    default:
      writeCode(writer, fn, way)
  }
}

function findWay(writer: Writer, fn: AnyFunction): Way {
  try {
    return wayOf(fn, () => sessionOf(writer).reader)
  } catch (error) {
    if (error instanceof Refused) refuseFunction(writer, fn, error.message)
    throw error
  }
}

function refuseFunction(writer: Writer, fn: AnyFunction, reason: string, cause?: unknown): never {
  if (writer.origin !== null) writer.fail(reason, cause)
  const path = writer.path()
  writer.failWith(`${describeFunction(fn)}${path === '' ? '' : ` (${path})`}: ${reason}`, cause)
}

function writeCode(writer: Writer, fn: AnyFunction, code: Code): void {
  try {
    sessionOf(writer).writeFunction(fn, code)
  } catch (error) {
    if (error instanceof Refused) refuseFunction(writer, fn, error.message)
    throw error
  }
}

function writeBound(writer: Writer, fn: AnyFunction): void {
  const session = sessionOf(writer)
  const facts = session.reader.readBound(fn)
  if (facts === undefined) refuseFunction(writer, fn, 'it is native code that nothing exports')
  const { target, boundThis, args } = facts
  const { position } = writer
  session.begin(BOUND)
  session.make('the bound function', position, () => {
    const depth = writer.enter()
    writer.steps[depth] = 'target'
    writeValue(writer, target)
    writer.steps[depth] = 'this'
    if (!session.writeShell(boundThis)) writeValue(writer, boundThis)
    writer.steps[depth] = 'args'
    writeValue(writer, args)
    writer.depth = depth
  })
}

/** Returns false if V8 does not reveal what the proxy is made of. */
function writeProxy(writer: Writer, proxy: object): boolean {
  if (writer.audience === 'stranger') return false
  const session = sessionOf(writer)
  const facts = readProxy(session, proxy)
  if (facts === undefined) return false
  const { position } = writer
  session.begin(PROXY)
  session.make('the proxy', position, () => {
    const depth = writer.enter()
    for (const part of ['target', 'handler'] as const) {
      writer.steps[depth] = part
      if (!session.writeShell(facts[part])) writeValue(writer, facts[part])
    }
    writer.depth = depth
  })
  return true
}

function readProxy(session: CodeSession, proxy: object): ProxyFacts | undefined {
  try {
    return session.reader.readProxy(proxy)
  } catch (error) {
    if (error instanceof InspectorUnavailableError) return undefined
    throw error
  }
}

/**
 * Writes an object whose class the message must name. Returns false if there is none. Its frame is small, because it counts for deep
 * nesting.
 */
function writeInstance(writer: Writer, object: object, prototype: object, writeContents: WriteContents): boolean {
  if (writeReduced(writer, object)) return true
  const position = beginInstance(writer, object, prototype)
  if (position < 0) return false
  writeContents(writer, object, prototype)
  endInstance(writer, object, prototype, position)
  return true
}

/** Returns the position of the contents, or -1 if the object has no class that the message must name. */
function beginInstance(writer: Writer, object: object, prototype: object): number {
  const constructor = classOf(prototype)
  if (constructor === null) {
    if (prototype === Object.prototype || !isHeir(object, prototype)) return -1
  } else {
    const names = privateMembers(prototype)
    if (names.length > 0) refusePrivateMembers(writer, constructor, names)
  }
  if (writer.audience === 'stranger') refuseCode(writer, constructor ?? constructorBehind(prototype), true)
  const session = sessionOf(writer)
  const isExotic = constructor !== null && hasOtherFields(object)
  session.begin(constructor === null ? HEIR : isExotic ? INSTANCE_WITH_FIELDS : INSTANCE)
  session.writeClass(constructor ?? prototype)
  writer.tellsClass = types.isNativeError(object)
  return writer.position
}

function endInstance(writer: Writer, object: object, prototype: object, position: number): void {
  writer.mark(position, REFERRED)
  if (classOf(prototype) !== null && hasOtherFields(object)) writeOtherFields(writer, object)
}

function isHeir(object: object, prototype: object): boolean {
  return !Array.isArray(object) && !types.isNativeError(object) && isPlainHeirloom(prototype)
}

/** Returns true if an object of a class that extends a built-in type may hold more than the type's own content. */
function hasOtherFields(object: object): boolean {
  if (types.isNativeError(object) || Array.isArray(object)) return false
  const isBuiltIn =
    types.isMap(object) ||
    types.isSet(object) ||
    types.isDate(object) ||
    types.isRegExp(object) ||
    types.isBoxedPrimitive(object) ||
    types.isAnyArrayBuffer(object) ||
    ArrayBuffer.isView(object) ||
    object instanceof URL ||
    object instanceof URLSearchParams
  return isBuiltIn && otherKeys(object).length > 0
}

function otherKeys(object: object): string[] {
  const keys = Object.keys(object)
  // Characters and elements.
  return types.isStringObject(object) || types.isTypedArray(object) ? keys.filter(key => !/^\d+$/.test(key)) : keys
}

function writeOtherFields(writer: Writer, object: object): void {
  writeKeyedFields(writer, object as Record<string, unknown>, otherKeys(object))
}

function refusePrivateMembers(writer: Writer, constructor: AnyFunction, names: readonly string[]): never {
  const name = nameOf(constructor) === '' ? 'an anonymous class' : `class ${nameOf(constructor)}`
  writer.refuse(
    `an instance of ${name} with private members (${names.length > 4 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ')})`,
    'give the class a [Symbol.for("multiprocess.reduce")]() method returning [constructor, args]'
  )
}

function constructorBehind(object: object): AnyFunction {
  const { constructor } = object as { constructor?: unknown }
  return typeof constructor === 'function' ? (constructor as AnyFunction) : Object
}

/** Returns true if the callee must be called with `new`. */
function isClassOf(callee: AnyFunction, object: object): boolean {
  const prototype: unknown = Object.getOwnPropertyDescriptor(callee, 'prototype')?.value
  if (textOf(callee).startsWith('class')) return true
  return typeof prototype === 'object' && prototype !== null && Object.prototype.isPrototypeOf.call(prototype, object)
}

/** Writes an object, or a function, that defines itself how to make it again. */
function writeReduced(writer: Writer, object: object): boolean {
  const reduce: unknown = (object as Record<symbol, unknown>)[REDUCE]
  if (typeof reduce !== 'function') return false
  if (writer.audience === 'stranger') refuseCode(writer, constructorBehind(object), true)
  const reduced: unknown = reduce.call(object)
  const [callee, args = []] = Array.isArray(reduced) ? (reduced as unknown[]) : []
  if (typeof callee !== 'function' || !Array.isArray(args)) {
    writer.fail('its [Symbol.for("multiprocess.reduce")]() must return [constructor or function, array of arguments]')
  }
  const session = sessionOf(writer)
  const { position } = writer
  session.begin(REDUCED)
  writer.byte(isClassOf(callee, object) ? 1 : 0)
  session.makeByCall('the object', position, () => {
    const depth = writer.enter()
    writer.steps[depth] = 'constructor'
    writeValue(writer, callee)
    writer.steps[depth] = 'args'
    writeValue(writer, args)
    writer.depth = depth
  })
  return true
}
