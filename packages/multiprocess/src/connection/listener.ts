/** The place where other programs connect: Python's `multiprocessing.connection.Listener`. */
import type { Connection } from '../channel/connection.ts'
import { registerKind } from '../codec/values/registry.ts'
import { AuthenticationError, MultiprocessError, TimeoutError } from '../errors.ts'
import { brand } from '../ground/brand.ts'
import { inspectAs, printable } from '../ground/inspect.ts'
import { checkPlatform } from '../ground/os/system.ts'
import { type Waitable, type WaitOptions, waitable } from '../ground/waitable.ts'
import { describeAddress, type HostAndPort, type NetAddress } from '../socket/address.ts' // lazy
import { ListeningSocket, type ListenOptions } from '../socket/listen.ts' // lazy
import type { MessageSocket } from '../socket/message-socket.ts'
import { waitFor, waitForSync } from '../socket/waiting.ts' // lazy
import { waitOptions } from '../sync/waiting.ts'
import { connectionOverSocket } from './socket-transport.ts' // lazy

/** The options of a Listener. */
export interface ListenerOptions extends ListenOptions {}

/** The maximum number of refusals that are kept for later calls of `accept`; the oldest are forgotten. */
const MOST_REFUSED = 64
/** The maximum number of connections without a key that wait to be accepted; further ones are closed. */
const MOST_WAITING = 1024

/** A connection, or the reason why a program was refused. */
type Arrival = { readonly socket: MessageSocket } | { readonly error: Error }

/**
 * Listens for connections of other programs, which may use this package or CPython's. See Python's `multiprocessing.connection.Listener`.
 * With a key, programs authenticate in the background; `accept` returns those that have, in that order.
 * @example
 * import { Client, Listener } from 'multiprocess'
 *
 * await using listener = new Listener() // an address that only programs of this user can use
 * const accepting = listener.accept<number>()
 * using client = await Client<number>(listener.address)
 * using accepted = await accepting
 * await client.send(7)
 * console.log(await accepted.recv()) // 7
 */
export class Listener implements Waitable, AsyncDisposable {
  readonly #socket: ListeningSocket
  readonly #arrivals: Arrival[] = []
  #lastAccepted: HostAndPort | null = null

  static {
    inspectAs<Listener>(
      Listener,
      listener =>
        `at ${printable(describeAddress(listener.address))}, ${listener.#socket.isClosed ? 'closed' : 'listening'}`
    )
  }

  /**
   * Listens from now on.
   * @param address the path of a unix socket, whose file is removed when the Listener is closed; an abstract name of Linux, which begins
   * with \0; or `{ host, port }`, where the host is an IP address, `localhost`, or '' for all addresses of this machine, and port 0 is a
   * free port. Default: a new abstract name that only programs of this user can use
   * @param options.authkey the key that clients must have. Default: none
   * @throws MultiprocessError with the system's `code`: EADDRINUSE, EADDRNOTAVAIL, EACCES, …
   * @throws ValueError for an address that other machines can reach, without an authkey
   */
  constructor(address?: NetAddress, options: ListenerOptions = {}) {
    brand(this, 'Listener')
    this.#socket = new ListeningSocket(address, options, {
      onSocket: socket => this.#arrive({ socket }),
      onRefused: error => this.#arrive({ error: refusal(error) })
    })
  }

  /** The address that was passed; the port is the chosen one if it was 0. */
  get address(): NetAddress {
    return this.#socket.address
  }

  /** The address of the last accepted connection; null before the first one, and for a unix socket. */
  get lastAccepted(): HostAndPort | null {
    return this.#lastAccepted
  }

  /**
   * Returns the next connection. The process stays alive while it waits here.
   * @param options.timeout milliseconds. Default: Infinity
   * @throws AuthenticationError if the program that connected did not authenticate; call `accept` again for the next one
   * @throws MultiprocessError `ERR_CLOSED` after `close()`; TimeoutError if the timeout expires first; the signal's reason if the signal is
   * aborted
   */
  async accept<T = unknown>(options?: WaitOptions): Promise<Connection<T>> {
    const { timeout, signal } = waitOptions(options)
    return this.#admit<T>(await waitFor(this.#socket, () => this.#next(), timeout, signal), timeout)
  }

  /**
   * Does the same as `accept`, and blocks the thread. @throws MultiprocessError `ERR_UNSUPPORTED_PLATFORM` if the platform has no processes
   */
  acceptSync<T = unknown>(options?: { timeout?: number }): Connection<T> {
    const { timeout } = waitOptions(options)
    checkPlatform('blocking listeners', 'await accept() instead')
    return this.#admit<T>(
      waitForSync(this.#socket, () => this.#next(), timeout),
      timeout
    )
  }

  /** Stops listening. Accepted connections stay open; connections that wait to be accepted are closed. */
  async close(): Promise<void> {
    this.#socket.close()
    for (const arrival of this.#arrivals.splice(0)) if ('socket' in arrival) arrival.socket.close()
  }

  /** Does the same as `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Makes the Listener an object that `wait` accepts: ready when `accept` would not wait. */
  get [waitable](): unknown {
    return { source: this.#socket, isReady: () => this.#arrivals.length > 0 || this.#socket.isClosed }
  }

  #arrive(arrival: Arrival): void {
    if ('socket' in arrival && !arrival.socket.isAuthenticated) {
      const waiting = this.#arrivals.reduce((count, other) => count + ('socket' in other ? 1 : 0), 0)
      if (waiting >= MOST_WAITING) {
        arrival.socket.close()
        return
      }
    }
    this.#arrivals.push(arrival)
    if ('error' in arrival) {
      const refused = this.#arrivals.filter(other => 'error' in other)
      if (refused.length > MOST_REFUSED) this.#arrivals.splice(this.#arrivals.indexOf(refused[0]), 1)
    }
    this.#socket.notify()
  }

  #next(): Arrival | undefined {
    if (this.#socket.isClosed)
      throw new MultiprocessError('cannot accept a connection: this listener is closed', { code: 'ERR_CLOSED' })
    return this.#arrivals.shift()
  }

  #admit<T>(arrival: Arrival | undefined, timeout: number): Connection<T> {
    if (arrival === undefined) throw new TimeoutError(`no client connected within ${timeout} ms`)
    if ('error' in arrival) throw arrival.error
    this.#lastAccepted = arrival.socket.remoteAddress
    return connectionOverSocket<T>(arrival.socket, 'listener', this.#lastAccepted)
  }
}

function refusal({ message, cause }: AuthenticationError): AuthenticationError {
  return new AuthenticationError(`cannot accept a connection: ${message}`, cause === undefined ? {} : { cause })
}

registerKind<Listener, null>({
  name: 'Listener',
  encode: (_listener, writer) => writer.refuse('a Listener', 'it belongs to this process; send its address'),
  decode: () => {
    throw new MultiprocessError('cannot receive a Listener: it belongs to its process; send its address')
  }
})
