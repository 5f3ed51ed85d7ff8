/** Finds functions among the exports of ES modules, by their identity with the values of the variables that V8 shows for the module. */

import { readFileSync } from 'node:fs'
import { types } from 'node:util'
import type { AnyFunction, FunctionReferenceData } from './data.ts'
import { type ExportTable, isDefaultExport, mayBeDefault, readExports } from './exports.ts'
import type { FunctionFacts, FunctionReader } from './inspector.ts'
import { textOf } from './loaded/function-text.ts'
import { findMember } from './members.ts'

type Variables = Readonly<Record<string, unknown>>
type References = WeakMap<AnyFunction, FunctionReferenceData>

/** The exports of a script. `isExact` is true if they were read from the text that V8 compiled, and not from the file. */
interface ScriptExports {
  readonly table: ExportTable
  readonly isExact: boolean
}
const tables = new Map<string, ScriptExports>()
const MOST_TABLES = 1000
const MOST_CHARACTERS_SEARCHED = 1_000_000

/**
 * Returns a reference to `fn` in the exports of the module at `url`, which contains it.
 * @param found keeps the references to other functions that are met on the way
 */
export function esModuleReference(
  fn: AnyFunction,
  url: string,
  facts: FunctionFacts,
  reader: FunctionReader,
  found: References
): FunctionReferenceData | undefined {
  const { scriptId, line, column } = facts.location!
  const variables = facts.scopes.find(scope => scope.kind === 'Module')?.variables ?? {}
  let exports = tables.get(scriptId) ?? readTable(scriptId, url, variables, reader, found)
  let name = exportedName(fn, exports.table, variables)
  if (name === undefined && !exports.isExact) {
    exports = keepTable(scriptId, { table: tryReadExports(reader.source(scriptId)), isExact: true })
    name = exportedName(fn, exports.table, variables)
  }
  if (name === undefined && mayBeDefault(exports.table, fn, line)) {
    const proves = (source: string | undefined) => source !== undefined && isDefaultExport(source, fn, line, column)
    if (proves(readFile(url)) || proves(reader.source(scriptId))) name = 'default'
  }
  return name === undefined ? undefined : { module: url, export: name }
}

function readTable(
  scriptId: string,
  url: string,
  variables: Variables,
  reader: FunctionReader,
  found: References
): ScriptExports {
  const file = reader.isDebugging ? undefined : readFile(url)
  const source = file ?? reader.source(scriptId)
  const table = tryReadExports(source)
  keepReferences(found, table, url, variables, source)
  return keepTable(scriptId, { table, isExact: file === undefined })
}

function tryReadExports(source: string): ExportTable {
  try {
    return readExports(source)
  } catch {
    // TypeScript that the lexer cannot read, or syntax newer than the lexer.
    return { names: new Map(), defaultExpression: undefined }
  }
}

function keepTable(scriptId: string, exports: ScriptExports): ScriptExports {
  if (tables.size >= MOST_TABLES) for (const oldest of tables.keys()) if (tables.delete(oldest)) break
  tables.set(scriptId, exports)
  return exports
}

/** The file may have changed since, or a loader may have made something else of it: the values of variables confirm what it says. */
function readFile(url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined
  try {
    return readFileSync(new URL(url), 'utf8').replace(/^\uFEFF/, '')
  } catch {
    return undefined
  }
}

function exportedName(fn: AnyFunction, table: ExportTable, variables: Variables): string | undefined {
  for (const [local, { name }] of table.names) if (variableOf(variables, local) === fn) return name
  const { local } = table.defaultExpression ?? {}
  if (local !== undefined && variableOf(variables, local) === fn) return 'default'
  const owners = local === undefined ? table.names : [...table.names, [local, { name: 'default' }] as const]
  for (const [owner, { name }] of owners) {
    const keys = name.includes('.') ? undefined : findMember(variableOf(variables, owner), fn)
    if (keys !== undefined) return [name, ...keys].join('.')
  }
  return undefined
}

function variableOf(variables: Variables, name: string): unknown {
  try {
    return Object.hasOwn(variables, name) ? variables[name] : undefined
  } catch {
    // Not initialised yet.
    return undefined
  }
}

/**
 * Keeps the references of the other exported functions of a module: V8 copies every variable of a module to show those that one function
 * sees. Functions that were made elsewhere are left out, because their own module names them better.
 */
function keepReferences(
  found: References,
  table: ExportTable,
  url: string,
  variables: Variables,
  source: string
): void {
  let charactersLeft = MOST_CHARACTERS_SEARCHED
  for (const [local, { name, at }] of table.names) {
    const value = variableOf(variables, local)
    if (typeof value !== 'function' || types.isProxy(value) || found.has(value)) continue
    const text = textOf(value)
    let isHere = source.slice(Math.max(0, at - 60), at + local.length + text.length + 60).includes(text)
    if (!isHere && charactersLeft > 0) {
      charactersLeft -= source.length
      isHere = source.includes(text)
    }
    if (isHere) found.set(value, { module: url, export: name })
  }
}
