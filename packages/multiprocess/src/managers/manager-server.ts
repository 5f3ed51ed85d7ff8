/** The server of a manager in the process that asks for it: Python's `BaseManager.get_server()`. */
import type { Mailbox } from '../channel/mailbox.ts'
import { inspectAs, printable } from '../ground/inspect.ts'
import type { NetAddress } from '../socket/address.ts'
import { formatAddress } from './client/link.ts' // lazy
import type { Factory } from './objects/catalogue.ts'
import { Serving } from './serving.ts' // lazy

export class ManagerServer {
  readonly #serving: Serving
  readonly #ended: Promise<void>
  #end: () => void = () => {}
  #state: 'new' | 'serving' | 'stopped' = 'new'

  static {
    inspectAs(ManagerServer, server => `at ${printable(formatAddress(server.address))}, ${server.#state}`)
  }

  /** @internal Made by `BaseManager.getServer`. */
  constructor(
    mailbox: Mailbox,
    factories: ReadonlyMap<string, Factory>,
    listen: { readonly address: NetAddress; readonly authkey: Uint8Array } | null
  ) {
    this.#serving = new Serving(mailbox, factories, listen)
    this.#serving.server.onShutdown = () => void this.stop()
    this.#ended = new Promise(resolve => {
      this.#end = resolve
    })
  }

  /** Where it listens: the port too, where 0 was given. */
  get address(): NetAddress {
    return this.#serving.address
  }

  /** Answers calls, and keeps the process alive, until `stop` is called; resolves then. */
  serveForever(): Promise<void> {
    if (this.#state === 'new') {
      this.#state = 'serving'
      this.#serving.start()
    }
    return this.#ended
  }

  /** Lets all clients go; what the server keeps is gone. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    const wasServing = this.#state === 'serving'
    this.#state = 'stopped'
    this.#serving.stop(wasServing)
    this.#end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
