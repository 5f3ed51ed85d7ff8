/**
 * One end of a channel for messages: Python's `multiprocessing.connection.Connection`. The rings of a pipe and a socket have the
 * same class.
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

/** Returns true if a value is a Connection. Does not ask a Proxy for its prototype. */
export let isConnection: (value: object) => value is Connection

/**
 * One end of a pipe, or of a connection between two programs; `Pipe`, `Client` and `Listener` create it. See Python's
 * `multiprocessing.connection.Connection`.
 *
 * An end of a pipe that is sent to another process is held by both processes. The end is closed once all its holders have closed
 * it or have ended. Messages that were sent before are still received.
 * @example
 * import { Pipe } from 'multiprocess'
 *
 * const [here, there] = Pipe<{ page: number }>()
 * await here.send({ page: 1 })
 * console.log(await there.recv()) // { page: 1 }
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

  /** @internal `Pipe`, `Client` and `Listener` create connections. */
  constructor() {
    const transport = transports.take()
    if (transport === undefined)
      throw new TypeError(
        'cannot make a Connection by its constructor: call Pipe() or Client(), or accept one from a Listener'
      )
    this.#transport = transport
    brand(this, 'shared')
  }

  /** True once this process has closed this end. */
  get closed(): boolean {
    return this.#isClosed
  }

  /** True if this end can receive. False for the second end of `Pipe({ duplex: false })`. */
  get readable(): boolean {
    return this.#transport.isReadable
  }

  /** True if this end can send. False for the first end of `Pipe({ duplex: false })`. */
  get writable(): boolean {
    return this.#transport.isWritable
  }

  /**
   * Sends a value. The value is read before the call returns. The promise resolves once the message is sent: while the other side
   * receives nothing, a pipe holds 4 MiB of messages, and a connection between programs holds as much as the system's buffers.
   * @param options.timeout milliseconds. Default: Infinity
   * @throws SerializationError if the value cannot cross
   * @throws TimeoutError if the timeout expires first; the signal's reason if the signal is aborted: in both cases the message is
   * not sent
   * @throws MultiprocessError `ERR_BROKEN_PIPE` if the other end is closed, `ERR_CLOSED` if this end is closed, `ERR_DIRECTION`
   * if this end only receives
   */
  async send(value: T, options?: WaitOptions): Promise<void> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    const sent = this.#transport.send(value, timeout, signal)
    if (sent !== true) checkSent(await sent, timeout)
  }

  /** Does the same as `send`, and blocks the thread. */
  sendSync(value: T, options?: { timeout?: number }): void {
    const { timeout } = waitOptions(options)
    checkSent(this.#transport.sendSync(value, timeout), timeout)
  }

  /**
   * Receives the next value, and waits in the event loop while there is none.
   * @param options.timeout milliseconds. Default: Infinity
   * @throws EOFError if no message is left and the other end is closed or its processes have ended
   * @throws TimeoutError if the timeout expires first; the signal's reason if the signal is aborted: in both cases nothing is
   * received
   * @throws SerializationError if the message is not a value
   * @throws MultiprocessError `ERR_CLOSED`, `ERR_DIRECTION`; `ERR_BYTES` if `sendBytes` sent the next message of a pipe: that
   * message stays
   */
  async recv(options?: WaitOptions): Promise<T> {
    const { timeout, signal } = waitOptions(options)
    const { value } = checkCame(await this.#transport.receive(timeout, signal), timeout)
    return (value instanceof Pending ? await value.promise : value) as T
  }

  /** Does the same as `recv`, and blocks the thread. @throws MultiprocessError `ERR_IMPORT` as `Queue.getSync` does */
  recvSync(options?: { timeout?: number }): T {
    const { timeout } = waitOptions(options)
    return checkCame(this.#transport.receiveSync(timeout), timeout).value as T
  }

  /**
   * Resolves to true if a message is available within the timeout, or the other end is closed.
   * @param options.timeout milliseconds. Default: 0, as in Python
   */
  async poll(options?: WaitOptions): Promise<boolean> {
    return await this.#transport.poll(timeoutOf(options, 0), options?.signal)
  }

  /** Does the same as `poll`, and blocks the thread. */
  pollSync(options?: { timeout?: number }): boolean {
    return this.#transport.pollSync(timeoutOf(options, 0))
  }

  /**
   * Sends bytes as a message that `recvBytes` receives. Between programs, more than 16 KiB are not copied: do not change them
   * before the promise resolves.
   * @param offset the index of the first byte. Default: 0
   * @param size the number of bytes. Default: all bytes after `offset`
   * @throws ValueError if there are fewer bytes; otherwise the errors of `send`
   */
  async sendBytes(bytes: ArrayBufferView | ArrayBufferLike, offset = 0, size?: number): Promise<void> {
    const sent = this.#transport.sendBytes(part(bytes, offset, size))
    if (sent !== true) await sent
  }

  /** Does the same as `sendBytes`, and blocks the thread. */
  sendBytesSync(bytes: ArrayBufferView | ArrayBufferLike, offset = 0, size?: number): void {
    this.#transport.sendBytesSync(part(bytes, offset, size))
  }

  /**
   * Receives the bytes of the next message.
   * @param options.timeout milliseconds. Default: Infinity
   * @param options.maxLength the maximum number of bytes: a longer message is refused, and stays. Default: no maximum
   * @throws MultiprocessError `ERR_TOO_LONG`; `ERR_VALUE_MESSAGE` if `send` sent the next message of a pipe: that message stays;
   * otherwise the errors of `recv`
   */
  async recvBytes(options: WaitOptions & { maxLength?: number } = {}): Promise<Uint8Array> {
    const { timeout, signal } = waitOptions(options, RECEIVE_OPTIONS)
    const most = checkMaxLength(options.maxLength)
    return checkCame(await this.#transport.receiveBytes(ownMemory, most, timeout, signal), timeout)
  }

  /** Does the same as `recvBytes`, and blocks the thread. */
  recvBytesSync(options: { timeout?: number; maxLength?: number } = {}): Uint8Array {
    const { timeout } = waitOptions(options, RECEIVE_OPTIONS)
    return checkCame(this.#transport.receiveBytesSync(ownMemory, checkMaxLength(options.maxLength), timeout), timeout)
  }

  /**
   * Receives the bytes of the next message into a buffer.
   * @param offset the index in the buffer where the bytes begin. Default: 0
   * @returns the number of bytes received
   * @throws BufferTooShort if the bytes do not fit; its `bytes` are the message
   */
  async recvBytesInto(buffer: Uint8Array, offset = 0): Promise<number> {
    const place = placeIn(buffer, offset)
    const came = await this.#transport.receiveBytes(place, FOR_EVER, FOR_EVER, undefined)
    return filled(checkCame(came, FOR_EVER), buffer, offset)
  }

  /** Does the same as `recvBytesInto`, and blocks the thread. */
  recvBytesIntoSync(buffer: Uint8Array, offset = 0): number {
    const came = this.#transport.receiveBytesSync(placeIn(buffer, offset), FOR_EVER, FOR_EVER)
    return filled(checkCame(came, FOR_EVER), buffer, offset)
  }

  /** Closes this end in this process. Other processes that hold it are not affected. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#transport.close()
  }

  /** Does the same as `close`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Makes the connection an object that `wait` accepts: ready when `recv` would not wait. */
  get [waitable](): unknown {
    return this.#transport.target
  }

  /** Iterates over the values as they arrive, until the other end is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) {
      let value: T
      try {
        value = await this.recv()
      } catch (error) {
        // An error with a cause: the stream did not end between two messages.
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
    throw new EOFError('cannot receive: no message is left, and the other end is closed or its processes have ended')
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
  if (all === undefined) throw new TypeError(`bytes must be an ArrayBuffer or a view of one, got ${describe(bytes)}`)
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
    throw new ValueError(`cannot send ${length} bytes from offset ${offset}: there are only ${all.length} bytes`)
  }
  return all.subarray(offset, offset + length)
}

function isBuffer(value: unknown): value is ArrayBufferLike {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer
}

function ownMemory(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}

/** Returns a function that puts bytes into the buffer if they fit, and otherwise into new memory. */
function placeIn(buffer: Uint8Array, offset: number): Place {
  if (!(buffer instanceof Uint8Array)) throw new TypeError(`buffer must be a Uint8Array, got ${describe(buffer)}`)
  checkInteger('offset', offset, 0, buffer.length)
  return length => (length > buffer.length - offset ? new Uint8Array(length) : buffer.subarray(offset, offset + length))
}

function filled(bytes: Uint8Array, buffer: Uint8Array, offset: number): number {
  if (bytes.length > buffer.length - offset) throw new BufferTooShort(bytes)
  return bytes.length
}
