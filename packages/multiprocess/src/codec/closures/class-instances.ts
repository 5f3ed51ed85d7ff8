/** The class with which an object is sent. */

import type { AnyFunction } from '../references/data.ts'
import { isNative, textOf } from '../references/loaded/function-text.ts'
import { findReference } from '../references/reference.ts' // lazy
import { errorClassOf } from '../values/errors.ts'
import { ownValue } from '../values/own-value.ts'
import { verdictOf } from '../values/prototypes.ts'
import { readFunctionText } from './text.ts'

const constructors = new WeakMap<object, AnyFunction | null>()
const privates = new WeakMap<object, readonly string[]>()

/**
 * Returns the class with this `prototype`, if the message must name it; null for classes that every process has, and if there is no class.
 */
export function classOf(prototype: object): AnyFunction | null {
  let found = constructors.get(prototype)
  if (found === undefined) {
    found = findClass(prototype)
    constructors.set(prototype, found)
  }
  return found
}

function findClass(prototype: object): AnyFunction | null {
  const constructor = constructorOf(prototype)
  if (constructor === undefined || isNative(constructor)) return null
  const verdict = verdictOf(prototype)
  if (verdict.is === 'host' || isWrittenWhole(prototype)) return null
  if (verdict.is === 'error' && errorClassOf(Object.create(prototype)).prototype === prototype) return null
  const finding = findReference(constructor)
  return 'refusal' in finding && finding.refusal.kind === 'internal' ? null : constructor
}

/** Returns true for Node's classes with private members whose instances the codec writes itself. */
function isWrittenWhole(prototype: object): boolean {
  return prototype === URL.prototype || prototype === URLSearchParams.prototype
}

/** Returns the function whose `prototype` the object is. */
export function constructorOf(object: object): AnyFunction | undefined {
  const constructor = ownValue(object, 'constructor')
  if (typeof constructor !== 'function') return undefined
  return Object.getOwnPropertyDescriptor(constructor, 'prototype')?.value === object ? constructor : undefined
}

/** Returns true if a prototype is an object like any other, and inherits only from such objects. */
export function isPlainHeirloom(prototype: object): boolean {
  for (let link: object | null = prototype; link !== null; link = Object.getPrototypeOf(link)) {
    if (link === Object.prototype) return true
    if (Object.hasOwn(link, 'constructor') || Object.getOwnPropertySymbols(link).includes(Symbol.toStringTag))
      return false
  }
  return false
}

/** Returns the names of the private fields and methods that instances have, of their class and of those it extends. */
export function privateMembers(prototype: object): readonly string[] {
  let found = privates.get(prototype)
  if (found === undefined) {
    found = findPrivates(prototype)
    privates.set(prototype, found)
  }
  return found
}

function findPrivates(prototype: object): string[] {
  const names: string[] = []
  for (let link: object | null = prototype; link !== null; link = Object.getPrototypeOf(link)) {
    const constructor = constructorOf(link)
    if (constructor === undefined || isNative(constructor) || isWrittenWhole(link)) continue
    const text = textOf(constructor)
    if (!text.startsWith('class') || !text.includes('#')) continue
    try {
      names.push(...readFunctionText(text, true).privateFields.map(name => `#${name}`))
    } catch {
      // Syntax that the parser does not know.
    }
  }
  return [...new Set(names)]
}
