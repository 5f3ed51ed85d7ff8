import { ERROR_CLASSES } from '../../errors.ts'
import { ABSENT, ERROR, FALSE, TRUE } from '../bytes/format.ts'
import { writeValue } from './encode-value.ts' // lazy
import { mapStack } from './mapped-stacks.ts'
import { ownValue } from './own-value.ts'
import { type Reader, setObjectReader } from './reader.ts'
import type { Writer } from './writer.ts'

type ErrorClass = { prototype: Error }

const BRAND = Symbol.for('multiprocess.error')

const BUILT_INS: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError].map(errorClass => [
    errorClass.name,
    errorClass
  ])
)

/** Returns the prototype of the class of this name; undefined if this process does not know the class. */
function errorPrototype(name: string): Error | undefined {
  return (BUILT_INS.get(name) ?? ERROR_CLASSES.get(name))?.prototype
}

/** Returns the nearest class in an error's ancestry that every process knows, and its prototype. */
export function errorClassOf(error: object): { name: string; prototype: Record<string, unknown> } {
  for (let link = Object.getPrototypeOf(error); link !== null; link = Object.getPrototypeOf(link)) {
    const name = nameOf(link)
    if (name !== undefined) return { name, prototype: link }
  }
  return { name: 'Error', prototype: Error.prototype as never }
}

/** Returns the name of the class with this prototype, even if it belongs to another realm, or to another copy of this package. */
function nameOf(prototype: object): string | undefined {
  const constructor = ownValue(prototype, 'constructor')
  if (typeof constructor !== 'function') return undefined
  const name: string = constructor.name
  const builtIn = BUILT_INS.get(name)
  if (builtIn !== undefined) {
    return builtIn === constructor || Function.prototype.toString.call(constructor).endsWith('{ [native code] }')
      ? name
      : undefined
  }
  if (ERROR_CLASSES.has(name) && Object.hasOwn(prototype, BRAND)) return name
  return name === 'DOMException' && constructor === globalThis.DOMException ? name : undefined
}

/** Fields that exist without being enumerable, and are written by their own rules. */
export const SPECIAL_FIELDS: readonly string[] = ['message', 'stack', 'cause', 'errors', 'name']

/**
 * Writes an error: the nearest class in its ancestry that every process knows, and its fields. `message`, `stack` and `name` are what
 * reading them returns; `cause`, `errors` and all others are written only if they are the error's own.
 */
export function writeError(writer: Writer, error: object): void {
  const { name, prototype: known } = errorClassOf(error)
  // If the message also names the error's class, the fields that the class has for all its errors are left to it.
  const prototype = writer.tellsClass ? (Object.getPrototypeOf(error) as Record<string, unknown>) : known
  writer.tellsClass = false
  const fields = error as Record<string, unknown>
  const isDOMException = name === 'DOMException'
  writer.byte(ERROR)
  writer.string(name)
  if (isDOMException) {
    writer.string(String(fields.message))
    writer.string(String(fields.name))
  }
  const depth = writer.enter()
  for (const key of SPECIAL_FIELDS) {
    if (isDOMException && (key === 'message' || key === 'name')) continue
    const own = Object.getOwnPropertyDescriptor(error, key)
    if (own === undefined && (key === 'cause' || key === 'errors')) continue
    const value = fields[key]
    if (own === undefined && value === prototype[key]) continue
    if (key === 'stack' && typeof value !== 'string') continue
    writer.steps[depth] = key
    writeField(
      writer,
      key,
      own?.enumerable === true,
      key === 'stack' ? mapStack(value as string) : textFor(writer, key, value)
    )
  }
  for (const key of Object.keys(error)) {
    if (SPECIAL_FIELDS.includes(key)) continue
    writer.steps[depth] = key
    writeField(writer, key, true, fields[key])
  }
  writer.byte(ABSENT)
  writer.depth = depth
}

/** Returns the text for a program that has not authenticated: such a program accepts only texts in these fields. */
function textFor(writer: Writer, key: string, value: unknown): unknown {
  if (writer.audience !== 'stranger' || typeof value === 'string' || (key !== 'message' && key !== 'name')) return value
  try {
    return String(value)
  } catch {
    return ''
  }
}

function writeField(writer: Writer, key: string, isEnumerable: boolean, value: unknown): void {
  writer.string(key)
  writer.byte(isEnumerable ? TRUE : FALSE)
  writeValue(writer, value)
}

/** Node captures a stack for a DOMException, which costs time rather than memory. */
const DOM_EXCEPTION_COST = 4096
/** Bytes of memory for a field. */
const FIELD_COST = 64

setObjectReader(ERROR, (reader: Reader, tag, at) => {
  const error = makeError(reader)
  reader.refer(tag, at, error)
  while (!reader.isAbsent()) {
    const key = reader.key()
    const enumerable = reader.byte() === TRUE
    reader.budget?.spend(FIELD_COST)
    const value = reader.value()
    // Node relies on the texts of an error when it prints the error.
    const isText = key === 'stack' || (reader.budget !== null && (key === 'message' || key === 'name'))
    if (isText && typeof value !== 'string') reader.damaged(`the ${key} of an error is no string`)
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true })
  }
  reader.pos++
  return error
})

/** Makes an error of the class that the message names, without any own field. */
function makeError(reader: Reader): Error {
  const name = reader.string()
  if (name === 'DOMException') {
    reader.budget?.spend(DOM_EXCEPTION_COST)
    return new DOMException(reader.string(), reader.string())
  }
  // The class's own constructor is not called: it would need arguments, and add fields.
  const error = withoutStack(() => new Error())
  const prototype = errorPrototype(name)
  if (prototype !== undefined && prototype !== Error.prototype) Object.setPrototypeOf(error, prototype)
  Reflect.deleteProperty(error, 'stack')
  return error
}

/** Makes an error without a stack: the message contains the stack, and capturing one takes most of the time. */
function withoutStack<T>(make: () => T): T {
  const limit = Error.stackTraceLimit
  const isWritable = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true
  if (!isWritable) return make()
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}
