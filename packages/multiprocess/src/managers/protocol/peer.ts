/** A client, as the server sees it. */
import type { FrameOutbox } from './frames.ts'
import type { Referent } from './referents.ts'

/** What a client holds, to be released when the client is gone. */
export interface Holding {
  ownerGone(peer: Peer): void
}

export interface Peer {
  readonly outbox: FrameOutbox
  /** True if the client is of this family: it has tokens, and can be sent shared objects. */
  readonly isLocal: boolean
  /** The calls that have not been answered yet, by their ids. */
  readonly calls: Map<number, { cancel(): void }>
  readonly holdings: Set<Holding>
  /** True if no process reads its replies any more. */
  isGone: boolean
  /** Counts one more holding of an object by a remote client. Returns a function that takes it back. */
  keep(referent: Referent): () => void
  /** Gives back an object that a remote client was sent this many times. */
  drop(id: number, times: number): void
}

export function closePeer(peer: Peer): void {
  peer.isGone = true
  for (const call of [...peer.calls.values()]) call.cancel()
  peer.calls.clear()
  for (const holding of [...peer.holdings]) holding.ownerGone(peer)
  peer.holdings.clear()
}
