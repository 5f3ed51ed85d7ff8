import { writeValue } from './encode-value.ts'
import { errorClassOf } from './error-classes.ts'
import { ABSENT, ERROR, FALSE, TRUE } from './format.ts'
import type { Writer } from './writer.ts'

/** Fields that are there without being enumerable, and are written by rules of their own. */
const SPECIAL_FIELDS: readonly string[] = ['message', 'stack', 'cause', 'errors', 'name']

/**
 * Writes an error: the nearest class in its ancestry that every process knows, and its fields. `message`, `stack` and
 * `name` go by what reading them gives; `cause`, `errors` and all others only when they are the error's own.
 */
export function writeError(writer: Writer, error: object): void {
  const { name, prototype: known } = errorClassOf(error)
  // Where its class is told, too, what that has for all its errors is left to it.
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
    writeField(writer, key, own?.enumerable === true, value)
  }
  for (const key of Object.keys(error)) {
    if (SPECIAL_FIELDS.includes(key)) continue
    writer.steps[depth] = key
    writeField(writer, key, true, fields[key])
  }
  writer.byte(ABSENT)
  writer.depth = depth
}

function writeField(writer: Writer, key: string, isEnumerable: boolean, value: unknown): void {
  writer.string(key)
  writer.byte(isEnumerable ? TRUE : FALSE)
  writeValue(writer, value)
}
