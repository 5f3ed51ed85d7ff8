/** The server of a manager in the process that asks for it: Python's `BaseManager.get_server()`. */
import type { Mailbox } from '../channel/mailbox.ts'
import { inspectAs, printable } from '../ground/inspect.ts'
import type { NetAddress } from '../socket/address.ts'
import { formatAddress } from './client/link.ts' // lazy
import type { Factory } from './objects/catalogue.ts'
import { Serving } from './serving.ts' // lazy

/**
 * A server in this process. `BaseManager.getServer` creates it. See Python's `BaseManager.get_server`.
 * @example
 * import { SyncManager } from 'multiprocess'
 *
 * const authkey = 'secret'
 * await using server = new SyncManager({ address: { host: '127.0.0.1', port: 0 }, authkey }).getServer()
 * const serving = server.serveForever()
 *
 * await using manager = new SyncManager({ address: server.address, authkey })
 * await manager.connect()
 * const list = await manager.list([1, 2])
 * console.log(await list.length()) // 2
 */
export class ManagerServer {
  readonly #serving: Serving
  readonly #ended: Promise<void>
  #end: () => void = () => {}
  #state: 'new' | 'serving' | 'stopped' = 'new'

  static {
    inspectAs(ManagerServer, server => `at ${printable(formatAddress(server.address))}, ${server.#state}`)
  }

  /** @internal `BaseManager.getServer` creates servers. */
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

  /** The address where the server listens; the port is the chosen one if it was 0. */
  get address(): NetAddress {
    return this.#serving.address
  }

  /** Answers calls, and keeps the process alive, until `stop` is called. Resolves then. */
  serveForever(): Promise<void> {
    if (this.#state === 'new') {
      this.#state = 'serving'
      this.#serving.start()
    }
    return this.#ended
  }

  /** Disconnects all clients, and drops all objects. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    const wasServing = this.#state === 'serving'
    this.#state = 'stopped'
    this.#serving.stop(wasServing)
    this.#end()
  }

  /** Stops the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
