/**
 * One end of a way for messages: Python's `multiprocessing.connection.Connection`. It is the same class over the rings of a
 * pipe and over a socket.
 */
import { checkInteger, describe, optionNames } from '../checks.ts'
import { Pending } from '../codec/receive.ts'
import { BufferTooShort, EOFError, TimeoutError, ValueError } from '../errors.ts'
import { brand } from '../ground/brand.ts'
import { Handed } from '../ground/handed.ts'
import { inspectAs } from '../ground/inspect.ts'
import { timeoutOf, type Waitable, type WaitOptions, waitable } from '../ground/waitable.ts'
import { waitOptions } from '../sync/waiting.ts'
import { EOF, type Incoming, type Place, type Transport } from './transport.ts'

const RECEIVE_OPTIONS = optionNames('{ maxLength: 4096 }', 'maxLength', 'signal', 'timeout')

/** Returns true if a value is a Connection; it asks no Proxy for its prototype. */
export let isConnection: (value: object) => value is Connection

/**
 * One end of a pipe, or of a connection between programs. Another process that an end of a pipe is sent to holds it too: it is
 * closed once all who hold it have closed it or have ended. Messages that were sent before are still received.
 */
export class Connection<T = unknown> implements Waitable, AsyncIterable<T>, Disposable {
  readonly #transport: Transport
  #isClosed = false

  static {
    isConnection = (value): value is Connection => #transport in value
    inspectAs<Connection>(Connection, ({ closed, readable, writable }) =>
      closed ? 'closed' : ['open', readable && 'readable', writable && 'writable'].filter(Boolean).join(', ')
    )
  }

  /** @internal Connections are made by `Pipe`, `Client` and `Listener`. */
  constructor() {
    const transport = transports.take()
    if (transport === undefined) throw new TypeError('a Connection is made by Pipe(), Client() or a Listener')
    this.#transport = transport
    brand(this, 'shared')
  }

  get closed(): boolean {
    return this.#isClosed
  }

  get readable(): boolean {
    return this.#transport.isReadable
  }

  get writable(): boolean {
    return this.#transport.isWritable
  }

  /**
   * Sends a value; it is read before this returns. Waits while the other side does not receive: in a pipe 4 MiB of messages
   * may wait, between programs as much as the system takes.
   * @throws SerializationError when the value cannot cross
   * @throws MultiprocessError `ERR_BROKEN_PIPE` when the other end is closed, `ERR_CLOSED` when this one is,
   *   `ERR_DIRECTION` when it only receives; TimeoutError; the signal's reason
   */
  async send(value: T, options?: WaitOptions): Promise<void> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    const sent = this.#transport.send(value, timeout, signal)
    if (sent !== true) checkSent(await sent, timeout)
  }

  /** The same, blocking the thread. */
  sendSync(value: T, options?: { timeout?: number }): void {
    const { timeout } = waitOptions(options)
    checkSent(this.#transport.sendSync(value, timeout), timeout)
  }

  /**
   * Receives the next value, waiting in the event loop while there is none.
   * @throws EOFError when nothing is left and the other end is closed or its processes are gone
   * @throws MultiprocessError `ERR_CLOSED`, `ERR_DIRECTION`; `ERR_BYTES` when the next message in a pipe was sent by
   *   `sendBytes`: it stays; SerializationError when it is no value; TimeoutError; the signal's reason
   */
  async recv(options?: WaitOptions): Promise<T> {
    const { timeout, signal } = waitOptions(options)
    const { value } = checkCame(await this.#transport.receive(timeout, signal), timeout)
    return (value instanceof Pending ? await value.promise : value) as T
  }

  /** The same, blocking the thread. @throws MultiprocessError `ERR_IMPORT` as `Queue.getSync` does */
  recvSync(options?: { timeout?: number }): T {
    const { timeout } = waitOptions(options)
    return checkCame(this.#transport.receiveSync(timeout), timeout).value as T
  }

  /** Whether a message is there, or the end of them, within the timeout; left out: 0, as in Python. */
  async poll(options?: WaitOptions): Promise<boolean> {
    return await this.#transport.poll(timeoutOf(options, 0), options?.signal)
  }

  /** The same, blocking the thread. */
  pollSync(options?: { timeout?: number }): boolean {
    return this.#transport.pollSync(timeoutOf(options, 0))
  }

  /**
   * Sends bytes as a message that `recvBytes` receives. Between programs more than 16 KiB are not copied: they must not change
   * before the promise resolves.
   * @param offset of the first, left out: 0 @param size left out: all that follow
   * @throws ValueError when there are not so many; otherwise as `send`
   */
  async sendBytes(bytes: ArrayBufferView | ArrayBufferLike, offset = 0, size?: number): Promise<void> {
    const sent = this.#transport.sendBytes(part(bytes, offset, size))
    if (sent !== true) await sent
  }

  /** The same, blocking the thread. */
  sendBytesSync(bytes: ArrayBufferView | ArrayBufferLike, offset = 0, size?: number): void {
    this.#transport.sendBytesSync(part(bytes, offset, size))
  }

  /**
   * Receives the bytes of the next message.
   * @param options.maxLength a longer message is refused, and stays
   * @throws MultiprocessError `ERR_TOO_LONG`; `ERR_VALUE_MESSAGE` when it was sent by `send` through a pipe: it stays;
   *   otherwise as `recv`
   */
  async recvBytes(options: WaitOptions & { maxLength?: number } = {}): Promise<Uint8Array> {
    const { timeout, signal } = waitOptions(options, RECEIVE_OPTIONS)
    const most = checkMaxLength(options.maxLength)
    return checkCame(await this.#transport.receiveBytes(ownMemory, most, timeout, signal), timeout)
  }

  /** The same, blocking the thread. */
  recvBytesSync(options: { timeout?: number; maxLength?: number } = {}): Uint8Array {
    const { timeout } = waitOptions(options, RECEIVE_OPTIONS)
    return checkCame(this.#transport.receiveBytesSync(ownMemory, checkMaxLength(options.maxLength), timeout), timeout)
  }

  /**
   * Receives the bytes of the next message into a buffer.
   * @param offset where they begin, left out: 0
   * @returns how many they are
   * @throws BufferTooShort when they don't fit; its `bytes` are the message
   */
  async recvBytesInto(buffer: Uint8Array, offset = 0): Promise<number> {
    const place = placeIn(buffer, offset)
    const came = await this.#transport.receiveBytes(place, FOR_EVER, FOR_EVER, undefined)
    return filled(checkCame(came, FOR_EVER), buffer, offset)
  }

  /** The same, blocking the thread. */
  recvBytesIntoSync(buffer: Uint8Array, offset = 0): number {
    const came = this.#transport.receiveBytesSync(placeIn(buffer, offset), FOR_EVER, FOR_EVER)
    return filled(checkCame(came, FOR_EVER), buffer, offset)
  }

  /** This process holds the end no longer. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#transport.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Ready while `recv` would not wait: a message is there, or the end of them. */
  get [waitable](): unknown {
    return this.#transport.target
  }

  /** Values as they come, until the other end is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) {
      let value: T
      try {
        value = await this.recv()
      } catch (error) {
        // With a cause, it did not end where a message ends.
        if (error instanceof EOFError && error.cause === undefined) return
        throw error
      }
      yield value
    }
  }
}

const transports = new Handed<Transport>()

export function connectionOver<T = unknown>(transport: Transport): Connection<T> {
  return transports.during(transport, () => new Connection<T>())
}

const FOR_EVER = Number.POSITIVE_INFINITY

function checkSent(isSent: boolean, timeout: number): void {
  if (!isSent) throw new TimeoutError(`there was no room for the message within ${timeout} ms`)
}

function checkCame<R>(received: Incoming<R>, timeout: number): R {
  if (received === EOF) {
    throw new EOFError('nothing is left to receive, and the other end is closed or its processes are gone')
  }
  if (received === undefined) throw new TimeoutError(`no message came within ${timeout} ms`)
  return received as R
}

function checkMaxLength(maxLength: number | undefined): number {
  return maxLength === undefined ? FOR_EVER : checkInteger('maxLength', maxLength, 0)
}

function part(bytes: ArrayBufferView | ArrayBufferLike, offset: number, size: number | undefined): Uint8Array {
  const all = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : isBuffer(bytes)
      ? new Uint8Array(bytes)
      : undefined
  if (all === undefined) throw new TypeError('bytes must be an ArrayBuffer or a view of one')
  const length = size ?? all.length - offset
  if (
    !(
      Number.isInteger(offset) &&
      Number.isInteger(length) &&
      offset >= 0 &&
      length >= 0 &&
      offset + length <= all.length
    )
  ) {
    throw new ValueError(`cannot send ${length} bytes from ${offset} on: there are ${all.length}`)
  }
  return all.subarray(offset, offset + length)
}

function isBuffer(value: unknown): value is ArrayBufferLike {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer
}

function ownMemory(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}

/** In the buffer if they fit, else in memory of their own. */
function placeIn(buffer: Uint8Array, offset: number): Place {
  if (!(buffer instanceof Uint8Array)) throw new TypeError(`buffer must be a Uint8Array, got ${describe(buffer)}`)
  checkInteger('offset', offset, 0, buffer.length)
  return length => (length > buffer.length - offset ? new Uint8Array(length) : buffer.subarray(offset, offset + length))
}

function filled(bytes: Uint8Array, buffer: Uint8Array, offset: number): number {
  if (bytes.length > buffer.length - offset) throw new BufferTooShort(bytes)
  return bytes.length
}
