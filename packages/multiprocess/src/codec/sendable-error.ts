/** What is sent of an error that cannot cross as it is. */

import { encode } from './encode.ts' // lazy
import { errorClassOf, SPECIAL_FIELDS } from './values/errors.ts'

type Fields = Record<string, unknown>
/** Returns why a value cannot cross; undefined: it can. */
type Refuse = (value: unknown, path: string) => Error | undefined
/** Returns the text that replaces a field; undefined: the field itself will do. */
type Describe = (value: unknown, key: string) => string | undefined

/**
 * The error without what cannot cross: of its own class, or else of the nearest one that every process has, with its texts and all
 * fields that can cross. In place of the others stands, in words, what they are.
 */
export function sendableError(error: Error, refuse: Refuse = refusalOf): Error {
  const describeUnsendable: Describe = (value, key) => {
    const refusal = refuse(value, key)
    return refusal === undefined ? undefined : describeRefusal(refusal, key)
  }
  /** In the end only primitives are left as they are. */
  const describeAll: Describe = (value, key) => {
    const isPrimitive = typeof value !== 'symbol' && typeof value !== 'function' && Object(value) !== value
    return isPrimitive ? undefined : (describeUnsendable(value, key) ?? `[${key} cannot cross beside other fields]`)
  }
  const emptyOfItsClass = (error: Error) => emptyCopy(error, copy => refuse(copy, 'error') === undefined)
  const copy = copyOf(error, new Map(), describeUnsendable, emptyOfItsClass)
  // Fields that cross one by one may not cross together.
  return refuse(copy, 'error') === undefined
    ? copy
    : copyOf(error, new Map(), describeAll, error => emptyCopy(error, () => false))
}

/** Why the value cannot cross; undefined: it can. */
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

/** @param canCross tells whether a copy of the error's own class crosses */
function emptyCopy(error: Error, canCross: (copy: Error) => boolean): Error {
  const { name, prototype } = errorClassOf(error)
  if (name === 'DOMException') return new DOMException(error.message, error.name)
  const copy = new Error()
  Reflect.deleteProperty(copy, 'stack')
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error))
  if (!canCross(copy)) Object.setPrototypeOf(copy, prototype)
  return copy
}

/** The reason without its advice. */
function describeRefusal(reason: unknown, key: string): string {
  const text = reason instanceof Error ? reason.message : String(reason)
  const what = /^cannot send (.*?)(?:; |$)/s.exec(text)?.[1] ?? `${key}: ${text}`
  return `[cannot send ${what}]`
}
