/** What does not change from one sending of a function to the next: everything except the values that it captures. It is kept. */

import { types } from 'node:util'
import { type ImportBinding, type ImportTable, readImports } from '../references/bindings.ts'
import { isCommonJs } from '../references/commonjs.ts'
import type { AnyFunction, FunctionReferenceData } from '../references/data.ts'
import {
  type FunctionFacts,
  FunctionReader,
  InspectorUnavailableError,
  type Scope,
  type Script
} from '../references/inspector.ts'
import { isNative, textOf } from '../references/loaded/function-text.ts'
import { knownReference } from '../references/loaded/known-references.ts'
import { loadedReference } from '../references/loaded/modules.ts'
import { findReference, findWith } from '../references/reference.ts' // lazy
import type { Refusal } from '../references/refusals.ts'
import { constantsAmong, isTopLevelArrow } from './place.ts'
import { propertiesOf } from './properties.ts'
import { refuseLexical, refusePrivate, refuseUnavailable, unreadable } from './refusals.ts'
import { isOfScript } from './scopes.ts'
import { type FunctionText, META, readFunctionText } from './text.ts'

/** How a function crosses. */
export type Way =
  | { readonly way: 'reference'; readonly reference: FunctionReferenceData }
  | { readonly way: 'refused'; readonly refusal: Refusal; readonly cause?: unknown }
  | { readonly way: 'bound' }
  | Code

/** By its text. */
export interface Code {
  readonly way: 'code'
  readonly text: FunctionText
  readonly scriptId: string
  readonly url: string
  readonly mapNumber: number | undefined
  readonly line: number
  readonly column: number
  readonly isStrict: boolean
  readonly imports: ReadonlyMap<string, ImportBinding>
  /** What every CommonJS module has of its own, and `import.meta`. */
  readonly own: readonly OwnName[]
  /** The variables whose values are sent. */
  readonly captured: readonly string[]
  /** Those of the captured variables and imports to which the text assigns in vain. */
  readonly constants: ReadonlySet<string>
  /** Those of them that are the program's own globals. */
  readonly globals: readonly string[]
}

/** `this` is that of a CommonJS module, which is its exports. */
export type OwnName = 'require' | 'module' | 'this' | typeof META

const ways = new WeakMap<AnyFunction, Way>()

/** Globals that are enumerable and exist in every process; all other enumerable globals are the program's. */
const NODE_GLOBALS = new Set(
  (
    'global clearImmediate setImmediate clearInterval clearTimeout setInterval setTimeout queueMicrotask structuredClone ' +
    'atob btoa performance fetch navigator crypto gc'
  ).split(' ')
)

/**
 * Finds how a function crosses.
 * @param reader is opened only if something is not known yet
 * @throws Refused if the function has no reference and its text does not suffice
 */
export function wayOf(fn: AnyFunction, reader: () => FunctionReader): Way {
  const reference = knownReference(fn)
  if (reference !== undefined) return { way: 'reference', reference }
  let way = ways.get(fn)
  if (way === undefined) {
    way = findWay(fn, reader)
    ways.set(fn, way)
  }
  return way
}

/**
 * Returns true if a function is the same whenever it is sent: it has a reference, or captures only imports.
 * @throws Refused if the function cannot be sent
 */
export function isFixed(fn: AnyFunction): boolean {
  let reader: FunctionReader | undefined
  try {
    const way = wayOf(fn, () => (reader ??= new FunctionReader()))
    if (way.way !== 'code') return way.way === 'reference'
    const { captured, globals, text } = way
    if (captured.length > 0 || globals.length > 0 || text.isClass) return false
    const { own, ofPrototype } = propertiesOf(fn, text)
    return own.length === 0 && ofPrototype.length === 0
  } finally {
    reader?.close()
  }
}

function findWay(fn: AnyFunction, reader: () => FunctionReader): Way {
  if (types.isProxy(fn) || isNative(fn)) {
    const finding = findReference(fn)
    if ('reference' in finding) return { way: 'reference', reference: finding.reference }
    if (finding.refusal.kind === 'bound') return { way: 'bound' }
    return { way: 'refused', refusal: finding.refusal, cause: finding.cause }
  }
  const loaded = loadedReference(fn)
  if (loaded !== undefined) return { way: 'reference', reference: loaded }
  try {
    const facts = reader().read(fn)
    const finding = findWith(fn, reader(), facts)
    if ('reference' in finding) return { way: 'reference', reference: finding.reference }
    if (finding.refusal.kind === 'internal') return { way: 'refused', refusal: finding.refusal }
    return readCode(fn, facts, reader())
  } catch (error) {
    if (!(error instanceof InspectorUnavailableError)) throw error
    const finding = findReference(fn)
    if ('reference' in finding) return { way: 'reference', reference: finding.reference }
    return readUninspected(fn, error.message)
  }
}

/** Reads a function that its text describes completely. */
function readUninspected(fn: AnyFunction, reason: string): Code {
  const isStrict = isStrictFunction(fn)
  const text = readText(fn, isStrict, () => false)
  for (const name of text.names.free) if (!(name in globalThis)) refuseUnavailable(name, reason)
  const globals = [...text.names.free].filter(isOfProgram)
  const place = { scriptId: '', url: '', mapNumber: undefined, line: 0, column: 0 }
  return {
    way: 'code',
    text,
    ...place,
    isStrict,
    imports: new Map(),
    own: [],
    captured: [],
    constants: new Set(),
    globals
  }
}

function readCode(fn: AnyFunction, facts: FunctionFacts, reader: FunctionReader): Code {
  const { scriptId, line, column } = facts.location!
  const script = reader.script(scriptId)
  const ofScript = factsOfScript(scriptId, script, reader)
  const isStrict = ofScript.isStrict || (/^(?:function|class)\b/.test(textOf(fn)) && isStrictFunction(fn))
  let usesModuleThis = false
  const isModuleThis = () => {
    const source = reader.source(scriptId)
    usesModuleThis = script !== undefined && isTopLevelArrow(source, script, textOf(fn), line, column)
    return usesModuleThis
  }
  let text = readText(fn, isStrict, isModuleThis)
  // The name of a declaration is a variable, which may have another value by now.
  if (text.ownName !== undefined && !text.isClass && isOtherValue(facts.scopes, text.ownName, fn)) {
    text = readText(fn, isStrict, isModuleThis, true)
  }
  const imports = new Map<string, ImportBinding>()
  const own: OwnName[] = text.names.metas.length > 0 ? [META] : []
  if (usesModuleThis && script?.isModule !== true && isCommonJs(script?.url ?? '')) own.push('this')
  const captured: string[] = []
  const globals: string[] = []
  for (const name of text.names.free) {
    const scope = scopeOf(facts.scopes, name)
    const imported =
      scope === undefined || isOutermost(scope, facts.scopes) ? ofScript.imports(reader).get(name) : undefined
    if (imported !== undefined) imports.set(name, imported)
    else if (name === META) own.push(META)
    else if (scope === undefined) {
      if (!isOfProgram(name)) continue
      // In `node -e`, these are globals.
      if (name === 'require' || name === 'module') own.push(name)
      else globals.push(name)
    } else if ((name === 'require' || name === 'module') && isOfScript(scope)) own.push(name)
    else captured.push(name)
  }
  const place = placeOfText(fn, text, line, column)
  const { url = '', mapNumber } = script ?? {}
  const { assigned } = text.names
  const constants = new Set([...imports.keys()].filter(name => assigned.has(name)))
  const variables = captured.filter(name => assigned.has(name))
  for (const name of constantsOf(scriptId, script, variables, place, reader)) constants.add(name)
  const code = { text, scriptId, url, mapNumber, ...place, isStrict, imports, own, captured, constants, globals }
  return { way: 'code', ...code }
}

/** Returns true for a strict function. Reading `arguments` is allowed for a sloppy function, and throws for every other. */
function isStrictFunction(fn: AnyFunction): boolean {
  try {
    void fn.arguments
    return false
  } catch {
    return true
  }
}

/** @param isModuleThis returns true if the `this` in the text is that of the module */
function readText(fn: AnyFunction, isStrict: boolean, isModuleThis: () => boolean, isAnonymous = false): FunctionText {
  let text: FunctionText
  try {
    text = readFunctionText(textOf(fn), isStrict, isAnonymous)
  } catch (error) {
    return unreadable(error)
  }
  for (const lexical of text.names.lexical) {
    if (lexical !== 'this' || !text.isArrow || !isModuleThis()) refuseLexical(lexical, text.isArrow)
  }
  if (text.foreignPrivate !== undefined) refusePrivate(text.foreignPrivate)
  return text
}

/** Returns where the text begins; the place that V8 gives is further in. */
function placeOfText(
  fn: AnyFunction,
  text: FunctionText,
  line: number,
  column: number
): { line: number; column: number } {
  const before = textOf(fn).slice(0, text.locatedAt)
  const breaks = before.split(/\r\n|[\n\r\u2028\u2029]/).length - 1
  return { line: Math.max(0, line - breaks), column: breaks > 0 ? 0 : Math.max(0, column - before.length) }
}

export function scopeOf(scopes: readonly Scope[], name: string): Scope | undefined {
  return scopes.find(({ kind, variables }) => kind !== 'Global' && Object.hasOwn(variables, name))
}

function isOutermost(scope: Scope, scopes: readonly Scope[]): boolean {
  return scope.kind === 'Module' || scope === scopes.filter(({ kind }) => kind !== 'Global' && kind !== 'Script').at(-1)
}

function isOtherValue(scopes: readonly Scope[], name: string, fn: AnyFunction): boolean {
  const scope = scopeOf(scopes, name)
  try {
    return scope !== undefined && scope.variables[name] !== fn
  } catch {
    return false
  }
}

function isOfProgram(name: string): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, name)
  return descriptor?.enumerable === true && 'value' in descriptor && !NODE_GLOBALS.has(name)
}

const constantsAt = new Map<string, readonly string[]>()

function constantsOf(
  scriptId: string,
  script: Script | undefined,
  names: readonly string[],
  { line, column }: { line: number; column: number },
  reader: FunctionReader
): readonly string[] {
  if (names.length === 0 || script === undefined) return []
  const key = `${scriptId}:${line}:${column}`
  let found = constantsAt.get(key)
  if (found === undefined) {
    if (constantsAt.size >= MOST_SCRIPTS) constantsAt.clear()
    found = constantsAmong(names, reader.source(scriptId), script, line, column)
    constantsAt.set(key, found)
  }
  return found
}

class ScriptFacts {
  readonly isStrict: boolean
  readonly #id: string
  readonly #url: string
  readonly #isModule: boolean
  #imports: ImportTable | undefined

  constructor(id: string, script: Script | undefined, source: string) {
    this.#id = id
    this.#url = script?.url ?? ''
    this.#isModule = script?.isModule ?? false
    this.isStrict = this.#isModule || STRICT.test(source)
  }

  /** They are read when a function first uses a name that may be an import: loading the lexer takes longer than reading a function. */
  imports(reader: FunctionReader): ImportTable {
    this.#imports ??= readImports(this.#url, reader.source(this.#id), this.#isModule)
    return this.#imports
  }
}

const scripts = new Map<string, ScriptFacts>()
const MOST_SCRIPTS = 1000
const STRICT = /^(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|#![^\n]*)*(["'])use strict\1/

function factsOfScript(scriptId: string, script: Script | undefined, reader: FunctionReader): ScriptFacts {
  let facts = scripts.get(scriptId)
  if (facts === undefined) {
    if (scripts.size >= MOST_SCRIPTS) scripts.clear()
    facts = new ScriptFacts(scriptId, script, reader.source(scriptId))
    scripts.set(scriptId, facts)
  }
  return facts
}
