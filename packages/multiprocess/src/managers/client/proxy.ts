/** What stands for an object that a manager's server keeps. */
import { inspect } from 'node:util'
import { ValueError } from '../../errors.ts'
import { checkSignal } from '../../ground/waitable.ts'
import type { ProxyType } from '../protocol/proxy-data.ts'
import { formatAddress, type Link } from './link.ts' // lazy

/** How a proxy is made: how its object is reached, and what keeps it at the server as long as the proxy lives. */
export interface ProxyParts {
  readonly type: ProxyType
  readonly link: Link
  readonly id: number
  readonly holder: object
}

/** What the modules of managers may do with a proxy. */
export let insideProxy: {
  /** Without asking the object itself, which may be a Proxy of JavaScript's. */
  readonly isProxy: (object: object) => object is BaseProxy
  readonly parts: (proxy: BaseProxy) => ProxyParts
  readonly call: (proxy: BaseProxy, method: number, args: readonly unknown[], signal?: AbortSignal) => Promise<unknown>
  readonly callSync: (proxy: BaseProxy, method: number, args: readonly unknown[]) => unknown
  readonly onDispose: (release: (parts: ProxyParts) => void) => void
}

/** Tells proxies apart for whoever compares what objects hold, and sees nothing private: `util.isDeepStrictEqual`. */
const IDENTITY = Symbol('identity')

let releaseParts: (parts: ProxyParts) => void = () => {}

/**
 * A proxy crosses to other processes as the same thing. The object lives at the server until no process has a proxy of it,
 * and nothing else at the server holds one.
 */
export class BaseProxy implements Disposable {
  #parts: ProxyParts | undefined

  static {
    insideProxy = {
      isProxy: (object): object is BaseProxy => #parts in object,
      parts: proxy => proxy.#open(),
      call: async (proxy, method, args, signal) => {
        checkSignal(signal)
        const { link, id } = proxy.#open()
        return link.call(id, method, args, signal)
      },
      callSync: (proxy, method, args) => {
        const { link, id } = proxy.#open()
        return link.callSync(id, method, args)
      },
      onDispose: release => {
        releaseParts = release
      }
    }
  }

  /** @internal Made by a manager, and where one arrives. */
  constructor(parts: ProxyParts) {
    this.#parts = parts
    Object.defineProperty(this, IDENTITY, { value: { id: parts.id, address: parts.link.address }, enumerable: true })
  }

  /** This process needs the object no longer; the proxy's methods throw ValueError from now on. */
  [Symbol.dispose](): void {
    if (this.#parts === undefined) return
    releaseParts(this.#parts)
    this.#parts = undefined
  }

  #open(): ProxyParts {
    if (this.#parts === undefined) throw new ValueError('the proxy was disposed of')
    return this.#parts
  }

  [inspect.custom](): string {
    if (this.#parts === undefined) return `${this.constructor.name} { disposed }`
    const { type, id, link } = this.#parts
    return `${this.constructor.name} { ${type.typeid}, id ${id}, at ${formatAddress(link.address)} }`
  }
}

type Method = (this: BaseProxy, ...args: unknown[]) => unknown

/**
 * Gives a class the asynchronous methods of a list, and their blocking twins; a method that stands there already stays. What
 * the list has under the name of a twin, `readSync` beside `read`, gives way to that.
 */
export function defineMethods(type: { prototype: object; name: string }, methods: readonly string[]): void {
  const names = new Set(methods)
  methods.forEach((name, number) => {
    if (name.endsWith('Sync') && names.has(name.slice(0, -'Sync'.length))) return
    define(type.prototype, name, function (...args) {
      return insideProxy.call(this, number, args)
    })
    define(type.prototype, `${name}Sync`, function (...args) {
      return insideProxy.callSync(this, number, args)
    })
  })
}

function define(prototype: object, name: string, value: Method): void {
  for (let link = prototype; link !== BaseProxy.prototype; link = Object.getPrototypeOf(link)) {
    if (Object.hasOwn(link, name)) return
  }
  Object.defineProperty(value, 'name', { value: name })
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
}
