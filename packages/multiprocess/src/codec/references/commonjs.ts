/** Finds functions among the exports of CommonJS modules that `require` has loaded, by their identity. */

import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { types } from 'node:util'
import type { AnyFunction, FunctionReferenceData } from './data.ts'
import { isEntry } from './entries.ts'
import { nameOf } from './loaded/function-text.ts'
import { findMember } from './members.ts'

/** The table is the same for every `require` function of the thread. */
const { cache } = createRequire(import.meta.url)

const MOST_GETTERS = 200

/** Returns true if `require`, or `import` of a CommonJS module, has loaded the file. */
export function isCommonJs(url: string): boolean {
  return loadedModule(url) !== undefined
}

/** Reads a getter of an object without running code that changes anything; see `FunctionReader.valueOfGetter`. */
export type ReadGetter = (getter: AnyFunction, owner: object) => unknown

/**
 * Returns a reference to `fn` in the exports of the module at `url`. Without `readGetter`, only getters that return a variable are read.
 */
export function commonJsReference(
  fn: AnyFunction,
  url: string,
  readGetter?: ReadGetter
): FunctionReferenceData | undefined {
  const exports: unknown = loadedModule(url)?.exports
  const keys = findMember(exports, fn) ?? (readGetter && findBehindGetter(exports, fn, readGetter))
  if (keys === undefined) return undefined
  if (keys.length === 0) return { module: url, export: 'default' }
  // If the exports are a function with a member called `default`, importers get the function itself by that name.
  const prefix = keys[0] === 'default' && typeof exports === 'function' ? 'default.' : ''
  return { module: url, export: prefix + keys.join('.') }
}

/** Compilers export through getters, too. The getters of an index that loads each part on first use are not run. */
function findBehindGetter(exports: unknown, fn: AnyFunction, readGetter: ReadGetter): string[] | undefined {
  if (typeof exports !== 'object' || exports === null || types.isProxy(exports)) return undefined
  const getters = Object.entries(Object.getOwnPropertyDescriptors(exports)).filter(
    ([key, { get }]) => get !== undefined && !key.includes('.')
  )
  const name = nameOf(fn)
  getters.sort(([a], [b]) => Number(b === name) - Number(a === name))
  for (const [key, { get }] of getters.slice(0, MOST_GETTERS)) {
    const keys = findMember(readGetter(get!, exports), fn)
    if (keys !== undefined) return [key, ...keys]
  }
  return undefined
}

/** Searches all modules except the main program, for a function whose module is unknown. */
export function anyCommonJsReference(fn: AnyFunction): FunctionReferenceData | undefined {
  for (const file of Object.keys(cache)) {
    const url = pathToFileURL(file).href
    // `import` cannot load a native addon, but it can import a module that exports the addon's functions.
    const reference = file.endsWith('.node') || isEntry(url) ? undefined : commonJsReference(fn, url)
    if (reference !== undefined) return reference
  }
  return undefined
}

function loadedModule(url: string): NodeJS.Module | undefined {
  return url.startsWith('file:') ? cache[fileURLToPath(url)] : undefined
}
