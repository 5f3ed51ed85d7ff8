/** A server, with the mailbox by which its family reaches it, and the socket by which other programs do. */
import { threadId } from 'node:worker_threads' // lazy
import type { Mailbox } from '../channel/mailbox.ts'
import { tell } from '../process/events.ts'
import type { NetAddress } from '../socket/address.ts'
import { ListeningSocket } from '../socket/listen.ts' // lazy
import { type Factory, ObjectFactories } from './objects/catalogue.ts' // lazy
import { ownProxy, setOwnServer } from './server/own-link.ts' // lazy
import './proxy-kind.ts'
import { receiveGreeting } from './protocol/greetings.ts'
import { Server } from './server/server.ts' // lazy

export class Serving {
  readonly server: Server
  readonly address: NetAddress
  readonly #listener: ListeningSocket | undefined

  /**
   * @param listen the address where other programs reach the server, with the key; null if they do not
   * @param failure the error that all calls get instead of an answer
   * @throws ValueError, MultiprocessError if it cannot listen at the address
   */
  constructor(
    mailbox: Mailbox,
    own: ReadonlyMap<string, Factory>,
    listen: { readonly address: NetAddress; readonly authkey: Uint8Array } | null,
    failure?: { readonly error: unknown }
  ) {
    const { method } = mailbox.family.platform
    if (listen !== null) {
      this.#listener = new ListeningSocket(
        listen.address,
        { authkey: listen.authkey },
        { onSocket: socket => this.server.add(socket), onRefused: () => {} }
      )
    }
    const address = this.#listener?.address ?? (method === 'thread' ? `thread ${threadId}` : `pid ${process.pid}`)
    const factories = new ObjectFactories(method, own)
    const check = () => {
      if (failure !== undefined) throw failure.error
    }
    this.address = address
    this.server = new Server(
      mailbox,
      {
        create(typeid, args) {
          check()
          tell('managerCreate', () => ({ typeid }))
          return factories.create(typeid, args)
        },
        ping(greeting) {
          check()
          receiveGreeting(greeting)
          return address
        }
      },
      referent => ownProxy(this.server, mailbox, address, referent)
    )
    setOwnServer(mailbox, this.server)
  }

  start(): void {
    this.server.start()
  }

  /** @param hasStarted true if the server was answering until now */
  stop(hasStarted = true): void {
    this.#listener?.close()
    this.server.stop(hasStarted)
  }
}
