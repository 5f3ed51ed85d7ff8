/**
 * Proxies cross by what they stand for: the server, the object's id, and the token that stands for its being held. A process has
 * one proxy of an object, however often it comes by. Who receives one first imports this.
 */
import { registerKind } from '../codec/hooks.ts'
import { markImported, PROXY_REQUEST } from '../codec/module-imports.ts'
import { SerializationError } from '../errors.ts'
import { familyWith } from '../ground/family.ts'
import '../codec/shared-kinds.ts'
import '../process/sending.ts'
import type { Link } from './link.ts'
import { localLink } from './local-link.ts'
import { ownServer } from './own-link.ts'
import { BaseProxy, insideProxy } from './proxy.ts'
import { proxyClass } from './proxy-classes.ts'
import type { LocalPlace, ProxyData, ProxyType } from './proxy-data.ts'
import { dropToken, holdToken, Token } from './token.ts'

const known = new WeakMap<Link, Map<number, WeakRef<BaseProxy>>>()
const collected = new FinalizationRegistry<{ proxies: Map<number, WeakRef<BaseProxy>>; id: number }>(
  ({ proxies, id }) => {
    if (proxies.get(id)?.deref() === undefined) proxies.delete(id)
  }
)

/** The proxy that this process has of an object. */
export function knownProxy(link: Link, id: number): BaseProxy | undefined {
  return known.get(link)?.get(id)?.deref()
}

/** A proxy of an object that this process has none of yet. */
export function makeProxy(type: ProxyType, link: Link, id: number, holder: object): BaseProxy {
  let proxies = known.get(link)
  if (proxies === undefined) {
    proxies = new Map()
    known.set(link, proxies)
  }
  const proxy = new (proxyClass(type))({ type, link, id, holder })
  proxies.set(id, new WeakRef(proxy))
  collected.register(proxy, { proxies, id })
  return proxy
}

insideProxy.onDispose(({ link, id, holder }) => {
  known.get(link)?.delete(id)
  if (holder instanceof Token) dropToken(holder)
})

markImported(PROXY_REQUEST)
registerKind<BaseProxy, ProxyData>({
  name: 'proxy',
  request: PROXY_REQUEST,
  test: object => object instanceof BaseProxy,
  encode: (proxy, writer) => {
    const { type, link, id, holder } = insideProxy.parts(proxy)
    return [type, link.describe(id, holder, release => writer.hold(release))]
  },
  decode: ([type, place], isLast) => {
    if ('server' in place) return localProxy(type, place, isLast)
    throw new SerializationError('cannot receive a proxy of a remote manager here')
  }
})

function localProxy(type: ProxyType, place: LocalPlace, isLast: boolean): BaseProxy {
  const { server, address, token, id } = place
  const family = familyWith(place.family)
  if (family === undefined || !family.shared.isBlock(token)) {
    throw new SerializationError(`cannot read the message: it is damaged: no ${type.typeid} stands at ${token}`)
  }
  try {
    const own = ownServer(server)
    if (own !== undefined) {
      const proxy = own.proxyOf(id)
      if (proxy === undefined) throw new SerializationError(`the manager has no object with the id ${id}`)
      return proxy
    }
    const link = localLink(server, address)
    return knownProxy(link, id) ?? makeProxy(type, link, id, holdToken(family, token))
  } finally {
    if (isLast) family.shared.release(token)
  }
}
