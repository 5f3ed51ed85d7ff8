/**
 * The receiving side of functions by reference: imports the module, takes the export. This module imports little, because every child loads
 * it.
 */

import { MultiprocessError } from '../../errors.ts'
import { messageOf } from '../../ground/inspect.ts'
import { hasBuffer, requestBuffer } from '../../ground/members/thread-buffers.ts'
import { BUFFER_REQUEST, CODE_REQUEST } from '../values/requests.ts'
import { type FunctionReferenceData, INTRINSIC } from './data.ts'

type Namespace = Readonly<Record<string, unknown>>

/** The prefix of an import as a module wrote it; `[the module's URL, specifier, attributes]` follows, as JSON. */
export const WRITTEN_REQUEST = 'import:'

const namespaces = new Map<string, Namespace>()
const requests = new WeakMap<object, string>()
let importing = 0
let hasCodeReader = false

/** Loads what a request with the loader's prefix asks for. */
export interface Loader {
  /** True if `load` returns a promise: a blocked thread cannot load such a request. */
  readonly waits: boolean
  load(request: string): void | Promise<void>
}

const loaders = new Map<string, Loader>()

/** Registers a loader. Later rooms do this: see `entries/loaders.ts`. */
export function registerLoader(prefix: string, loader: Loader): void {
  loaders.set(prefix, loader)
}

function loaderOf(url: string): Loader | undefined {
  return loaders.get(url.slice(0, url.indexOf(':') + 1))
}

/** Returns true if `importModule` has nothing to do. */
export function isImported(url: string): boolean {
  if (url.startsWith(BUFFER_REQUEST)) return hasBuffer(url.slice(BUFFER_REQUEST.length))
  return url === INTRINSIC || namespaces.has(url) || (hasCodeReader && url.startsWith(CODE_REQUEST))
}

/**
 * Marks a request as imported. Each module that a request with nothing after its prefix asks for calls this, whatever imported the module.
 */
export function markImported(request: string): void {
  if (request === CODE_REQUEST) hasCodeReader = true
  else namespaces.set(request, {})
}

/** Sets what a request that a loader knows resolves to. */
export function provide(request: string, namespace: Namespace): void {
  namespaces.set(request, namespace)
}

/** Forgets a request, because what it asked for no longer exists. */
export function markGone(request: string): void {
  namespaces.delete(request)
}

/** Returns the namespace of what a message requires, once it was imported. */
export function importedNamespace(url: string): Namespace | undefined {
  return namespaces.get(url)
}

/** Returns what this process has imported for messages: URLs of modules, and requests. */
export function importedUrls(): Iterable<string> {
  return namespaces.keys()
}

/** Returns the request by which `importModule` got a namespace. */
export function requestOfNamespace(namespace: object): string | undefined {
  return requests.get(namespace)
}

/**
 * Imports a module that references name, and keeps its namespace for `resolveReference`.
 * @param url an absolute URL, as in `FunctionReferenceData.module`; or a request, as messages with code have them
 * @throws MultiprocessError (`ERR_IMPORT`, with the module's own error as `cause`) if the module cannot be imported
 */
export async function importModule(url: string): Promise<void> {
  if (isImported(url)) return
  if (url.startsWith(BUFFER_REQUEST)) return requestBuffer(url.slice(BUFFER_REQUEST.length))
  const loader = loaderOf(url)
  if (loader !== undefined) return loader.load(url)
  importing += 1
  try {
    const namespace = (await (url.startsWith(WRITTEN_REQUEST)
      ? importAsWritten(url)
      : importOrRequire(url))) as Namespace
    namespaces.set(url, namespace)
    requests.set(namespace, url)
  } catch (error) {
    throw new MultiprocessError(`cannot import ${nameOfRequest(url)} in the child process: ${reasonOf(error)}`, {
      cause: error,
      code: 'ERR_IMPORT'
    })
  } finally {
    importing -= 1
  }
}

/** Codes of the errors that `import()` throws for a type of file that it does not know. `require()` may know the type. */
const UNKNOWN_TYPES = new Set(['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'])

/** Imports a module. If only `require.extensions` knows its type, as with `ts-node/register`, requires it. */
async function importOrRequire(url: string): Promise<unknown> {
  try {
    return await import(url)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException | null | undefined)?.code
    if (!url.startsWith('file:') || code === undefined || !UNKNOWN_TYPES.has(code)) throw error
    const path = process.getBuiltinModule('node:url').fileURLToPath(url)
    const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)
    const extension = process.getBuiltinModule('node:path').extname(path)
    if (!Object.hasOwn(require.extensions, extension)) throw error
    return require(path)
  }
}

/**
 * Does the same while the thread is blocked, for a module in a file that awaits nothing while it is loaded, as `require()` does.
 * @returns true if it is imported now
 */
export function importModuleNow(url: string): boolean {
  if (isImported(url)) return true
  const loader = loaderOf(url)
  if (loader !== undefined) {
    if (loader.waits) return false
    void loader.load(url)
    return true
  }
  if (!url.startsWith('file:')) return false
  const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)
  try {
    const namespace = require(process.getBuiltinModule('node:url').fileURLToPath(url)) as Namespace
    namespaces.set(url, namespace)
    requests.set(namespace, url)
    return true
  } catch {
    return false
  }
}

/**
 * Imports what a module of the parent imports, as that module would: relative to it, and through the same loaders. `import()` in a script
 * that is compiled under the module's name is resolved as the module's own.
 */
async function importAsWritten(request: string): Promise<unknown> {
  const [parent, specifier, attributes] = writtenRequest(request)
  if (!URL.canParse(parent)) return import(specifier)
  const { compileUnder } = await import('./compile.ts')
  const load = compileUnder(parent, attributes === undefined ? 'return import(s)' : 'return import(s,{with:a})', [
    's',
    'a'
  ])
  return load(specifier, attributes)
}

function writtenRequest(request: string): [parent: string, specifier: string, attributes?: object] {
  return JSON.parse(request.slice(WRITTEN_REQUEST.length))
}

function nameOfRequest(url: string): string {
  if (!url.startsWith(WRITTEN_REQUEST)) return url
  const [parent, specifier] = writtenRequest(url)
  return `'${specifier}' (of ${parent})`
}

/**
 * Returns true while `importModule` runs a user's modules. A process that was started then would import the same modules, and start the
 * next process, without end.
 */
export function isImporting(): boolean {
  return importing > 0
}

/**
 * Returns the function or class that a reference names. Its module must have been imported.
 *
 * The exports of a CommonJS module are looked up by name first, then among the members of `module.exports`, which `import()` shows as
 * `default`: Node finds only some of the names when it reads the source.
 * @throws MultiprocessError (`ERR_IMPORT`) if there is no such export, or it is not a function
 */
export function resolveReference(reference: FunctionReferenceData): unknown {
  const { module, export: name } = reference
  const namespace = module === INTRINSIC ? (globalThis as unknown as Namespace) : namespaces.get(module)
  if (namespace === undefined) throw failure(`cannot find \`${name}\`: ${module} has not been imported`)
  const exact = Object.hasOwn(namespace, name) ? namespace[name] : undefined
  if (typeof exact === 'function') return exact
  const keys = name.split('.')
  const candidates = [exact, member(namespace, keys), member(namespace['default'], keys)]
  const found = candidates.find(candidate => typeof candidate === 'function')
  if (found !== undefined) return found
  const other = candidates.find(candidate => candidate !== undefined)
  if (other !== undefined) {
    const kind = other === null ? 'null' : typeof other
    throw failure(`cannot use \`${name}\` of ${module}: expected a function or a class, and it is of type ${kind}`)
  }
  const names = module === INTRINSIC ? '' : `: it exports ${Object.keys(namespace).join(', ') || 'nothing'}`
  throw failure(`cannot find \`${name}\` in ${module}${names}`)
}

/** Returns the object that a `KnownObject` names. Its module must have been imported. */
export function resolveKnown(module: string, name: string): unknown {
  if (module === INTRINSIC) return member(globalThis, name.split('.'))
  const namespace = namespaces.get(module)
  if (namespace === undefined) throw failure(`cannot find \`${name}\`: ${module} has not been imported`)
  if (name === '*') return namespace
  // `import()` shows the exports of a CommonJS module as `default`; with some loaders, its result is the exports themselves.
  for (const key of name === 'module.exports' ? [name, 'default'] : ['default']) {
    if (Object.hasOwn(namespace, key)) return namespace[key]
  }
  return namespace
}

function member(owner: unknown, keys: readonly string[]): unknown {
  let value = owner
  for (const key of keys) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
    value = (value as Namespace)[key]
  }
  return value
}

function reasonOf(error: unknown): string {
  const reason = messageOf(error)
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_UNKNOWN_FILE_EXTENSION'
    ? `${reason}; a loader that the program registers by code does not reach its children: start Node with --import instead`
    : reason
}

function failure(message: string): MultiprocessError {
  return new MultiprocessError(message, { code: 'ERR_IMPORT' })
}
