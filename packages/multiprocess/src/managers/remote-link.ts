/**
 * Calls to a server of another program, through a socket. A process has one connection to each address and key; a message that
 * brings a proxy to a process of this family has it connected before it is read.
 */
import { markGone, markImported, REMOTE_REQUEST } from '../codec/module-imports.ts'
import { SerializationError, ValueError } from '../errors.ts'
import { currentFamily, type Family } from '../ground/family.ts'
import type { StartMethod } from '../ground/platform.ts'
import type { WaitOptions } from '../ground/waitable.ts'
import type { NetAddress } from '../socket/address.ts'
import { connectSocket } from '../socket/connect.ts'
import type { MessageSocket } from '../socket/message-socket.ts'
import { correspondent } from './correspondent.ts'
import { DROP } from './frames.ts'
import { GoneWords } from './gone-words.ts'
import { CallTable, managerDied } from './link.ts'
import type { RemotePlace } from './proxy-data.ts'

/** While a blocking call waits, the connection is looked at so often, in milliseconds. */
const SLICE_MS = 1000

/** How often this process was sent an object, and has not given it back. A proxy has it, and others of the family by it. */
export class RemoteHolder {
  count: { value: number } = { value: 1 }
}

const links = new Map<string, RemoteLink>()
/** By the holder, which is kept longer than its proxy while others of the family have the object. */
const collected = new FinalizationRegistry<{ link: RemoteLink; id: number; count: { value: number } }>(
  ({ link, id, count }) => link.drop(id, count.value)
)

/** What others of a family have of this process's remote objects: kept until they have it no more. */
const anchors = new WeakMap<Family, GoneWords>()
const anchored = new Map<object, number>()

/** The connection that a message asks for; it stays. @throws as `connectSocket` */
export async function connectFor(request: string): Promise<void> {
  const [address, key, method] = JSON.parse(request.slice(REMOTE_REQUEST.length)) as [NetAddress, string, StartMethod]
  await connectRemote(address, Buffer.from(key, 'base64'), method)
}

/**
 * To be closed once by each who asked for it.
 * @param method of the family that its proxies can be sent to
 * @throws AuthenticationError, TimeoutError, MultiprocessError as `connectSocket`
 */
export async function connectRemote(
  address: NetAddress,
  authkey: Uint8Array,
  method: StartMethod,
  options: WaitOptions = {}
): Promise<RemoteLink> {
  const request = requestOf(address, authkey, method)
  let link = links.get(request)
  if (link === undefined) {
    const socket = await connectSocket(address, { ...options, authkey })
    // Somebody may have been faster.
    link = links.get(request)
    if (link === undefined) {
      link = new RemoteLink(socket, address, currentFamily(method), request)
      links.set(request, link)
      markImported(request)
    } else {
      socket.close()
    }
  }
  link.users++
  return link
}

function requestOf(address: NetAddress, authkey: Uint8Array, method: StartMethod): string {
  return REMOTE_REQUEST + JSON.stringify([address, Buffer.from(authkey).toString('base64'), method])
}

/** The link of a place in a message, whose request was imported. */
export function remoteLink(request: string): RemoteLink {
  const link = links.get(request)
  if (link === undefined) throw new SerializationError('cannot receive the proxy: its server is not connected')
  return link
}

export class RemoteLink extends CallTable {
  address: NetAddress
  readonly request: string
  /** How many have asked for it, and not closed it. */
  users = 0
  readonly #family: Family
  readonly #socket: MessageSocket

  constructor(socket: MessageSocket, address: NetAddress, family: Family, request: string) {
    super(0, 'program')
    this.#socket = socket
    this.#family = family
    this.address = address
    this.request = request
    socket.onMessage(message => this.receive(message, 0, message.length))
    socket.onChange(() => this.#look())
  }

  /** One who asked for it needs it no more; with the last it ends, and what waits fails. */
  close(): void {
    if (--this.users > 0) return
    this.#forget()
    this.fail(new ValueError('the manager was disconnected'))
    this.#socket.close()
  }

  describe(id: number, holder: object, hold: (release: () => void) => void): RemotePlace {
    if (correspondent() === this) return { remote: this.address, id, anchor: null }
    const { shared, number } = this.#family
    // As long as anybody of the family has the token, this process has the object.
    let words = anchors.get(this.#family)
    if (words === undefined) {
      words = new GoneWords(this.#family, () => {}, false)
      anchors.set(this.#family, words)
    }
    anchored.set(holder, (anchored.get(holder) ?? 0) + 1)
    const token = words.createToken(() => {
      const count = (anchored.get(holder) as number) - 1
      if (count === 0) anchored.delete(holder)
      else anchored.set(holder, count)
    })
    shared.retain(token)
    hold(() => shared.release(token))
    shared.drop(token)
    return { remote: this.address, id, anchor: { family: number, token, request: this.request } }
  }

  /** The object is given back when nothing has the holder any more. */
  hold(id: number, holder: RemoteHolder): void {
    collected.register(holder, { link: this, id, count: holder.count }, holder)
  }

  /** The proxy was disposed of: nothing here has the object any more, unless others of the family do. */
  release(id: number, holder: RemoteHolder): void {
    if (anchored.has(holder)) return
    collected.unregister(holder)
    this.drop(id, holder.count.value)
  }

  /** This process has the object no more, which it was sent so often. */
  drop(id: number, count: number): void {
    if (!this.isGone && count > 0) this.tell(0, id, DROP, [count])
  }

  protected transmit(bytes: Uint8Array, start: number, length: number): void {
    // Whoever waits is told that the server is gone.
    if (this.#socket.hasEnded) this.#look()
    else this.#socket.send(bytes.slice(start, start + length))
  }

  protected block(isDone: () => boolean): void {
    this.#socket.waitSync(() => isDone() || this.#socket.hasEnded || undefined, SLICE_MS)
    this.#look()
  }

  protected onBusy(): void {
    this.#socket.ref()
  }

  protected onIdle(): void {
    this.#socket.unref()
  }

  #look(): void {
    if (!this.#socket.hasEnded) return
    this.#forget()
    this.fail(managerDied(this.address))
  }

  #forget(): void {
    if (links.get(this.request) !== this) return
    links.delete(this.request)
    markGone(this.request)
  }
}
