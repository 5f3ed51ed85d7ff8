/** What stands for a proxy in a message. */
import type { Mailbox } from '../../channel/mailbox.ts'
import type { NetAddress } from '../../socket/address.ts'

/** What a proxy is: which of `PROXY_KINDS`, under what name it was registered, and, of one's own objects, its methods. */
export interface ProxyType {
  readonly kind: string
  readonly typeid: string
  readonly methods: readonly string[] | null
}

/** Its object is at a server of this family; `token` is the block that stands for its being held. */
export interface LocalPlace {
  readonly server: Mailbox
  readonly address: NetAddress
  readonly family: number
  readonly token: number
  readonly id: number
}

/** Its object is at a server that is reached by a socket. */
export interface RemotePlace {
  readonly remote: NetAddress
  readonly id: number
  /** What holds it for the family of the sender; null: the reader of the message, who came by the socket. */
  readonly anchor: Anchor | null
}

export interface Anchor {
  readonly family: number
  readonly token: number
  /** What connects to the server. */
  readonly request: string
}

export type ProxyPlace = LocalPlace | RemotePlace

export type ProxyData = readonly [type: ProxyType, place: ProxyPlace]
