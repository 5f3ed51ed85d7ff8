/**
 * A proxy crosses as the server, the object's id, and the token that keeps the object. A process has one proxy of each object, however
 * often the object arrives.
 */
import type { Writer } from '../codec/values/writer.ts'
import { SerializationError } from '../errors.ts'
import { familyWith } from '../ground/family.ts' // lazy
import type { Link } from './client/link.ts'
import { localLink } from './client/local-link.ts' // lazy
import { type BaseProxy, insideProxy, type ProxyParts } from './client/proxy.ts'
import { proxyClass } from './client/proxy-classes.ts'
import { RemoteHolder, RemoteLink, remoteLink } from './client/remote-link.ts' // lazy
import { correspondent } from './protocol/correspondent.ts'
import type { LocalPlace, ProxyData, ProxyType, RemotePlace } from './protocol/proxy-data.ts'
import { dropToken, holdToken, Token } from './protocol/token.ts'
import { ownServer } from './server/own-link.ts' // lazy
import { RemotePeer } from './server/remote-peer.ts'

const known = new WeakMap<Link, Map<number, WeakRef<BaseProxy>>>()
const collected = new FinalizationRegistry<{ proxies: Map<number, WeakRef<BaseProxy>>; id: number }>(
  ({ proxies, id }) => {
    if (proxies.get(id)?.deref() === undefined) proxies.delete(id)
  }
)

/** Returns the proxy that this process has of an object. */
export function knownProxy(link: Link, id: number): BaseProxy | undefined {
  return known.get(link)?.get(id)?.deref()
}

/** Creates a proxy of an object of which this process has none. */
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

/** Forgets a proxy that was disposed of. */
export function disposeProxy({ link, id, holder }: ProxyParts): void {
  known.get(link)?.delete(id)
  if (holder instanceof Token) dropToken(holder)
  else if (holder instanceof RemoteHolder) (link as RemoteLink).release(id, holder)
}

export function encodeProxy(proxy: BaseProxy, writer: Writer): ProxyData {
  const { type, link, id, holder } = insideProxy.parts(proxy)
  const place = link.describe(id, holder, writer)
  if ('server' in place && writer.audience !== 'family') {
    writer.refuse(`a proxy of ${type.typeid}`, 'its manager serves this family only: give the manager an address')
  }
  if ('anchor' in place && place.anchor !== null) {
    if (writer.audience !== 'family') {
      writer.refuse(`a proxy of ${type.typeid}`, "it goes to its own server, and to this program's children")
    }
    writer.moduleNumber(place.anchor.request)
  }
  return [type, place]
}

export function decodeProxy([type, place]: ProxyData): BaseProxy {
  return 'server' in place ? localProxy(type, place) : remoteProxy(type, place)
}

/** Returns a proxy that comes from the server itself, from one of its clients, or from a process of this family that has the proxy. */
function remoteProxy(type: ProxyType, { id, anchor }: RemotePlace): BaseProxy {
  const writer = correspondent()
  if (anchor === null && writer instanceof RemotePeer) {
    const proxy = writer.server.proxyOf(id)
    if (proxy === undefined) throw new SerializationError(`the manager has no object with the id ${id}`)
    return proxy
  }
  if (anchor === null) {
    if (!(writer instanceof RemoteLink))
      throw new SerializationError('cannot receive the proxy: the message has no sender')
    return arrivedProxy(type, writer, id)
  }
  const { request, token } = anchor
  const family = familyWith(anchor.family)
  if (family === undefined || !family.shared.isBlock(token)) {
    throw new SerializationError(`cannot read the message: it is damaged, and has no ${type.typeid} at ${token}`)
  }
  const link = remoteLink(request)
  return knownProxy(link, id) ?? keptProxy(type, link, id, holdToken(family, token))
}

/** Returns a proxy that another process of the family sent: from now on, this process has the object through its own connection. */
function keptProxy(type: ProxyType, link: RemoteLink, id: number, token: Token): BaseProxy {
  const holder = new RemoteHolder(token)
  const proxy = makeProxy(type, link, id, holder)
  link.keep(id)
  link.hold(id, holder)
  return proxy
}

/**
 * Returns a proxy that the server sent. The server counts each time that it sends a proxy; so does this process, until it gives them back.
 */
function arrivedProxy(type: ProxyType, link: RemoteLink, id: number): BaseProxy {
  const known = knownProxy(link, id)
  if (known !== undefined) {
    const { holder } = insideProxy.parts(known)
    if (holder instanceof RemoteHolder) holder.count.value++
    else link.drop(id, 1)
    return known
  }
  const holder = new RemoteHolder()
  const proxy = makeProxy(type, link, id, holder)
  link.hold(id, holder)
  return proxy
}

function localProxy(type: ProxyType, place: LocalPlace): BaseProxy {
  const { server, address, token, id } = place
  const family = familyWith(place.family)
  if (family === undefined || !family.shared.isBlock(token)) {
    throw new SerializationError(`cannot read the message: it is damaged, and has no ${type.typeid} at ${token}`)
  }
  const own = ownServer(server)
  if (own !== undefined) {
    const proxy = own.proxyOf(id)
    if (proxy === undefined) throw new SerializationError(`the manager has no object with the id ${id}`)
    return proxy
  }
  const link = localLink(server, address)
  return knownProxy(link, id) ?? makeProxy(type, link, id, holdToken(family, token))
}
