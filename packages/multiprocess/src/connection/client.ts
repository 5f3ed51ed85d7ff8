/** Connects to a Listener: Python's `multiprocessing.connection.Client`. */
import type { Connection } from '../channel/connection.ts'
import type { NetAddress } from '../socket/address.ts'
import { type ConnectOptions, connectSocket } from '../socket/connect.ts' // lazy
import { connectionOverSocket } from './socket-transport.ts' // lazy

/** The path of a unix socket; an abstract name of Linux, which begins with \0; or a host and a port. */
export type Address = NetAddress

/** The options of `Client`. */
export interface ClientOptions extends ConnectOptions {}

/**
 * Connects to a Listener of another program, which may use this package or CPython's. See Python's `multiprocessing.connection.Client`.
 * @param options.authkey the key that the Listener has, too. Default: none
 * @param options.timeout milliseconds for connecting and authenticating. Default: 20,000
 * @throws MultiprocessError with the system's `code` if no program listens there: ENOENT, ECONNREFUSED, …
 * @throws AuthenticationError if the keys differ; TimeoutError if the timeout expires first; the signal's reason if the signal is aborted
 * @example
 * import { Client, Listener } from 'multiprocess'
 *
 * await using listener = new Listener({ host: '127.0.0.1', port: 0 }, { authkey: 'secret' })
 * const accepting = listener.accept<string>()
 * using client = await Client<string>(listener.address, { authkey: 'secret' })
 * using accepted = await accepting
 * await client.send('hello')
 * console.log(await accepted.recv()) // hello
 */
export async function Client<T = unknown>(address: Address, options?: ClientOptions): Promise<Connection<T>> {
  return connectionOverSocket<T>(await connectSocket(address, options), 'client', address)
}
