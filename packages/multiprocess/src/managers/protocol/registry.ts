/** The types of manager classes: their own, and those of the classes that they extend. */
import { checkArray, checkBoolean, checkOptions, checkString, optionNames } from '../../checks.ts'
import { ValueError } from '../../errors.ts'
import { checkTarget, sentTarget, type Target } from '../../process/target.ts'
import type { Factory } from '../objects/catalogue.ts'

/** The options of `BaseManager.register`. */
export interface RegisterOptions {
  /** The names of the methods that proxies have. Default: all public methods whose names do not begin with `_`. */
  exposed?: readonly string[]
  /** False to add no method with the name of the type to the manager class. Default: true. */
  createMethod?: boolean
}

const REGISTER_OPTIONS = optionNames("{ exposed: ['get'] }", 'createMethod', 'exposed')

type RegisteringClass = { readonly prototype: object }

const registries = new WeakMap<object, Map<string, Factory>>()

/**
 * @param base the members that all managers have; no type may have their names
 * @throws TypeError, ValueError if an argument is invalid
 */
export function register(
  type: RegisteringClass,
  typeid: string,
  factory: unknown,
  options: RegisterOptions,
  base: object
): void {
  checkString('typeid', typeid)
  checkOptions(options, REGISTER_OPTIONS)
  const { exposed, createMethod = true } = options
  if (factory !== undefined) checkTarget(factory, 'factory')
  checkBoolean('createMethod', createMethod)
  if (exposed !== undefined) {
    checkArray('exposed', exposed)
    for (const [index, name] of exposed.entries()) checkString(`exposed[${index}]`, name)
  }
  if (exposed?.includes('then')) throw new ValueError("cannot expose 'then': the proxy would be taken for a promise")
  if (createMethod && (typeid in base || typeid === 'then')) {
    const taken =
      typeid === 'then' ? 'the manager would be taken for a promise' : 'managers have another member of that name'
    throw new ValueError(`cannot register the type ${JSON.stringify(typeid)}: ${taken}; give the type another name`)
  }
  let registry = registries.get(type)
  if (registry === undefined) {
    registry = new Map()
    registries.set(type, registry)
  }
  if (factory !== undefined) registry.set(typeid, { factory: sentTarget(factory as Target, 'factory'), exposed })
  if (!createMethod) return
  const value = function (this: { create(typeid: string, args: unknown[]): unknown }, ...args: unknown[]) {
    return this.create(typeid, args)
  }
  Object.defineProperty(value, 'name', { value: typeid })
  Object.defineProperty(type.prototype, typeid, { value, writable: true, configurable: true })
}

export function ownFactories(type: object): ReadonlyMap<string, Factory> {
  const found = new Map<string, Factory>()
  for (let link: object | null = type; link !== null; link = Object.getPrototypeOf(link)) {
    for (const [typeid, factory] of registries.get(link) ?? []) if (!found.has(typeid)) found.set(typeid, factory)
  }
  return found
}
