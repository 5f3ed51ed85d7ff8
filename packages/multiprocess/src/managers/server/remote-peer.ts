/** A client from another program, which has authenticated. */
import { clearInterval, setInterval } from '../../ground/os/time.ts'
import type { MessageSocket } from '../../socket/message-socket.ts'
import type { BaseProxy } from '../client/proxy.ts'
import { type Frame, FrameOutbox, readFrames } from '../protocol/frames.ts'
import { closePeer, type Holding, type Peer } from '../protocol/peer.ts'
import type { Referent, Referents } from '../protocol/referents.ts'

/** A client is disconnected if more than this many bytes of its results are unread, and it reads nothing for this long. */
const MOST_UNREAD_BYTES = 2 ** 28
const UNREAD_MS = 120_000

/** The server, as its clients know it. */
export interface Host {
  readonly referents: Referents
  readonly peers: Set<RemotePeer>
  count(): void
  receive(peer: Peer, bytes: Uint8Array, frame: Frame): void
  proxyOf(id: number): BaseProxy | undefined
}

export class RemotePeer implements Peer {
  readonly isLocal = false
  isGone = false
  readonly server: Host
  readonly calls: Peer['calls'] = new Map()
  readonly holdings = new Set<Holding>()
  readonly outbox: FrameOutbox
  readonly #socket: MessageSocket
  readonly #kept = new Map<number, { readonly referent: Referent; count: number }>()
  #sentBytes = 0
  #unreadTimer: NodeJS.Timeout | undefined

  /** Answers what arrives through the socket, until the socket ends. */
  constructor(server: Host, socket: MessageSocket) {
    this.server = server
    this.#socket = socket
    this.outbox = new FrameOutbox(
      0,
      (bytes, start, length) => this.#send(bytes.slice(start, start + length)),
      'program'
    )
    socket.onChange(() => {
      if (socket.hasEnded) this.close()
    })
    socket.onMessage(message => {
      try {
        readFrames(message, 0, message.length, frame => server.receive(this, message, frame))
      } catch (error) {
        // The other side is not a client, because it sends something else.
        socket.destroy(error as Error)
      }
    })
    socket.ref()
  }

  keep(referent: Referent): () => void {
    const kept = this.#kept.get(referent.id)
    if (kept === undefined) this.#kept.set(referent.id, { referent, count: 1 })
    else kept.count++
    this.server.referents.hold(referent)
    return () => this.drop(referent.id, 1)
  }

  drop(id: number, times: number): void {
    const kept = this.#kept.get(id)
    if (kept === undefined || !(times > 0)) return
    const count = Math.min(kept.count, times)
    kept.count -= count
    if (kept.count === 0) this.#kept.delete(id)
    for (let i = 0; i < count; i++) this.server.referents.release(kept.referent)
  }

  /** Closes the connection, which has ended or is to end. */
  close(): void {
    if (this.isGone) return
    closePeer(this)
    for (const [id, { count }] of [...this.#kept]) this.drop(id, count)
    this.server.peers.delete(this)
    this.server.count()
    this.#socket.close()
  }

  #send(bytes: Uint8Array): void {
    if (this.#socket.hasEnded) return
    this.#sentBytes += bytes.length
    this.#socket.send(bytes)
    if (this.#socket.unsentBytes > MOST_UNREAD_BYTES) this.#watchReading()
  }

  #watchReading(): void {
    if (this.#unreadTimer !== undefined) return
    const read = () => this.#sentBytes - this.#socket.unsentBytes
    let before = read()
    this.#unreadTimer = setInterval(() => {
      const hasRead = read() > before
      before = read()
      if (!this.isGone && this.#socket.unsentBytes > MOST_UNREAD_BYTES && hasRead) return
      clearInterval(this.#unreadTimer)
      this.#unreadTimer = undefined
      if (this.#socket.unsentBytes > MOST_UNREAD_BYTES) this.#socket.destroy(new Error('the client does not read'))
    }, UNREAD_MS).unref()
  }
}
