/** Finds functions that every process has, those of the language and of Node, by their identity. */

import { isBuiltin } from 'node:module' // lazy
import { ownValue } from '../values/own-value.ts'
import { type AnyFunction, type FunctionReferenceData, INTRINSIC } from './data.ts'
import { nameOf } from './loaded/function-text.ts'
import { findMember } from './members.ts'

/**
 * Globals whose members are searched. The list is fixed because many of Node's globals load a part of Node when they are touched; those
 * that the program has touched are found below, as members of `globalThis`.
 */
const NAMESPACES = `
  Object Function Array Number Boolean String Symbol BigInt Math JSON Reflect Atomics Intl Date RegExp Promise Proxy
  Map Set WeakMap WeakSet WeakRef FinalizationRegistry ArrayBuffer SharedArrayBuffer DataView Iterator
  Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float16Array Float32Array Float64Array
  BigInt64Array BigUint64Array Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError
  WebAssembly URL URLSearchParams AbortController AbortSignal Event EventTarget TextEncoder TextDecoder console
`
  .trim()
  .split(/\s+/)

/** Returns a reference through a global name, such as `Math.sqrt`, if there is one for `fn`. The search uses the function's name. */
export function intrinsicReference(fn: AnyFunction): FunctionReferenceData | undefined {
  const name = nameOf(fn)
  if (name === '') return undefined
  if (valueOf(globalThis, name) === fn) return { module: INTRINSIC, export: name }
  for (const key of NAMESPACES) {
    const owner = valueOf(globalThis, key)
    if (valueOf(owner, name) === fn) return { module: INTRINSIC, export: `${key}.${name}` }
    if (valueOf(valueOf(owner, 'prototype'), name) === fn) {
      return { module: INTRINSIC, export: `${key}.prototype.${name}` }
    }
  }
  return undefined
}

/**
 * Returns a reference to an export of a Node builtin.
 * @param url the script that contains `fn`, if known: if it is a public builtin, it is searched first
 */
export function builtinReference(fn: AnyFunction, url?: string): FunctionReferenceData | undefined {
  // `node:internal/fs/promises` contains what `node:fs/promises` exports, and only the former is loaded when a program uses `fs.promises`.
  const home = url?.replace('node:internal/', 'node:')
  const first = home !== undefined && isPublic(home) ? [home] : []
  for (const module of [...first, 'node:process', ...loadedBuiltins()]) {
    const keys = findMember(process.getBuiltinModule(module), fn)
    if (keys !== undefined) return { module, export: keys.length === 0 ? 'default' : keys.join('.') }
  }
  return undefined
}

/**
 * Returns the builtins that are loaded: a function that a program has comes from one of them. Loading others would cost time and memory.
 */
function loadedBuiltins(): string[] {
  const loaded = (process as { moduleLoadList?: readonly string[] }).moduleLoadList ?? []
  return loaded
    .filter(entry => entry.startsWith('NativeModule '))
    .map(entry => `node:${entry.slice('NativeModule '.length)}`)
    .filter(isPublic)
}

/**
 * Returns true for a public builtin that is not deprecated; loading a deprecated one (`punycode`, `sys`, `_http_agent`, …) prints a
 * warning.
 */
function isPublic(url: string): boolean {
  return isBuiltin(url) && !/^node:(?:_|punycode$|sys$|internal\/)/.test(url)
}

/** Returns an own or inherited value, but never runs a getter. */
function valueOf(owner: unknown, key: string): unknown {
  let object = owner
  while ((typeof object === 'object' || typeof object === 'function') && object !== null) {
    if (Object.hasOwn(object, key)) return ownValue(object, key)
    object = Object.getPrototypeOf(object)
  }
  return undefined
}
