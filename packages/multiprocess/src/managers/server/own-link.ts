/** Proxies inside the server itself. Their calls go to the object with copies of the arguments, as all calls do. */
import type { Mailbox } from '../../channel/mailbox.ts'
import { decode } from '../../codec/decode.ts' // lazy
import { encodeHeld, runAll } from '../../codec/encode.ts' // lazy
import type { Writer } from '../../codec/values/writer.ts'
import type { NetAddress } from '../../socket/address.ts'
import { type Link, serverBlocked } from '../client/link.ts' // lazy
import type { BaseProxy } from '../client/proxy.ts'
import { proxyClass } from '../client/proxy-classes.ts'
import { Call, Cancelled, runCall } from '../protocol/call.ts'
import { correspondent } from '../protocol/correspondent.ts'
import { FrameOutbox } from '../protocol/frames.ts'
import type { Peer } from '../protocol/peer.ts'
import type { ProxyPlace } from '../protocol/proxy-data.ts'
import type { Referent } from '../protocol/referents.ts'
import { Served } from '../protocol/served.ts'
import type { Server } from './server.ts'

/** The servers in this process, by their mailboxes. */
const servers = new WeakMap<Mailbox, Server>()
const proxies = new WeakMap<Referent, BaseProxy>()

const self: Peer = {
  outbox: new FrameOutbox(0, () => {}),
  isLocal: true,
  isGone: false,
  calls: new Map(),
  holdings: new Set(),
  keep: () => () => {},
  drop() {}
}

export function setOwnServer(mailbox: Mailbox, server: Server): void {
  servers.set(mailbox, server)
}

export function ownServer(mailbox: Mailbox): Server | undefined {
  return servers.get(mailbox)
}

/** Returns the proxy of an object in its own server. The proxy keeps the object. */
export function ownProxy(server: Server, mailbox: Mailbox, address: NetAddress, referent: Referent): BaseProxy {
  let proxy = proxies.get(referent)
  if (proxy === undefined) {
    const link = new OwnLink(server, mailbox, address, referent)
    const type = proxyClass(referent.type)
    proxy = new type({ type: referent.type, link, id: referent.id, holder: referent })
    proxies.set(referent, proxy)
  }
  return proxy
}

class OwnLink implements Link {
  readonly isGone = false
  readonly address: NetAddress
  readonly #server: Server
  readonly #mailbox: Mailbox
  readonly #referent: Referent

  constructor(server: Server, mailbox: Mailbox, address: NetAddress, referent: Referent) {
    this.#server = server
    this.#mailbox = mailbox
    this.address = address
    this.#referent = referent
  }

  async call(_object: number, method: number, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted()
    const call = new Call(self)
    const onAbort = () => call.cancel()
    signal?.addEventListener('abort', onAbort)
    try {
      return this.#answer(await this.#invoke(call, method, args))
    } catch (error) {
      throw error instanceof Cancelled ? signal?.reason : error
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  callSync(_object: number, method: number, args: readonly unknown[]): unknown {
    const call = new Call(self)
    const result = this.#invoke(call, method, args)
    if (!(result instanceof Promise)) return this.#answer(result)
    result.catch(() => {})
    call.cancel()
    throw serverBlocked()
  }

  describe(id: number, _holder: object, writer: Writer): ProxyPlace {
    const reader = correspondent() as Peer | undefined
    if (reader?.isLocal === false) {
      writer.hold(reader.keep(this.#referent))
      return { remote: this.address, id, anchor: null }
    }
    const { family } = this.#server
    const token = this.#server.createToken(this.#referent)
    writer.name(family, token)
    family.shared.drop(token)
    return { server: this.#mailbox, address: this.address, family: family.number, token, id }
  }

  #invoke(call: Call, method: number, args: readonly unknown[]): unknown {
    return runCall(call, () => this.#server.invoke(this.#referent, method, copy(args) as unknown[]))
  }

  #answer(result: unknown): unknown {
    return result instanceof Served ? this.#server.serve(result) : copy(result)
  }
}

function copy(value: unknown): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value
  const { bytes, releases } = encodeHeld(value)
  try {
    return decode(bytes)
  } finally {
    runAll(releases)
  }
}
