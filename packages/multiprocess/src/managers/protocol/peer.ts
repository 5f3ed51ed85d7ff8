/** A client, as the server sees it. */
import type { FrameOutbox } from './frames.ts'
import type { Referent } from './referents.ts'

/** What is to be given up when a client is gone. */
export interface Holding {
  ownerGone(peer: Peer): void
}

export interface Peer {
  readonly outbox: FrameOutbox
  /** Whether it is of this family: its tokens are, and it may be sent what is shared. */
  readonly isLocal: boolean
  /** The calls under way, by their ids. */
  readonly calls: Map<number, { cancel(): void }>
  readonly holdings: Set<Holding>
  /** Nobody reads its replies any more. */
  isGone: boolean
  /** Counts one more holding of an object by a remote client; answers what takes it back. */
  keep(referent: Referent): () => void
  /** A remote client gives back what it was sent so often. */
  drop(id: number, times: number): void
}

export function closePeer(peer: Peer): void {
  peer.isGone = true
  for (const call of [...peer.calls.values()]) call.cancel()
  peer.calls.clear()
  for (const holding of [...peer.holdings]) holding.ownerGone(peer)
  peer.holdings.clear()
}
