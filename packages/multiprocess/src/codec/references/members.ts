/**
 * Finds a function inside a value by its identity, and never runs code of the value: reads only data properties, and getters such as
 * compilers write for exports, which only return a variable.
 */

import { types } from 'node:util'
import type { AnyFunction } from './data.ts'
import { nameOf, textOf } from './loaded/function-text.ts'

const VARIABLE_GETTER = /^(?:\(\)\s*=>\s*[\w$]+|function\s*[\w$]*\(\)\s*\{\s*return\s+[\w$]+;?\s*\})$/
/** An object with more keys than this is a table of data, and not one of functions. */
const MOST_MEMBERS = 10_000
const NOT_MEMBERS = new Set(['arguments', 'caller', 'prototype'])

/**
 * Returns the keys that lead from `root` to `fn`: `[]` if `root` is `fn`, up to two members deep, and one member below a class's
 * `prototype`. Returns undefined if `fn` is not there.
 */
export function findMember(root: unknown, fn: AnyFunction): string[] | undefined {
  if (root === fn) return []
  if (!isOwner(root)) return undefined
  // A member usually has the name of its function; then nothing else needs to be read.
  const name = nameOf(fn)
  if (name !== '' && isKey(name) && ownValue(root, name) === fn) return [name]
  const inner: [key: string, value: object][] = []
  for (const [key, value] of members(root)) {
    if (value === fn) return [key]
    if (isOwner(value) && (typeof value === 'function' || isPlain(value))) inner.push([key, value])
  }
  const onPrototype = findOnPrototype(root, fn)
  if (onPrototype !== undefined) return onPrototype
  for (const [key, value] of inner) {
    for (const [innerKey, innerValue] of members(value)) if (innerValue === fn) return [key, innerKey]
    const keys = findOnPrototype(value, fn)
    if (keys !== undefined) return [key, ...keys]
  }
  return undefined
}

/** Returns the value of an own data property, or of a getter that only returns a variable; undefined for anything else. */
export function ownValue(owner: object, key: string): unknown {
  try {
    const descriptor = Object.getOwnPropertyDescriptor(owner, key)
    if (descriptor?.get === undefined) return descriptor?.value
    return VARIABLE_GETTER.test(textOf(descriptor.get)) ? descriptor.get.call(owner) : undefined
  } catch {
    // A variable or a namespace that is not initialised yet.
    return undefined
  }
}

function findOnPrototype(owner: object, fn: AnyFunction): string[] | undefined {
  const prototype = typeof owner === 'function' ? Object.getOwnPropertyDescriptor(owner, 'prototype')?.value : undefined
  if (!isOwner(prototype)) return undefined
  for (const [key, value] of members(prototype)) if (value === fn) return ['prototype', key]
  return undefined
}

function* members(owner: object): Iterable<[key: string, value: unknown]> {
  const keys = Object.getOwnPropertyNames(owner)
  if (keys.length > MOST_MEMBERS) return
  for (const key of keys) {
    if (isKey(key) && !(typeof owner === 'function' && NOT_MEMBERS.has(key))) yield [key, ownValue(owner, key)]
  }
}

/** Returns true for a key that can be a step of a path, which must not contain a dot. */
function isKey(key: string): boolean {
  return key !== '' && !key.includes('.')
}

/** Returns true for an object whose members may be named. Lists can be long, and their indexes may change; a proxy would run its traps. */
function isOwner(value: unknown): value is object {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return !Array.isArray(value) && !ArrayBuffer.isView(value) && !types.isProxy(value)
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
