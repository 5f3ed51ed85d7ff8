/**
 * The two ends of a pipe: Python's `multiprocessing.connection.Connection`. A pipe is one ring for each direction. An end is
 * a shared block that keeps the rings it uses; it goes when no process has it any more and no message brings it, and then
 * the rings are told: who receives finds the end of the messages, who sends learns that nobody would receive.
 */
import { BufferTooShort, EOFError, MultiprocessError, TimeoutError, ValueError } from '../errors.ts'
import { currentFamily, type Family } from '../ground/family.ts'
import type { StartMethod } from '../ground/platform.ts'
import { type Waitable, type WaitOptions, waitable } from '../ground/waitable.ts'
import { adopt, handleOf, letGo, payloadAt, SharedObject } from '../memory/shared-object.ts'
import { waitOptions } from '../sync/waiting.ts'
import { checkReadable, Pending, receiveBytes, receiveInto, receiveLetter, Sender } from './message.ts'
import { type Check, RECEIVING_END, RING_BYTES, Ring, SENDING_END } from './ring.ts'

/** Bytes that wait in one direction of a pipe before a sender waits too; a longer message waits until the pipe is empty. */
const MOST_BYTES = 2 ** 22
const READABLE = 1
const WRITABLE = 2
/** Behind the two links. */
const MODE = 24
const END_BYTES = 28

const EOF = Symbol()

/**
 * One end of a pipe. Another process that it is sent to holds it too: an end is closed once all who hold it have closed it
 * or have ended. Messages that were sent before are still received.
 */
export class Connection<T = unknown> extends SharedObject implements Waitable, AsyncIterable<T>, Disposable {
  readonly #family: Family
  readonly #in: Ring | undefined
  readonly #out: Ring | undefined
  readonly #sender: Sender | undefined
  #isClosed = false

  /** @internal Ends are made by `Pipe`. */
  constructor() {
    if (!isMade()) throw new TypeError('a Connection is made by Pipe()')
    super()
    const handle = handleOf(this)
    const { family, at } = handle
    this.#family = family
    const mode = family.memory.get(payloadAt(handle) + MODE)
    let link = 0
    if (mode & READABLE) this.#in = new Ring({ family, at: family.shared.linked(at, link++) })
    if (mode & WRITABLE) {
      const ring = new Ring({ family, at: family.shared.linked(at, link) })
      this.#out = ring
      this.#sender = new Sender(ring, () => {
        this.#checkOpen()
        if (!ring.hasReceivers)
          throw failure('ERR_BROKEN_PIPE', 'cannot send: the other end is closed, or its processes are gone')
      })
    }
  }

  get closed(): boolean {
    return this.#isClosed
  }

  get readable(): boolean {
    return this.#in !== undefined
  }

  get writable(): boolean {
    return this.#out !== undefined
  }

  /**
   * Sends a value; it is read before this returns. Waits while 4 MiB of messages wait to be received.
   * @throws SerializationError when the value cannot cross
   * @throws MultiprocessError `ERR_BROKEN_PIPE` when the other end is closed, `ERR_CLOSED` when this one is,
   *   `ERR_DIRECTION` when it only receives; TimeoutError; the signal's reason
   */
  async send(value: T, options?: WaitOptions): Promise<void> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    const sender = this.#sending()
    const letter = sender.post(value, 'value', true)
    if (letter !== undefined) checkSent(await sender.send(letter, timeout, signal), timeout)
  }

  /** The same, blocking the thread. */
  sendSync(value: T, options?: { timeout?: number }): void {
    const { timeout } = waitOptions(options)
    const sender = this.#sending()
    const letter = sender.post(value, 'value', false)
    if (letter !== undefined) checkSent(sender.sendSync(letter, timeout), timeout)
  }

  /**
   * Receives the next value, waiting in the event loop while there is none.
   * @throws EOFError when nothing is left and the other end is closed or its processes are gone
   * @throws MultiprocessError `ERR_CLOSED`, `ERR_DIRECTION`; `ERR_BYTES` when the next message was sent by `sendBytes`: it
   *   stays; TimeoutError; the signal's reason
   */
  async recv(options?: WaitOptions): Promise<T> {
    const { value } = await this.#receive(options, takeValue)
    return (value instanceof Pending ? await value.promise : value) as T
  }

  /** The same, blocking the thread. @throws MultiprocessError `ERR_IMPORT` as `Queue.getSync` does */
  recvSync(options?: { timeout?: number }): T {
    return this.#receiveSync(options, takeReadable).value as T
  }

  /** Whether a message is there, or the end of them, within the timeout; left out: 0, as in Python. */
  async poll(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOptions({ timeout: 0, ...options })
    const ring = this.#receiving()
    return (await ring.sent.wait(() => this.#isReady(ring) || undefined, timeout, signal)) ?? false
  }

  /** The same, blocking the thread. */
  pollSync(options?: { timeout?: number }): boolean {
    const { timeout } = waitOptions({ timeout: 0, ...options })
    const ring = this.#receiving()
    return ring.sent.waitSync(() => this.#isReady(ring) || undefined, timeout) ?? false
  }

  /**
   * Sends bytes as a message that `recvBytes` receives.
   * @param offset of the first, left out: 0 @param size left out: all that follow
   * @throws ValueError when there are not so many; otherwise as `send`
   */
  async sendBytes(bytes: ArrayBufferView | ArrayBufferLike, offset = 0, size?: number): Promise<void> {
    const sender = this.#sending()
    const letter = sender.postBytes(part(bytes, offset, size), true)
    if (letter !== undefined) await sender.send(letter, Number.POSITIVE_INFINITY, undefined)
  }

  /** The same, blocking the thread. */
  sendBytesSync(bytes: ArrayBufferView | ArrayBufferLike, offset = 0, size?: number): void {
    const sender = this.#sending()
    const letter = sender.postBytes(part(bytes, offset, size), false)
    if (letter !== undefined) sender.sendSync(letter, Number.POSITIVE_INFINITY)
  }

  /**
   * Receives the bytes of the next message.
   * @param options.maxLength a longer message is refused, and stays
   * @throws MultiprocessError `ERR_TOO_LONG`; `ERR_VALUE_MESSAGE` when it was sent by `send`: it stays; otherwise as `recv`
   */
  async recvBytes(options: WaitOptions & { maxLength?: number } = {}): Promise<Uint8Array> {
    const check = bytesCheck(options.maxLength)
    return (await this.#receive(options, ring => wrap(receiveBytes(ring, check)))).value
  }

  /** The same, blocking the thread. */
  recvBytesSync(options: { timeout?: number; maxLength?: number } = {}): Uint8Array {
    const check = bytesCheck(options.maxLength)
    return this.#receiveSync(options, ring => wrap(receiveBytes(ring, check))).value
  }

  /**
   * Receives the bytes of the next message into a buffer.
   * @param offset where they begin, left out: 0
   * @returns how many they are
   * @throws BufferTooShort when they don't fit; its `bytes` are the message
   */
  async recvBytesInto(buffer: Uint8Array, offset = 0): Promise<number> {
    checkBuffer(buffer, offset)
    return filled(await this.#receive(undefined, intoBuffer(buffer, offset)), buffer, offset)
  }

  /** The same, blocking the thread. */
  recvBytesIntoSync(buffer: Uint8Array, offset = 0): number {
    checkBuffer(buffer, offset)
    return filled(this.#receiveSync(undefined, intoBuffer(buffer, offset)), buffer, offset)
  }

  /** This process holds the end no longer. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    letGo(this)
    // Those of this process who wait here.
    this.#in?.sent.wake(Number.POSITIVE_INFINITY)
    this.#out?.received.wake(Number.POSITIVE_INFINITY)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Ready while `recv` would not wait: a message is there, or the end of them. */
  get [waitable](): unknown {
    const ring = this.#receiving()
    return { family: this.#family, word: ring.sent, isReady: () => this.#isReady(ring) }
  }

  /** Values as they come, until the other end is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) {
      let value: T
      try {
        value = await this.recv()
      } catch (error) {
        if (error instanceof EOFError) return
        throw error
      }
      yield value
    }
  }

  #isReady(ring: Ring): boolean {
    this.#checkOpen()
    return !ring.hasSenders || !ring.isEmpty
  }

  async #receive<R>(options: WaitOptions | undefined, take: (ring: Ring) => R | undefined): Promise<R> {
    const { timeout, signal } = waitOptions(options)
    signal?.throwIfAborted()
    const ring = this.#receiving()
    const came =
      this.#step(ring, take) ?? (await ring.sent.wait(() => this.#step(ring, take), timeout, signal, undefined, true))
    return checkCame(came, timeout)
  }

  #receiveSync<R>(options: { timeout?: number } | undefined, take: (ring: Ring) => R | undefined): R {
    const { timeout } = waitOptions(options)
    const ring = this.#receiving()
    return checkCame(
      ring.sent.waitSync(() => this.#step(ring, take), timeout),
      timeout
    )
  }

  #step<R>(ring: Ring, take: (ring: Ring) => R | undefined): R | typeof EOF | undefined {
    this.#checkOpen()
    // Asked first: what was sent before the other end went is received before EOF.
    const isLast = !ring.hasSenders
    const received = take(ring)
    return received === undefined && isLast ? EOF : received
  }

  #receiving(): Ring {
    this.#checkOpen()
    if (this.#in === undefined) throw failure('ERR_DIRECTION', 'cannot receive: this end of the pipe only sends')
    return this.#in
  }

  #sending(): Sender {
    this.#checkOpen()
    if (this.#sender === undefined) throw failure('ERR_DIRECTION', 'cannot send: this end of the pipe only receives')
    return this.#sender
  }

  #checkOpen(): void {
    if (this.#isClosed) throw failure('ERR_CLOSED', 'this process has closed its end of the pipe')
  }
}

let making = false

function isMade(): boolean {
  return making
}

/** The object of an end that exists. */
export function connectionAt(handle: { family: Family; at: number }): Connection {
  making = true
  try {
    return adopt(handle, () => new Connection())
  } finally {
    making = false
  }
}

export interface PipeOptions {
  /** true, the default: both ends send and receive; false: the first only receives, the second only sends */
  duplex?: boolean
}

export function pipeOver<T>(method: StartMethod, options: PipeOptions = {}): [Connection<T>, Connection<T>] {
  const { duplex = true } = options
  if (typeof duplex !== 'boolean') throw new TypeError(`duplex must be true or false, not ${typeof duplex}`)
  const family = currentFamily(method)
  const { shared } = family
  const forward = makeRing(family)
  const back = duplex ? makeRing(family) : undefined
  const first = makeEnd(family, forward, back)
  const second = makeEnd(family, back, forward)
  // The ends keep them now.
  shared.drop(forward)
  if (back !== undefined) shared.drop(back)
  return [connectionAt({ family, at: first }), connectionAt({ family, at: second })] as [Connection<T>, Connection<T>]
}

function makeRing(family: Family): number {
  const at = family.shared.create(RING_BYTES)
  new Ring({ family, at }, { messages: 0, bytes: MOST_BYTES })
  return at
}

function makeEnd(family: Family, from: number | undefined, to: number | undefined): number {
  const at = family.shared.create(END_BYTES)
  const links = []
  if (from !== undefined) links.push({ block: from, ...RECEIVING_END })
  if (to !== undefined) links.push({ block: to, ...SENDING_END })
  family.shared.link(at, links)
  const mode = (from === undefined ? 0 : READABLE) | (to === undefined ? 0 : WRITABLE)
  family.memory.set(payloadAt({ family, at }) + MODE, mode)
  return at
}

function failure(code: string, message: string): MultiprocessError {
  return new MultiprocessError(message, { code })
}

function checkSent(isSent: boolean, timeout: number): void {
  if (!isSent) throw new TimeoutError(`the pipe had no room for the message within ${timeout} ms`)
}

function checkCame<R>(received: R | typeof EOF | undefined, timeout: number): R {
  if (received === EOF)
    throw new EOFError('nothing is left to receive, and the other end is closed or its processes are gone')
  if (received === undefined) throw new TimeoutError(`no message came within ${timeout} ms`)
  return received as R
}

const checkIsValue: Check = (_bytes, _start, _end, isRaw) => {
  if (isRaw) throw failure('ERR_BYTES', 'the next message was sent by sendBytes: receive it by recvBytes')
}

const checkIsReadable: Check = (bytes, start, end, isRaw) => {
  checkIsValue(bytes, start, end, isRaw)
  checkReadable(bytes, start, end, isRaw)
}

const takeValue = (ring: Ring) => receiveLetter(ring, checkIsValue)
const takeReadable = (ring: Ring) => receiveLetter(ring, checkIsReadable)

const checkIsBytes = bytesCheck(undefined)

function bytesCheck(maxLength: number | undefined): Check {
  if (maxLength !== undefined && !(Number.isInteger(maxLength) && maxLength >= 0)) {
    throw new ValueError(`maxLength must be a whole number of bytes, not ${String(maxLength)}`)
  }
  return (_bytes, start, end, isRaw) => {
    if (!isRaw) throw failure('ERR_VALUE_MESSAGE', 'the next message was sent by send: receive it by recv')
    if (end - start > (maxLength ?? Number.POSITIVE_INFINITY)) {
      throw failure('ERR_TOO_LONG', `the next message has ${end - start} bytes, more than maxLength ${maxLength}`)
    }
  }
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

function checkBuffer(buffer: Uint8Array, offset: number): void {
  if (!(buffer instanceof Uint8Array)) throw new TypeError('the buffer must be a Uint8Array')
  if (!(Number.isInteger(offset) && offset >= 0 && offset <= buffer.length)) {
    throw new ValueError(`offset must be a whole number from 0 to ${buffer.length}, not ${String(offset)}`)
  }
}

/** Receives bytes into the buffer if they fit, else to memory of their own. */
function intoBuffer(buffer: Uint8Array, offset: number): (ring: Ring) => Uint8Array | undefined {
  const place = (length: number) =>
    length > buffer.length - offset ? new Uint8Array(length) : buffer.subarray(offset, offset + length)
  return ring => receiveInto(ring, place, checkIsBytes)
}

function filled(bytes: Uint8Array, buffer: Uint8Array, offset: number): number {
  if (bytes.length > buffer.length - offset) throw new BufferTooShort(bytes)
  return bytes.length
}

function wrap(bytes: Uint8Array | undefined): { value: Uint8Array } | undefined {
  return bytes === undefined ? undefined : { value: bytes }
}
