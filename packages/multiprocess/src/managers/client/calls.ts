/** The methods of proxies: one that calls and one that blocks, for each row of the table or each name of a registered object. */
import { timeoutOf, type WaitOptions } from '../../ground/waitable.ts'
import { METHODS, type Method, NESTING_KINDS, type ObjectKind } from '../protocol/methods.ts'
import { contextsOf } from './lock-proxies.ts'
import { BaseProxy, insideProxy } from './proxy.ts'
import { sendable } from './sendable.ts'

const { call, callSync } = insideProxy

type Callable = (this: BaseProxy, ...args: unknown[]) => unknown
type ProxyType = { prototype: object; name: string }

/** Gives a class the methods of a kind, as the table has them. */
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
 * Gives a class the methods of a registered object. If the object has a method with the name of a twin, `readSync` beside `read`, the
 * twin replaces it.
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

/** Changes what a proxy was given to what its object takes. @returns the signal that ends the call */
function prepareArguments({ waits, timeoutAt, itemsAt, optionsAt }: Method, args: unknown[]): AbortSignal | undefined {
  if (itemsAt !== undefined && args.length > itemsAt) args[itemsAt] = sendable(args[itemsAt])
  if (timeoutAt !== undefined) {
    const options = args[timeoutAt] as WaitOptions | undefined
    const timeout = timeoutOf(options)
    while (args.length < timeoutAt) args.push(undefined)
    args.length = timeoutAt
    // An object has a timeout of its own, such as a barrier's, if the caller gives none.
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

/** What the class has already stays. */
function define(prototype: object, name: string, value: Callable): void {
  for (let link = prototype; link !== BaseProxy.prototype; link = Object.getPrototypeOf(link)) {
    if (Object.hasOwn(link, name)) return
  }
  Object.defineProperty(value, 'name', { value: name })
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
}
