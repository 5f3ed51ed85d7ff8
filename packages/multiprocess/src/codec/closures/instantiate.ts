/** Makes the functions of a message's code. Each unit runs once for each message, so that its functions share their variables. */

import { SerializationError } from '../../errors.ts'
import { compileUnder } from '../references/compile.ts'
import { importedNamespace } from '../references/imports.ts'
import { nameMapped } from '../values/mapped-stacks.ts'
import type { CodeData, VariableData } from './format.ts'

type Setter = (value: unknown) => void

export interface Unit {
  readonly setters: readonly Setter[]
  readonly functions: readonly ((heritage?: unknown, keepPrivates?: unknown) => unknown)[]
}

const PARAMETERS = ['__mp$s', '__mp$f', '__mp$m', '__mp$meta__', '__mp$k']

export class UnitReader {
  readonly #data: CodeData
  readonly #modules: readonly string[]
  readonly #bind: (number: number, setter: Setter) => void
  readonly #units: Unit[] = []

  /** @param bind sets a variable when its value is available */
  constructor(data: CodeData, modules: readonly string[], bind: (number: number, setter: Setter) => void) {
    this.#data = data
    this.#modules = modules
    this.#bind = bind
  }

  unit(number: number): Unit {
    this.#units[number] ??= this.#make(number)
    return this.#units[number]
  }

  #make(number: number): Unit {
    const { url, line, column, code, map, hasModuleThis, variables } = this.#data.units[number]
    const name = map === undefined ? url : nameMapped(url, code, line, column, map)
    const unit = { setters: [] as Setter[], functions: [] as Unit['functions'][number][] }
    const compiled = compileUnder(name, code, PARAMETERS, line, column)
    const self = hasModuleThis ? (moduleOf(url) as { exports: unknown }).exports : undefined
    const constants = (run: () => Constants, count: number) => unit.setters.push(...settersOf(run(), count))
    compiled.call(self, unit.setters, unit.functions, member, metaOf(url), constants)
    for (const [i, variable] of variables.entries()) {
      if (typeof variable === 'number') this.#bind(variable, unit.setters[i])
      else unit.setters[i](this.#value(url, variable))
    }
    return unit
  }

  #value(url: string, variable: Exclude<VariableData, number>): unknown {
    if (variable === 'require') return requireOf(url)
    if (variable === 'module') return moduleOf(url)
    const [number, name] = variable
    const module = this.#modules[number]
    const namespace = importedNamespace(module)
    if (namespace === undefined)
      throw new SerializationError(`cannot read the message: ${module} has not been imported`)
    if (name === '*') return namespace
    if (!(name in namespace)) {
      throw new SerializationError(
        `cannot read the message: ${module} has no export named ${name}. It exports ${Object.keys(namespace).join(', ')}`
      )
    }
    return namespace[name]
  }
}

/** Code that declares constants, and takes a value for each. */
type Constants = Iterator<void, void, unknown>

function settersOf(code: Constants, count: number): Setter[] {
  const values = new Map<number, unknown>()
  code.next()
  return Array.from({ length: count }, (_, i) => value => {
    values.set(i, value)
    // Once the code has ended, a value from a later message changes nothing.
    if (values.size === count) for (let k = 0; k < count; k++) code.next(values.get(k))
  })
}

/** Returns the method, getter or setter of an object or a class with only this member. */
function member(owner: object | { prototype: object }): unknown {
  const object = typeof owner === 'function' ? (owner as { prototype: object }).prototype : owner
  const [key] = Reflect.ownKeys(object).filter(name => typeof owner !== 'function' || name !== 'constructor')
  const descriptor = Object.getOwnPropertyDescriptor(object, key)
  return descriptor?.get ?? descriptor?.set ?? descriptor?.value
}

/** Returns `import.meta` of the module at `url`. */
function metaOf(url: string): object {
  const isFile = url.startsWith('file:')
  const path = isFile ? process.getBuiltinModule('node:path') : undefined
  const filename = isFile ? process.getBuiltinModule('node:url').fileURLToPath(url) : undefined
  return {
    url,
    ...(isFile ? { filename, dirname: path!.dirname(filename!) } : {}),
    main: false,
    resolve: (specifier: string) => resolveFrom(url, specifier)
  }
}

function resolveFrom(url: string, specifier: string): string {
  const { isBuiltin } = process.getBuiltinModule('node:module')
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`
  if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, url).href
  if (URL.canParse(specifier)) return specifier
  return process.getBuiltinModule('node:url').pathToFileURL(requireOf(url).resolve(specifier)).href
}

function requireOf(url: string): NodeJS.Require {
  const base = url.startsWith('file:') ? url : process.getBuiltinModule('node:url').pathToFileURL(`${process.cwd()}/`)
  return process.getBuiltinModule('node:module').createRequire(base)
}

/** Returns the module itself if it is loaded here; a main program never is. */
function moduleOf(url: string): unknown {
  const filename = url.startsWith('file:') ? process.getBuiltinModule('node:url').fileURLToPath(url) : url
  const require = requireOf(url)
  return (
    require.cache[filename] ?? { id: filename, filename, exports: {}, loaded: true, children: [], paths: [], require }
  )
}
