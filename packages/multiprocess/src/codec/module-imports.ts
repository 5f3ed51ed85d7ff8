/**
 * The receiving side of functions by reference: import the module, take the export. It loads nothing else, because every child
 * pays for what stands here.
 */

import { MultiprocessError } from '../errors.ts'
import { type FunctionReferenceData, INTRINSIC } from './function-data.ts'

type Namespace = Readonly<Record<string, unknown>>

const namespaces = new Map<string, Namespace>()
let importing = 0

/**
 * Imports a module that references name, and keeps its namespace for `resolveReference`.
 *
 * @param url absolute, as in `FunctionReferenceData.module`
 * @throws MultiprocessError (`ERR_IMPORT`, with the module's own error as `cause`) when the module cannot be imported
 */
export async function importModule(url: string): Promise<void> {
  if (url === INTRINSIC || namespaces.has(url)) return
  importing += 1
  try {
    namespaces.set(url, await import(url))
  } catch (error) {
    throw new MultiprocessError(`Cannot import ${url} in the child process: ${reasonOf(error)}`, {
      cause: error,
      code: 'ERR_IMPORT'
    })
  } finally {
    importing -= 1
  }
}

/**
 * True while `importModule` runs a user's modules. A process that were started then would import the same modules, and start
 * the next one, without end.
 */
export function isImporting(): boolean {
  return importing > 0
}

/**
 * The function or class that a reference names; its module has been imported.
 *
 * A CommonJS module's exports are looked up by name first, then among the members of `module.exports`, which `import()` shows
 * as `default`: Node finds only some of the names by reading the source.
 *
 * @throws MultiprocessError (`ERR_IMPORT`) when there is no such export, or when it is not a function
 */
export function resolveReference(reference: FunctionReferenceData): unknown {
  const { module, export: name } = reference
  const namespace = module === INTRINSIC ? (globalThis as unknown as Namespace) : namespaces.get(module)
  if (namespace === undefined) throw failure(`Cannot find \`${name}\`: ${module} has not been imported`)
  const exact = Object.hasOwn(namespace, name) ? namespace[name] : undefined
  if (typeof exact === 'function') return exact
  const keys = name.split('.')
  const candidates = [exact, member(namespace, keys), member(namespace['default'], keys)]
  const found = candidates.find(candidate => typeof candidate === 'function')
  if (found !== undefined) return found
  const other = candidates.find(candidate => candidate !== undefined)
  if (other !== undefined) {
    const kind = other === null ? 'null' : typeof other
    throw failure(`Cannot use \`${name}\` of ${module}: expected a function or a class, and it is of type ${kind}`)
  }
  const names = module === INTRINSIC ? '' : `. It exports ${Object.keys(namespace).join(', ') || 'nothing'}`
  throw failure(`Cannot find \`${name}\` in ${module}${names}`)
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
  const reason = error instanceof Error ? error.message : String(error)
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_UNKNOWN_FILE_EXTENSION'
    ? `${reason}. A loader that the program registers by code does not reach its children: start Node with --import instead`
    : reason
}

function failure(message: string): MultiprocessError {
  return new MultiprocessError(message, { code: 'ERR_IMPORT' })
}
