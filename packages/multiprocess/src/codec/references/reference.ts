/**
 * Functions by reference: the module and the export by which another process finds a function.
 *
 * A function is found by its identity. V8's inspector tells the script that contains it and the values of that module's variables; the
 * script's text tells which variables are exported. Nothing is imported, and no code of the program runs. Functions of Node and of the
 * language are found among globals and builtin modules, and functions of CommonJS modules among what `require` has loaded.
 */

import { types } from 'node:util'
import { builtinReference, intrinsicReference } from './builtins.ts'
import { anyCommonJsReference, commonJsReference, isCommonJs } from './commonjs.ts'
import type { AnyFunction, FunctionReferenceData } from './data.ts'
import { isEntry } from './entries.ts'
import {
  type FunctionFacts,
  type FunctionReader,
  InspectorUnavailableError,
  type Scope,
  type Script,
  withInspector
} from './inspector.ts'
import { isNative, nameOf, textOf } from './loaded/function-text.ts'
import { references } from './loaded/known-references.ts'
import { loadedReference } from './loaded/modules.ts'
import { type Refusal, refusalError } from './refusals.ts'
import { esModuleReference } from './variables.ts'

export type { FunctionReferenceData } from './data.ts'
export { explicitReference } from './explicit.ts'

/** The reference to a function, or the reason why there is none. */
export type Finding =
  | { readonly reference: FunctionReferenceData }
  | { readonly refusal: Refusal; readonly cause?: unknown }

/**
 * Returns the module and the export by which another process finds a function or a class. Synchronous; imports nothing, and runs no code of
 * the program.
 *
 * The first call takes some tens of milliseconds, a further function of a known module less than one, the same function again less than a
 * microsecond.
 * @param path the place of the function in what is sent, such as `args[0]`, for errors
 * @throws SerializationError if no module exports the function, or only the main program does
 */
export function referenceOf(fn: AnyFunction, path: string): FunctionReferenceData {
  const known = references.get(fn)
  if (known !== undefined) return known
  const finding = findReference(fn)
  if ('refusal' in finding) throw refusalError(fn, finding.refusal, path, finding.cause)
  return finding.reference
}

/** Does the same as `referenceOf`, but returns the reason why there is no reference instead of throwing. */
export function findReference(fn: AnyFunction): Finding {
  const known = references.get(fn)
  if (known !== undefined) return { reference: known }
  const finding = types.isProxy(fn) ? { refusal: { kind: 'proxy' } as const } : find(fn)
  if ('reference' in finding) references.set(fn, finding.reference)
  return finding
}

function find(fn: AnyFunction): Finding {
  if (isNative(fn)) return findNative(fn)
  const reference = loadedReference(fn)
  if (reference !== undefined) return { reference }
  try {
    return withInspector(reader => findInScript(fn, reader))
  } catch (error) {
    if (!(error instanceof InspectorUnavailableError)) throw error
    const reference = builtinReference(fn) ?? anyCommonJsReference(fn)
    return reference ? { reference } : { refusal: { kind: 'uninspectable', reason: error.message }, cause: error }
  }
}

function findNative(fn: AnyFunction): Finding {
  // Another module may have replaced a global with a bound function; a child has the original global.
  const isBound = /^bound /.test(nameOf(fn)) && !Object.hasOwn(fn, 'prototype')
  const reference = (isBound ? undefined : (intrinsicReference(fn) ?? builtinReference(fn))) ?? anyCommonJsReference(fn)
  return reference ? { reference } : { refusal: { kind: isBound ? 'bound' : 'native' } }
}

/** Does the same for a function that a reader has already read, and that is neither native nor a proxy. */
export function findWith(fn: AnyFunction, reader: FunctionReader, facts: FunctionFacts): Finding {
  const finding = findInScript(fn, reader, facts)
  if ('reference' in finding) references.set(fn, finding.reference)
  return finding
}

function findInScript(fn: AnyFunction, reader: FunctionReader, facts: FunctionFacts = reader.read(fn)): Finding {
  const script = facts.location && reader.script(facts.location.scriptId)
  if (script === undefined) return { refusal: { kind: 'unloaded', url: '' } }
  const { url } = script
  if (url.startsWith('node:')) {
    const reference = intrinsicReference(fn) ?? builtinReference(fn, url)
    return reference ? { reference } : { refusal: { kind: 'internal' } }
  }
  if (isEntry(url)) return { refusal: { kind: 'main' } }
  if (script.isModule && isImportable(url)) {
    const reference = esModuleReference(fn, url, facts, reader, references)
    return reference ? { reference } : { refusal: notExported(fn, script, facts.scopes) }
  }
  if (!isCommonJs(url)) return { refusal: { kind: 'unloaded', url } }
  const reference = commonJsReference(fn, url, (getter, owner) => reader.valueOfGetter(getter, owner))
  return reference ? { reference } : { refusal: notExported(fn, script, facts.scopes) }
}

/** Returns true for a URL that can be imported. Modules of node:vm without a name are called `vm:module(0)`. */
function isImportable(url: string): boolean {
  return URL.canParse(url) && !url.startsWith('vm:')
}

function notExported(fn: AnyFunction, script: Script, scopes: readonly Scope[]): Refusal {
  const variables = capturedNames(fn, script, scopes)
  return variables.length === 0 ? { kind: 'unexported', url: script.url } : { kind: 'closure', variables }
}

/** Returns the variables of enclosing functions that the text of `fn` mentions, in the order of the text. */
function capturedNames(fn: AnyFunction, script: Script, scopes: readonly Scope[]): string[] {
  const text = textOf(fn)
  const inner = scopes.filter(({ kind }) => /^(?:Closure|Block|Catch)/.test(kind))
  // Node, and some compilers, wrap a CommonJS module in a function without a name; its variables are those of the module.
  while (!script.isModule && inner.at(-1)?.kind === 'Closure') inner.pop()
  const found = new Map<string, number>()
  for (const name of inner.flatMap(({ variables }) => Object.keys(variables))) {
    const at = text.search(new RegExp(`(?<![\\w$.])${name.replaceAll('$', '\\$')}(?![\\w$])`))
    if (at >= 0) found.set(name, at)
  }
  return [...found].sort((a, b) => a[1] - b[1]).map(([name]) => name)
}
