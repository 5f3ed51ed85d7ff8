/** What stands for an object that a manager's server keeps. */
import { ValueError } from '../../errors.ts'
import { brand } from '../../ground/brand.ts'
import { inspectAs, printable } from '../../ground/inspect.ts'
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
    inspectAs(BaseProxy, proxy => {
      if (proxy.#parts === undefined) return 'disposed'
      const { type, id, link } = proxy.#parts
      return `${printable(type.typeid)}, id ${id}, at ${printable(formatAddress(link.address))}`
    })
    insideProxy = {
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
    brand(this, 'proxy')
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
}
