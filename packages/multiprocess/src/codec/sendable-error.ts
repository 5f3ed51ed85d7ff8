/** Makes an error that can cross from one that cannot. */

import { messageOf } from '../ground/inspect.ts'
import { encode } from './encode.ts' // lazy
import { errorClassOf, SPECIAL_FIELDS } from './values/errors.ts'

type Fields = Record<string, unknown>
/** Returns the reason why a value cannot cross, or undefined if it can. */
type Refuse = (value: unknown, path: string) => Error | undefined
/** Returns the text that replaces a field, or undefined if the field itself can stay. */
type Describe = (value: unknown, key: string) => string | undefined

/**
 * Returns a copy of the error without what cannot cross. The copy has the error's own class or, if that cannot cross, the nearest class
 * that every process has, with its texts and all fields that can cross. The other fields are replaced by texts that describe them.
 */
export function sendableError(error: Error, refuse: Refuse = refusalOf): Error {
  const describeUnsendable: Describe = (value, key) => {
    const refusal = refuse(value, key)
    return refusal === undefined ? undefined : describeRefusal(refusal, key)
  }
  /** Replaces every field that is not a primitive. */
  const describeAll: Describe = (value, key) => {
    const isPrimitive = typeof value !== 'symbol' && typeof value !== 'function' && Object(value) !== value
    return isPrimitive ? undefined : (describeUnsendable(value, key) ?? `[${key} cannot cross beside other fields]`)
  }
  const emptyOfItsClass = (error: Error) => emptyCopy(error, copy => refuse(copy, 'error') === undefined)
  const copy = copyOf(error, new Map(), describeUnsendable, emptyOfItsClass)
  // Fields that can cross one by one may not be able to cross together.
  return refuse(copy, 'error') === undefined
    ? copy
    : copyOf(error, new Map(), describeAll, error => emptyCopy(error, () => false))
}

/** Returns the reason why the value cannot cross, or undefined if it can. */
export function refusalOf(value: unknown, path: string): Error | undefined {
  try {
    encode(value, path)
    return undefined
  } catch (error) {
    return error as Error
  }
}

function copyOf(error: Error, met: Map<Error, Error>, describe: Describe, emptyOf: (error: Error) => Error): Error {
  const known = met.get(error)
  if (known !== undefined) return known
  const copy = emptyOf(error)
  met.set(error, copy)
  for (const key of new Set([...SPECIAL_FIELDS, ...Object.keys(error)])) {
    const own = Object.getOwnPropertyDescriptor(error, key)
    let value: unknown
    try {
      value = (error as unknown as Fields)[key]
    } catch (reason) {
      value = describeRefusal(reason, key)
    }
    if (own === undefined && (key === 'cause' || key === 'errors' || value === (copy as unknown as Fields)[key]))
      continue
    if (value instanceof Error) value = copyOf(value, met, describe, emptyOf)
    else if (key === 'errors' && Array.isArray(value)) {
      value = value.map(item =>
        item instanceof Error ? copyOf(item, met, describe, emptyOf) : (describe(item, key) ?? item)
      )
    } else value = describe(value, key) ?? value
    Object.defineProperty(copy, key, {
      value,
      enumerable: own?.enumerable === true,
      writable: true,
      configurable: true
    })
  }
  return copy
}

/** @param canCross returns true if a copy with the error's own class can cross */
function emptyCopy(error: Error, canCross: (copy: Error) => boolean): Error {
  const { name, prototype } = errorClassOf(error)
  if (name === 'DOMException') return new DOMException(error.message, error.name)
  const copy = new Error()
  Reflect.deleteProperty(copy, 'stack')
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error))
  if (!canCross(copy)) Object.setPrototypeOf(copy, prototype)
  return copy
}

/** Returns the reason of a refusal without its advice. */
function describeRefusal(reason: unknown, key: string): string {
  const text = messageOf(reason)
  const what = /^cannot send (.*?)(?:; |$)/s.exec(text)?.[1] ?? `${key}: ${text}`
  return `[cannot send ${what}]`
}
