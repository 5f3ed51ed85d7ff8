/** The methods of proxies: an asynchronous and a blocking one for each row of the table, or for each method of a registered object. */
import { timeoutOf, type WaitOptions } from '../../ground/waitable.ts'
import { METHODS, type Method, NESTING_KINDS, type ObjectKind } from '../protocol/methods.ts'
import { contextsOf } from './lock-proxies.ts'
import { BaseProxy, insideProxy } from './proxy.ts'
import { sendable } from './sendable.ts'

const { call, callSync } = insideProxy

type Callable = (this: BaseProxy, ...args: unknown[]) => unknown
type ProxyType = { prototype: object; name: string }

/** Defines the methods of a kind in a class, as the table has them. */
export function defineKind(type: ProxyType, kind: ObjectKind): void {
  const isNesting = NESTING_KINDS.has(kind)
  for (const [number, [name, method]] of Object.entries<Method>(METHODS[kind]).entries()) {
    const isPlain = Object.keys(method).length === 1 && !isNesting
    if (isPlain) {
      defineTwins(type, name, number)
      continue
    }
    const prepare = (proxy: BaseProxy, args: unknown[]) => {
      const signal = prepareArguments(method, args)
      if (isNesting) args.push(contextsOf(proxy))
      return signal
    }
    define(type.prototype, name, async function (...args) {
      return call(this, number, args, prepare(this, args))
    })
    define(type.prototype, `${name}Sync`, function (...args) {
      if (prepare(this, args) !== undefined) throw noSignal(name)
      return callSync(this, number, args)
    })
  }
}

/**
 * Defines the methods of a registered object in a class. If the object itself has a method with the name of a blocking twin, such as
 * `readSync` next to `read`, the twin replaces it.
 */
export function defineRegistered(type: ProxyType, methods: readonly string[]): void {
  const names = new Set(methods)
  for (const [number, name] of methods.entries()) {
    if (name.endsWith('Sync') && names.has(name.slice(0, -'Sync'.length))) continue
    defineTwins(type, name, number)
  }
}

function defineTwins({ prototype }: ProxyType, name: string, number: number): void {
  define(prototype, name, function (...args) {
    return call(this, number, args)
  })
  define(prototype, `${name}Sync`, function (...args) {
    return callSync(this, number, args)
  })
}

/** Converts the arguments of a proxy's method to those of its object. @returns the signal that ends the call */
function prepareArguments({ waits, timeoutAt, itemsAt, optionsAt }: Method, args: unknown[]): AbortSignal | undefined {
  if (itemsAt !== undefined && args.length > itemsAt) args[itemsAt] = sendable(args[itemsAt])
  if (timeoutAt !== undefined) {
    const options = args[timeoutAt] as WaitOptions | undefined
    const timeout = timeoutOf(options)
    while (args.length < timeoutAt) args.push(undefined)
    args.length = timeoutAt
    // Without a timeout from the caller, an object uses its own, such as a barrier's.
    if (options?.timeout !== undefined) args.push(timeout)
    return options?.signal
  }
  const options = optionsAt === undefined || !waits ? undefined : args[optionsAt]
  if (typeof options !== 'object' || options === null || !('signal' in options)) return undefined
  const { signal, ...others } = options as { signal?: AbortSignal }
  args[optionsAt as number] = others
  return signal
}

function noSignal(name: string): TypeError {
  return new TypeError(
    `cannot call ${name}Sync with a signal: the blocked thread could not fire it; use { timeout }, or await ${name}`
  )
}

/** Defines a method, unless the class already has it. */
function define(prototype: object, name: string, value: Callable): void {
  for (let link = prototype; link !== BaseProxy.prototype; link = Object.getPrototypeOf(link)) {
    if (Object.hasOwn(link, name)) return
  }
  Object.defineProperty(value, 'name', { value: name })
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
}
