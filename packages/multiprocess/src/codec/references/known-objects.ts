/** Objects that every process has, or gets by importing a module: messages name them, and never copy them. */

import { createRequire, isBuiltin } from 'node:module'
import { pathToFileURL } from 'node:url'
import { types } from 'node:util'
import { type AnyFunction, INTRINSIC } from './data.ts'
import { isEntry } from './entries.ts'
import { requestOfNamespace } from './imports.ts'
import { findReference } from './reference.ts' // lazy

/** `name` is `*` for a module's namespace, `module.exports`, or the path from a global. */
export interface KnownObject {
  readonly module: string
  readonly name: string
}

export const EXPORTS = 'module.exports'

const { cache } = createRequire(import.meta.url)

const GLOBAL_OBJECTS = 'Math JSON Reflect Atomics Intl WebAssembly console process globalThis'.split(' ')
const GLOBAL_CLASSES = `
  Object Function Array Number Boolean String Symbol BigInt Date RegExp Promise Map Set WeakMap WeakSet ArrayBuffer DataView
  Error TypeError RangeError SyntaxError Uint8Array Buffer
`
  .trim()
  .split(/\s+/)

let globals: Map<object, KnownObject> | undefined
let builtins = new Map<object, KnownObject>()
let builtinCount = 0
let commonJs = new Map<object, KnownObject>()
let commonJsCount = 0

export function knownObject(object: object): KnownObject | undefined {
  globals ??= findGlobals()
  return globals.get(object) ?? loadedBuiltins().get(object) ?? loadedCommonJs().get(object) ?? namespace(object)
}

function findGlobals(): Map<object, KnownObject> {
  const found = new Map<object, KnownObject>()
  const own = (name: string) => (globalThis as unknown as Record<string, object & { prototype?: object }>)[name]
  for (const name of GLOBAL_CLASSES) {
    const { prototype } = own(name)
    if (prototype !== undefined) found.set(prototype, { module: INTRINSIC, name: `${name}.prototype` })
  }
  for (const name of GLOBAL_OBJECTS) found.set(own(name), { module: INTRINSIC, name })
  return found
}

function loadedBuiltins(): Map<object, KnownObject> {
  const loaded = (process as { moduleLoadList?: readonly string[] }).moduleLoadList ?? []
  if (loaded.length === builtinCount) return builtins
  builtinCount = loaded.length
  builtins = new Map()
  for (const entry of loaded) {
    const name = /^NativeModule (?!internal\/|_|punycode$|sys$)(.*)/.exec(entry)?.[1]
    if (name === undefined || !isBuiltin(`node:${name}`)) continue
    const exports: unknown = process.getBuiltinModule(`node:${name}`)
    if (typeof exports === 'object' && exports !== null)
      builtins.set(exports, { module: `node:${name}`, name: 'default' })
    const promises = (exports as { promises?: unknown } | undefined)?.promises
    if (typeof promises === 'object' && promises !== null && isBuiltin(`node:${name}/promises`)) {
      builtins.set(promises, { module: `node:${name}/promises`, name: 'default' })
    }
  }
  return builtins
}

function loadedCommonJs(): Map<object, KnownObject> {
  const files = Object.keys(cache)
  if (files.length === commonJsCount) return commonJs
  commonJsCount = files.length
  commonJs = new Map()
  for (const file of files) {
    const url = pathToFileURL(file).href
    const exports: unknown = cache[file]?.exports
    if (typeof exports === 'object' && exports !== null && !isEntry(url) && !file.endsWith('.node')) {
      commonJs.set(exports, { module: url, name: EXPORTS })
    }
  }
  return commonJs
}

function namespace(object: object): KnownObject | undefined {
  if (!types.isModuleNamespaceObject(object)) return undefined
  const request = requestOfNamespace(object)
  if (request !== undefined) return { module: request, name: '*' }
  for (const value of Object.values(object)) {
    if (typeof value !== 'function') continue
    const finding = findReference(value as AnyFunction)
    if ('reference' in finding && (object as Record<string, unknown>)[finding.reference.export] === value) {
      return { module: finding.reference.module, name: '*' }
    }
  }
  return undefined
}
