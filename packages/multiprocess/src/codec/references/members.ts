/**
 * Finds a function inside a value by identity, and never runs anybody's code for it: only data properties are read, and such
 * getters as compilers write for exports, which return a variable and do nothing else.
 */

import { types } from 'node:util'
import type { AnyFunction } from './data.ts'
import { nameOf, textOf } from './loaded/function-text.ts'

const VARIABLE_GETTER = /^(?:\(\)\s*=>\s*[\w$]+|function\s*[\w$]*\(\)\s*\{\s*return\s+[\w$]+;?\s*\})$/
/** An object with more keys is a table of data, and not one of functions. */
const MOST_MEMBERS = 10_000
const NOT_MEMBERS = new Set(['arguments', 'caller', 'prototype'])

/**
 * The keys that lead from `root` to `fn`: `[]` when it is `fn`, up to two members deep, and one deep below a class's
 * `prototype`. Undefined when `fn` is not there.
 */
export function findMember(root: unknown, fn: AnyFunction): string[] | undefined {
  if (root === fn) return []
  if (!isOwner(root)) return undefined
  // A member mostly has the name of its function; then nothing else need be looked at.
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

/** The value of an own data property (or of a getter that only returns a variable); undefined for anything else. */
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

/** A dot would be read as a step of the path. */
function isKey(key: string): boolean {
  return key !== '' && !key.includes('.')
}

/** Lists can be long, and their places say nothing lasting; a proxy would run its traps. */
function isOwner(value: unknown): value is object {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return !Array.isArray(value) && !ArrayBuffer.isView(value) && !types.isProxy(value)
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
