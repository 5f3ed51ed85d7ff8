/**
 * Functions exported by modules that are certainly loaded: those that the main program's file imports statically, those that these import,
 * and so on. They are found without V8's inspector, whose first use takes as long as starting Node.
 *
 * The texts of the files tell which module declares a function. Only that module's exports are read, through `require`, which returns the
 * namespace of an ES module that is loaded and evaluated, and throws for one that is still waiting. The inspector looks for functions that
 * are not found here.
 */

import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module' // lazy
import { fileURLToPath, pathToFileURL } from 'node:url'
import { types } from 'node:util'
import { startedScript } from '../../../ground/os/started.ts'
import type { AnyFunction, FunctionReferenceData } from '../data.ts'
import { isEntry } from '../entries.ts'
import { importedUrls } from '../imports.ts'
import { isNative, nameOf, textOf } from './function-text.ts'
import { references } from './known-references.ts'

type Namespace = Readonly<Record<string, unknown>>

interface LoadedModule {
  readonly url: string
  readonly text: string
}

const MOST_MODULES = 64
const MOST_CHARACTERS = 1_000_000
const MOST_CHARACTERS_SEARCHED = 4_000_000
/** Node's options that may make an import load something other than the file that it names. */
const REDIRECTING =
  /(?:^|\s)(?:-r|-C|--(?:require|import|loader|experimental-loader|conditions|preserve-symlinks|preserve-symlinks-main|permission|experimental-permission|no-require-module|no-experimental-require-module|experimental-default-type|input-type))(?:[=\s]|$)/

let isAllowed: boolean | undefined

/** Returns the reference to a function, or undefined if the inspector has to find it. Runs no code of the program. */
export function loadedReference(fn: AnyFunction): FunctionReferenceData | undefined {
  const known = references.get(fn)
  if (known !== undefined) return known
  const reference = types.isProxy(fn) || isNative(fn) ? undefined : find(fn)
  if (reference !== undefined) references.set(fn, reference)
  return reference
}

function find(fn: AnyFunction): FunctionReferenceData | undefined {
  isAllowed ??= !REDIRECTING.test(` ${process.execArgv.join(' ')} ${process.env['NODE_OPTIONS'] ?? ''} `)
  if (!isAllowed) return undefined
  const text = textOf(fn)
  for (const { url, text: file } of loadedModules()) {
    if (!file.includes(text)) continue
    // The main program may have the same text; a function of the main program has no reference.
    if (isEntry(url)) return undefined
    const namespace = namespaceOf(url)
    const name = namespace === undefined ? undefined : exportOf(namespace, fn)
    if (name === undefined) continue
    keepOthers(namespace as Namespace, url, file)
    return { module: url, export: name }
  }
  return undefined
}

/** Keeps the references of other functions of the same module, as far as finding them takes little time. */
function keepOthers(namespace: Namespace, url: string, text: string): void {
  let left = MOST_CHARACTERS_SEARCHED
  for (const name of Object.keys(namespace)) {
    const value = valueOf(namespace, name)
    if (typeof value !== 'function' || types.isProxy(value) || isNative(value) || references.has(value)) continue
    if (name === 'default' && exportOf(namespace, value) !== name) continue
    left -= text.length
    if (left < 0) return
    if (text.includes(textOf(value))) references.set(value, { module: url, export: name })
  }
}

/** Yields the loaded modules that are read, with their texts; the main program first. */
function* loadedModules(): Iterable<LoadedModule> {
  const urls = new Set(roots())
  let characters = 0
  for (const url of urls) {
    if (urls.size > MOST_MODULES || characters > MOST_CHARACTERS) return
    const text = readText(url)
    if (text === undefined) continue
    characters += text.length
    yield { url, text }
    for (const imported of importsOf(text, url)) urls.add(imported)
  }
}

/** Yields the main program, in the thread that runs it, and what this process was asked to import. */
function* roots(): Iterable<string> {
  if (startedScript !== undefined && isMainProgram()) {
    const url = urlOfFile(startedScript)
    if (url !== undefined) yield url
  }
  for (const url of importedUrls()) if (url.startsWith('file:') && !/[?#]/.test(url)) yield url
}

function isMainProgram(): boolean {
  if ((process as { _eval?: unknown })._eval !== undefined) return false
  return process.getBuiltinModule('node:worker_threads').isMainThread
}

function urlOfFile(file: string): string | undefined {
  try {
    return pathToFileURL(realpathSync(file)).href
  } catch {
    return undefined
  }
}

function readText(url: string): string | undefined {
  try {
    return readFileSync(fileURLToPath(url), 'utf8')
  } catch {
    return undefined
  }
}

const BLANK = /(?:\s+|\/\/.*|\/\*[\s\S]*?\*\/|;)*/y
/** An import statement. A clause with `type` in front, `defer`, or attributes ends the search: such modules are left to the inspector. */
const IMPORT =
  /import(?:\s+[\w$]+\s+from|(?:\s+[\w$]+\s*,)?\s*(?:\{[^{}'"]*\}|\*\s*as\s+[\w$]+)\s*from)?\s*(['"])([^'"\\\n]+)\1(?!\s*with\b)/y

/** Returns the files that the import statements at the top of a module's text name by relative names. */
export function importsOf(text: string, url: string): string[] {
  const urls: string[] = []
  let at = text.startsWith('#!') ? text.indexOf('\n') : 0
  for (;;) {
    at = endOf(BLANK, text, at)
    IMPORT.lastIndex = at
    const specifier = IMPORT.exec(text)?.[2]
    if (specifier === undefined) return urls
    at = IMPORT.lastIndex
    if (/^\.{1,2}\/[^?#]*$/.test(specifier)) {
      const imported = urlOfFile(fileURLToPath(new URL(specifier, url)))
      if (imported !== undefined) urls.push(imported)
    }
  }
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = Math.max(0, at)
  return pattern.test(text) ? pattern.lastIndex : at
}

/** Returns the name by which the module exports the function; one other than `default` if there is one. */
function exportOf(namespace: Namespace, fn: AnyFunction): string | undefined {
  const name = nameOf(fn)
  if (name !== 'default' && valueOf(namespace, name) === fn) return name
  const names = Object.keys(namespace).filter(key => valueOf(namespace, key) === fn)
  return names.find(key => key !== 'default') ?? names[0]
}

function valueOf(namespace: Namespace, name: string): unknown {
  try {
    return Object.hasOwn(namespace, name) ? namespace[name] : undefined
  } catch {
    // Not initialised yet.
    return undefined
  }
}

/** Returns undefined for a module that is not evaluated yet, and for one that `require` has loaded. */
function namespaceOf(url: string): Namespace | undefined {
  const require = createRequire(import.meta.url)
  const file = fileURLToPath(url)
  // The search among CommonJS modules handles these.
  if (require.cache[file] !== undefined) return undefined
  try {
    const exports: unknown = require(file)
    return types.isModuleNamespaceObject(exports) ? (exports as Namespace) : undefined
  } catch {
    return undefined
  } finally {
    delete require.cache[file]
  }
}
