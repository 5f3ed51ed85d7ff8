/** What a function has besides its text: properties, members of its `prototype`, and what these inherit from. */

import type { AnyFunction } from '../references/data.ts'
import { textOf } from '../references/loaded/function-text.ts'
import { ownValue } from '../values/own-value.ts'
import { ACCESSOR, CONFIGURABLE, ENUMERABLE, WRITABLE } from './format.ts'
import type { FunctionText } from './text.ts'

export interface Property {
  readonly key: string | symbol
  readonly flags: number
  /** The value, or the getter and the setter. */
  readonly values: readonly unknown[]
}

export interface Properties {
  readonly own: readonly Property[]
  readonly ofPrototype: readonly Property[]
  /** What its `prototype` inherits from, if that is unusual. */
  readonly prototypeHeritage: { readonly value: unknown } | undefined
  readonly heritage: { readonly value: unknown } | undefined
}

const NOT_SENT = new Set<PropertyKey>(['length', 'prototype', 'arguments', 'caller'])

export function propertiesOf(fn: AnyFunction, text: FunctionText): Properties {
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value
  const owner = typeof prototype === 'object' && prototype !== null ? prototype : undefined
  return {
    own: list(fn, key => NOT_SENT.has(key) || (key === 'name' && isString(fn, key)), 'static ', text),
    ofPrototype:
      owner === undefined ? [] : list(owner, key => key === 'constructor' && ownValue(owner, key) === fn, '', text),
    prototypeHeritage: owner === undefined ? undefined : prototypeHeritage(fn, owner, text),
    heritage: text.hasHeritage ? undefined : heritage(Object.getPrototypeOf(fn))
  }
}

function list(
  owner: object,
  isLeftOut: (key: string | symbol) => boolean,
  prefix: string,
  text: FunctionText
): Property[] {
  const found: Property[] = []
  for (const key of Reflect.ownKeys(owner)) {
    if (isLeftOut(key)) continue
    const { value, get, set, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(owner, key)!
    const values = get || set ? [get, set] : [value]
    if (
      text.isClass &&
      values.every(part => part === undefined || isMember(part, prefix, text)) &&
      values.some(Boolean)
    )
      continue
    const flags =
      (writable ? WRITABLE : 0) |
      (enumerable ? ENUMERABLE : 0) |
      (configurable ? CONFIGURABLE : 0) |
      (get || set ? ACCESSOR : 0)
    found.push({ key, flags, values })
  }
  return found
}

/** Returns true if the class's text creates this function. */
function isMember(value: unknown, prefix: string, text: FunctionText): boolean {
  return typeof value === 'function' && text.members.has(`${prefix}${textOf(value)}`)
}

function prototypeHeritage(fn: AnyFunction, prototype: object, text: FunctionText): { value: unknown } | undefined {
  // A generator's prototype has no constructor, and inherits what makes it a generator's.
  if (
    !Object.hasOwn(prototype, 'constructor') &&
    !text.isClass &&
    Object.getPrototypeOf(prototype) !== Object.prototype
  )
    return undefined
  const value: unknown = Object.getPrototypeOf(prototype)
  const parent = text.hasHeritage ? (Object.getPrototypeOf(fn) as { prototype?: unknown } | null) : undefined
  const usual = parent === undefined ? Object.prototype : parent?.prototype
  return value === usual || (usual === Object.prototype && isObjectPrototype(value)) ? undefined : { value }
}

/** Returns what a function inherits from, if that is unusual: functions inherit from what their kind of function does, in any realm. */
function heritage(value: unknown): { value: unknown } | undefined {
  if (typeof value === 'function')
    return textOf(value).endsWith('{ [native code] }') && isString(value, 'name') && ownValue(value, 'name') === ''
      ? undefined
      : { value }
  const tag = value === null ? undefined : ownValue(value as object, Symbol.toStringTag)
  return typeof tag === 'string' && tag.endsWith('Function') ? undefined : { value }
}

function isObjectPrototype(value: unknown): boolean {
  const constructor = value === null ? undefined : ownValue(value as object, 'constructor')
  return (
    typeof constructor === 'function' &&
    constructor.name === 'Object' &&
    textOf(constructor).endsWith('{ [native code] }')
  )
}

function isString(owner: object, key: PropertyKey): boolean {
  return typeof ownValue(owner, key) === 'string'
}
