/** What a message contains for a proxy. */
import type { Mailbox } from '../../channel/mailbox.ts'
import type { NetAddress } from '../../socket/address.ts'

/** The type of a proxy: its kind, the name of its type and, for registered objects, the methods. */
export interface ProxyType {
  readonly kind: string
  readonly typeid: string
  readonly methods: readonly string[] | null
}

/** The place of an object at a server of this family. `token` is the block that keeps the object. */
export interface LocalPlace {
  readonly server: Mailbox
  readonly address: NetAddress
  readonly family: number
  readonly token: number
  readonly id: number
}

/** The place of an object at a server that is reached through a socket. */
export interface RemotePlace {
  readonly remote: NetAddress
  readonly id: number
  /** What keeps the object for the family of the sender; null for the reader of the message, who came through the socket. */
  readonly anchor: Anchor | null
}

export interface Anchor {
  readonly family: number
  readonly token: number
  /** The request that connects to the server. */
  readonly request: string
}

export type ProxyPlace = LocalPlace | RemotePlace

export type ProxyData = readonly [type: ProxyType, place: ProxyPlace]
