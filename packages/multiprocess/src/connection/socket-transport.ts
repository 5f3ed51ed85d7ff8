/** A Connection over a socket, to another program. */
import { type Connection, connectionOver } from '../channel/connection.ts'
import { checkReadable, type Received } from '../channel/message.ts' // lazy
import { tooLong } from '../channel/ring-transport.ts' // lazy
import { EOF, type Incoming, type Place, type Transport } from '../channel/transport.ts'
import { decode, isMessage } from '../codec/decode.ts' // lazy
import { Encoder } from '../codec/encode.ts'
import { receive } from '../codec/receive.ts'
import { AuthenticationError, EOFError, MultiprocessError } from '../errors.ts'
import { type ConnectionMessage, tell } from '../process/events.ts'
import { isChallenge } from '../socket/handshake.ts'
import type { MessageSocket } from '../socket/message-socket.ts'

const encoder = new Encoder()
const FOR_EVER = Number.POSITIVE_INFINITY

/** Closes connections that are garbage-collected, as CPython's `Connection.__del__` does; what they have sent is still delivered. */
const collected = new FinalizationRegistry<Transport>(transport => transport.close())

/**
 * Makes a Connection.
 * @param socket a socket whose sides have authenticated, if there is a key; it belongs to the Connection from now on
 * @param address the address that was connected to, or that the connection came from, for those who watch connections
 */
export function connectionOverSocket<T>(
  socket: MessageSocket,
  side: ConnectionMessage['side'],
  address: unknown
): Connection<T> {
  const transport = new SocketTransport(socket)
  const connection = connectionOver<T>(transport)
  collected.register(connection, transport)
  tell('connectionOpen', () => ({ connection, side, address }))
  tellOfEnd(socket, new WeakRef(connection), side, address)
  return connection
}

/** A separate function without a connection in its scope: the socket would keep that connection, and it would never be collected. */
function tellOfEnd(
  socket: MessageSocket,
  connection: WeakRef<Connection<unknown>>,
  side: ConnectionMessage['side'],
  address: unknown
): void {
  socket.whenOver(() => {
    tell('connectionClose', () => ({ connection: connection.deref() ?? null, side, address, error: whyLost(socket) }))
  })
}

/** Returns null if either side has closed the connection between two messages. */
function whyLost({ isClosed, reason }: MessageSocket): Error | null {
  if (isClosed || reason === undefined || (reason instanceof EOFError && reason.cause === undefined)) return null
  return reason
}

class SocketTransport implements Transport {
  readonly isReadable = true
  readonly isWritable = true
  readonly #socket: MessageSocket
  /** The next message, if a receiver has taken it and could not use it. */
  #left: Uint8Array | undefined

  constructor(socket: MessageSocket) {
    this.#socket = socket
  }

  get target(): unknown {
    this.#checkOpen()
    return { source: this.#socket, isReady: () => this.#isReady() }
  }

  async send(value: unknown, timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    this.#checkOpen()
    return await this.#socket.sendAll(this.#encode(value), timeout, signal)
  }

  sendSync(value: unknown, timeout: number): boolean {
    this.#checkOpen()
    return this.#socket.sendSync(this.#encode(value), timeout)
  }

  async sendBytes(bytes: Uint8Array): Promise<boolean> {
    this.#checkOpen()
    return await this.#socket.sendAll(bytes, FOR_EVER)
  }

  sendBytesSync(bytes: Uint8Array): void {
    this.#checkOpen()
    this.#socket.sendSync(bytes, FOR_EVER)
  }

  receive(timeout: number, signal: AbortSignal | undefined): Promise<Incoming<Received>> {
    return this.#socket.wait(() => this.#step(message => this.#read(message)), timeout, signal)
  }

  receiveSync(timeout: number): Incoming<Received> {
    const read = (message: Uint8Array): Received => {
      if (this.#socket.isAuthenticated && isMessage(message)) this.#orStays(message, checkReadable)
      return this.#read(message)
    }
    return this.#socket.waitSync(() => this.#step(read), timeout)
  }

  receiveBytes(
    place: Place,
    maxLength: number,
    timeout: number,
    signal: AbortSignal | undefined
  ): Promise<Incoming<Uint8Array>> {
    return this.#socket.wait(() => this.#step(message => placed(message, place), maxLength), timeout, signal)
  }

  receiveBytesSync(place: Place, maxLength: number, timeout: number): Incoming<Uint8Array> {
    return this.#socket.waitSync(() => this.#step(message => placed(message, place), maxLength), timeout)
  }

  async poll(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    return (await this.#socket.wait(() => this.#isReady() || undefined, timeout, signal)) ?? false
  }

  pollSync(timeout: number): boolean {
    return this.#socket.waitSync(() => this.#isReady() || undefined, timeout) ?? false
  }

  close(): void {
    this.#socket.close()
  }

  #isReady(): boolean {
    this.#checkOpen()
    return this.#left !== undefined || this.#socket.isReady || this.#socket.hasEnded
  }

  #step<R>(read: (message: Uint8Array) => R, maxLength = FOR_EVER): Incoming<R> {
    this.#checkOpen()
    const socket = this.#socket
    const length = this.#left?.length ?? socket.nextLength
    if (length !== undefined && length > maxLength) throw tooLong(length, maxLength)
    const message = this.#left ?? socket.take()
    this.#left = undefined
    if (message !== undefined) return read(message)
    if (!socket.hasEnded) return undefined
    const { reason } = socket
    if (reason instanceof EOFError && reason.cause === undefined) return EOF
    throw reason
  }

  #encode(value: unknown): Uint8Array {
    encoder.audience = this.#socket.isAuthenticated ? 'program' : 'stranger'
    encoder.encode(value)
    return encoder.bytes.slice(encoder.start, encoder.end)
  }

  #read(message: Uint8Array): Received {
    const { isAuthenticated } = this.#socket
    if (!isAuthenticated && isChallenge(message)) {
      throw new AuthenticationError('cannot receive: the other side asks for a key; give the authkey that it has')
    }
    this.#orStays(message, checkIsValue)
    if (!isAuthenticated) return { value: decode(message, 0, message.length, null, true) }
    return { value: receive(message) }
  }

  /** Leaves the message to be received if the check throws. */
  #orStays(message: Uint8Array, check: (bytes: Uint8Array, start: number, end: number) => void): void {
    try {
      check(message, 0, message.length)
    } catch (error) {
      this.#left = message
      throw error
    }
  }

  #checkOpen(): void {
    if (this.#socket.isClosed)
      throw new MultiprocessError('cannot use this connection: it is closed', { code: 'ERR_CLOSED' })
  }
}

function checkIsValue(message: Uint8Array): void {
  if (isMessage(message)) return
  throw new MultiprocessError(
    'cannot receive a value: the next message was not sent by send(); receive it by recvBytes',
    {
      code: 'ERR_BYTES'
    }
  )
}

function placed(message: Uint8Array, place: Place): Uint8Array {
  const target = place(message.length)
  target.set(message)
  return target
}
