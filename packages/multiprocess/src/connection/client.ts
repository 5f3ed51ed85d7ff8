/** Connecting to a Listener: Python's `multiprocessing.connection.Client`. */
import type { Connection } from '../channel/connection.ts'
import type { NetAddress } from '../socket/address.ts'
import { type ConnectOptions, connectSocket } from '../socket/connect.ts' // lazy
import { connectionOverSocket } from './socket-transport.ts' // lazy

/** The path of a unix socket; a name of Linux's abstract ones, which begins with \0; or host and port. */
export type Address = NetAddress

export interface ClientOptions extends ConnectOptions {}

/**
 * Connects to a Listener of another program, of this package or of CPython's.
 * @throws MultiprocessError with the system's `code` when nobody listens there: ENOENT, ECONNREFUSED, …
 * @throws AuthenticationError when the two do not hold the same key; TimeoutError; the signal's reason
 */
export async function Client<T = unknown>(address: Address, options?: ClientOptions): Promise<Connection<T>> {
  return connectionOverSocket<T>(await connectSocket(address, options), 'client', address)
}
