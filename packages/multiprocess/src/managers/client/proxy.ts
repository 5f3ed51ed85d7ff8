/** The proxy of an object at a manager's server. */
import { ValueError } from '../../errors.ts'
import { brand } from '../../ground/brand.ts'
import { inspectAs, printable } from '../../ground/inspect.ts'
import { checkSignal } from '../../ground/waitable.ts'
import type { ProxyType } from '../protocol/proxy-data.ts'
import { formatAddress, type Link } from './link.ts' // lazy

/** What a proxy is made of: how it reaches its object, and what keeps the object at the server as long as the proxy lives. */
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

/** Makes proxies differ for `util.isDeepStrictEqual`, which compares the contents of objects and sees nothing private. */
const IDENTITY = Symbol('identity')

let releaseParts: (parts: ProxyParts) => void = () => {}

/**
 * The proxy of an object at a manager's server. It crosses to other processes as a proxy of the same object. The object lives until no
 * process has a proxy of it, and no other object at the server holds one. See Python's `multiprocessing.managers.BaseProxy`.
 * @example
 * import { Manager } from 'multiprocess'
 *
 * await using manager = await Manager()
 * using list = await manager.list(['a'])
 * console.log(await list.at(0)) // a
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

  /** @internal Managers create proxies, and so does the arrival of one. */
  constructor(parts: ProxyParts) {
    this.#parts = parts
    brand(this, 'proxy')
    Object.defineProperty(this, IDENTITY, { value: { id: parts.id, address: parts.link.address }, enumerable: true })
  }

  /** Releases the object in this process. The proxy's methods throw ValueError from now on. */
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
