/** Functions that the program names as `{ module, export }` instead of passing them. */

import { createRequire, isBuiltin } from 'node:module' // lazy
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { SerializationError } from '../../errors.ts'
import { type FunctionReferenceData, INTRINSIC } from './data.ts'
import { entries } from './entries.ts'

/**
 * Checks a reference that the program wrote, and completes it. Does not load the module.
 *
 * `module` is a `URL` or a string: a URL, an absolute path, the name of a Node builtin, or the name of a package. A package is looked up
 * from the main program's file (from the working directory, if there is none) as `require` does it. For a package with two builds, this is
 * the CommonJS one; for another build, or for a package of another module, use `import.meta.resolve(name)`.
 * @param ref `export` is a name or a dotted path to a member. Default: `default`
 * @param path the place of the reference in what is sent, for errors
 * @throws SerializationError if the reference is invalid
 */
export function explicitReference(ref: { module: string | URL; export?: string }, path: string): FunctionReferenceData {
  const fail = (reason: string, cause?: unknown): never => {
    const place = path === '' ? '' : ` (${path})`
    const shown = inspect({ module: ref.module instanceof URL ? ref.module.href : ref.module, export: ref.export })
    throw new SerializationError(`cannot send ${shown.replaceAll(/\s+/g, ' ')}${place}: ${reason}`, path, { cause })
  }
  const name = ref.export ?? 'default'
  if (typeof name !== 'string' || name === '')
    return fail('`export` must be the name of an export, or left out for `default`')
  return { module: moduleUrl(ref.module, fail), export: name }
}

type Fail = (reason: string, cause?: unknown) => never

function moduleUrl(module: unknown, fail: Fail): string {
  if (module instanceof URL) return checkedUrl(module.href, fail)
  if (typeof module !== 'string' || module === '') {
    return fail('`module` must be a URL or a string, such as import.meta.url')
  }
  if (module.startsWith('./') || module.startsWith('../') || module === '.' || module === '..') {
    return fail(
      `\`module\` is relative, and it cannot be known to what. Use new URL('${module}', import.meta.url), ` +
        'or import.meta.url for the module that this is written in'
    )
  }
  if (module.startsWith('#'))
    return fail('`module` is private to a package. Use import.meta.resolve(...) in that package')
  if (path.isAbsolute(module)) return pathToFileURL(module).href
  if (isBuiltin(module)) return module.startsWith('node:') ? module : `node:${module}`
  return URL.canParse(module) ? checkedUrl(module, fail) : packageUrl(module, fail)
}

function checkedUrl(url: string, fail: Fail): string {
  if (url.startsWith('node:') && !isBuiltin(url)) return fail(`Node has no builtin module ${url}`)
  if (url.startsWith('blob:')) return fail('a blob: URL belongs to this process only')
  if (url.startsWith(INTRINSIC)) return INTRINSIC
  return url
}

function packageUrl(name: string, fail: Fail): string {
  const parent = entries().find(url => url.startsWith('file:')) ?? pathToFileURL(`${process.cwd()}/`).href
  try {
    const found = createRequire(parent).resolve(name)
    return isBuiltin(found) ? `node:${found}` : pathToFileURL(found).href
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0]
    return fail(
      `\`module\` is no URL, and no package that ${parent} can require (${reason}). Use import.meta.resolve('${name}')`,
      error
    )
  }
}
