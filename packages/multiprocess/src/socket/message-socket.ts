/**
 * Messages through a socket, both ways, once both sides have shown their key. Node's own socket does the work in the event
 * loop. A thread that blocks reads and writes the socket's descriptor itself, which is sound: whatever the event loop has read
 * was handed over at once and stands here, and what it has yet to write is taken back first.
 */
import type { Socket } from 'node:net'
import { AuthenticationError, EOFError, MultiprocessError, TimeoutError } from '../errors.ts'
import { type Descriptor, duplicateSocket, pollDescriptors, readNow, writeNow } from '../ground/sockets.ts'
import { startTimer } from '../ground/timer.ts'
import { type HostAndPort, peerAddress } from './address.ts'
import { FrameReader, frameHeader } from './frames.ts'
import { HANDSHAKE_LIMIT, type Handshake, handshake, type Role } from './handshake.ts'
import type { Settings } from './options.ts'
import { Outbox, type Parcel } from './outbox.ts'
import { Listeners, type Source, waitFor, waitForSync } from './waiting.ts'

/** Bytes of messages that wait here to be taken, past which the other side has to wait. */
const MOST_UNREAD_BYTES = 2 ** 20
/** A message up to this length goes in one piece with its header. */
const JOINED_BYTES = 16_384
const READ_BYTES = 65_536
const MOST_READS = 16

const scratch = new Uint8Array(READ_BYTES)

/** What of Node's sockets is not in their types. */
interface Handle {
  readonly fd: number
  /** Bytes that the event loop has yet to write. */
  readonly writeQueueSize: number
}

export interface Start {
  readonly role: Role
  readonly settings: Settings
  /** Milliseconds that the other side has to show its key. */
  readonly handshakeTimeout: number
  /** Runs once: messages can go both ways; or an AuthenticationError. Not before `start` was called. */
  readonly settled: (error?: Error) => void
}

export class MessageSocket implements Source {
  /** null: a unix socket. */
  readonly remoteAddress: HostAndPort | null
  readonly #changes = new Listeners()
  readonly #outbox = new Outbox()
  readonly #reader = new FrameReader(HANDSHAKE_LIMIT)
  #socket: Socket
  #start: Start | undefined
  #handshake: Handshake | undefined
  #stopTimer = () => {}
  #deadline = Number.POSITIVE_INFINITY
  #isAuthenticated = false
  #isClosed = false
  #reason: Error | undefined
  #hasEnded = false
  #isPaused = false
  #holds = 0
  /** Of what was last handed to the event loop's socket. */
  #batch = 0
  #onMessage: ((message: Uint8Array) => void) | undefined

  /** @param socket connected; it belongs to this from now on */
  constructor(socket: Socket) {
    this.remoteAddress = peerAddress(socket)
    this.#socket = socket
    this.#attach(socket)
  }

  /** Shows and asks for keys, if there is one. */
  start(start: Start): void {
    const { role, settings, handshakeTimeout } = start
    this.#start = start
    if (settings.key === undefined) {
      this.#settle()
      return
    }
    this.#deadline = performance.now() + handshakeTimeout
    this.#stopTimer = startTimer(() => this.expire(), handshakeTimeout, false)
    this.#handshake = handshake(role, settings.key, message => this.#add(message, () => {}))
    this.#handshake.next()
  }

  /** The other side has shown that it holds the key. */
  get isAuthenticated(): boolean {
    return this.#isAuthenticated
  }

  /** This side has closed it. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Nothing more will come, though messages may wait to be taken. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Why: an EOFError, without a cause when the other side has closed it after a whole message. */
  get reason(): Error | undefined {
    const isCut = this.#reason instanceof EOFError && this.#reader.hasBegun && !this.isReady
    return isCut ? brokenOff(new Error('in the middle of a message')) : this.#reason
  }

  /** Whether `take` has a message. */
  get isReady(): boolean {
    try {
      return this.#handshake === undefined && this.#reader.isWhole
    } catch (error) {
      this.destroy(error as Error)
      return false
    }
  }

  /** Bytes of the next message, also while it is on its way; undefined while nothing tells. */
  get nextLength(): number | undefined {
    try {
      return this.#handshake === undefined ? this.#reader.length : undefined
    } catch (error) {
      this.destroy(error as Error)
      return undefined
    }
  }

  /** Bytes that have yet to go. */
  get unsentBytes(): number {
    return this.#outbox.bytes
  }

  /** The next message, in memory that may be part of a larger piece; undefined while there is none. */
  take(): Uint8Array | undefined {
    if (!this.isReady) return undefined
    const message = this.#reader.take()
    if (this.#isPaused && this.#reader.buffered < MOST_UNREAD_BYTES) {
      this.#isPaused = false
      this.#socket.resume()
    }
    return message
  }

  /** Each message goes to the listener as it comes, those that wait already before this returns; undefined: they wait again. */
  onMessage(listener: ((message: Uint8Array) => void) | undefined): void {
    this.#onMessage = listener
    this.#deliver()
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener)
  }

  /**
   * Sends a message; it must not be changed before it has gone.
   * @param done runs once the system has it all, or with an error when it will not go
   * @throws MultiprocessError `ERR_CLOSED`, `ERR_BROKEN_PIPE`
   */
  send(message: Uint8Array, done: (error?: Error) => void = () => {}): void {
    this.#checkSendable()
    this.#add(message, done)
  }

  /**
   * The same, waiting until the system has it.
   * @param timeout milliseconds, or Infinity
   * @returns false when the timeout ran out before any of it had gone: it is taken back
   * @throws TimeoutError when a part had gone: the rest follows
   */
  async sendAll(message: Uint8Array, timeout: number, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted()
    this.#checkSendable()
    return await new Promise<boolean>((resolve, reject) => {
      const end = (): void => {
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
      }
      const parcel = this.#add(message, error => {
        end()
        if (error === undefined) resolve(true)
        else reject(error)
      })
      const giveUp = (answer: () => void, begun: Error): void => {
        end()
        if (this.#outbox.withdraw(parcel)) answer()
        else reject(begun)
      }
      const onAbort = (): void => giveUp(() => reject(signal?.reason), signal?.reason as Error)
      const stopTimer = startTimer(() => giveUp(() => resolve(false), begunInVain(timeout)), timeout)
      signal?.addEventListener('abort', onAbort)
    })
  }

  /** The same, blocking the thread; what was given to be sent before goes first. */
  sendSync(message: Uint8Array, timeout: number): boolean {
    this.#checkSendable()
    let isDone = false
    let failure: Error | undefined
    const parcel = parcelOf(message, error => {
      isDone = true
      failure = error
    })
    this.#outbox.add(parcel)
    this.#drainSync(performance.now() + timeout, () => isDone)
    const isTakenBack = !isDone && this.#outbox.withdraw(parcel)
    this.#hand()
    if (failure !== undefined) throw failure
    if (!isDone && !isTakenBack) throw begunInVain(timeout)
    return isDone
  }

  /** Waits in the event loop until the step succeeds: after each message that comes, and at the end of them. */
  wait<R>(step: () => R | undefined, timeout: number, signal?: AbortSignal): Promise<R | undefined> {
    return waitFor(this, step, timeout, signal)
  }

  /** The same, blocking the thread. */
  waitSync<R>(step: () => R | undefined, timeout: number): R | undefined {
    return waitForSync(this, step, timeout)
  }

  /** What was given to be sent still goes. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#hasEnded || this.#start === undefined || this.#handshake !== undefined) {
      this.destroy(undefined)
    } else {
      this.#hand(true)
      this.#hasEnded = true
      this.#reader.clear()
      this.#resume()
      this.#socket.destroySoon()
    }
    this.#changes.notify()
  }

  /** Ends it now, on both sides. */
  destroy(reason: Error | undefined): void {
    if (reason === undefined) this.#isClosed = true
    this.#end(reason)
    this.#socket.destroy()
  }

  /** Ends it when the other side has had its time to show its key. */
  expire(now = performance.now()): void {
    if (this.#handshake === undefined || now < this.#deadline - 1) return
    // This side may be the slow one.
    this.pump()
    if (this.#handshake === undefined) return
    const { handshakeTimeout } = this.#start as Start
    this.destroy(new AuthenticationError(`the other side has not shown its key within ${handshakeTimeout} ms`))
  }

  /** When `expire` will. */
  get deadline(): number {
    return this.#handshake === undefined ? Number.POSITIVE_INFINITY : this.#deadline
  }

  ref(): void {
    if (++this.#holds === 1) this.#socket.ref()
  }

  unref(): void {
    if (--this.#holds === 0) this.#socket.unref()
  }

  descriptors(): readonly Descriptor[] {
    const fd = this.#handle?.fd
    return this.#hasEnded || fd === undefined ? [] : [{ fd, writes: !this.#outbox.isEmpty }]
  }

  pump(): void {
    if (!this.#outbox.isEmpty && !this.#hasEnded) this.#drainNow()
    // What the stream holds; it comes by the event.
    while (!this.#hasEnded && this.#socket.read() !== null);
    for (let i = 0; i < MOST_READS && !this.#hasEnded && !this.#isFull(); i++) {
      const spare = this.#reader.spare()
      const target = spare ?? scratch
      let count: number
      try {
        count = readNow(this.#descriptor, target)
      } catch (error) {
        this.destroy(brokenOff(error as Error))
        return
      }
      if (count < 0) return
      if (count === 0) this.#onEnd()
      else if (spare !== undefined) this.#reader.advance(count)
      else this.#reader.push(scratch.slice(0, count))
      this.#advance()
      if (count < target.length) return
    }
  }

  get #handle(): Handle | null {
    return (this.#socket as unknown as { _handle: Handle | null })._handle
  }

  get #descriptor(): number {
    return this.#handle?.fd ?? -1
  }

  #attach(socket: Socket): void {
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
    if (this.#holds === 0) socket.unref()
  }

  #detach(socket: Socket): void {
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('close', this.#onClose)
    socket.off('error', this.#onError)
    socket.on('error', () => {})
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#hasEnded) return
    this.#reader.push(chunk)
    this.#advance()
    if (this.#isFull() && !this.#isPaused) {
      this.#isPaused = true
      this.#socket.pause()
    }
  }

  readonly #onEnd = (): void => this.#end(new EOFError())
  readonly #onError = (error: Error): void => this.#end(brokenOff(error))
  readonly #onClose = (): void => {
    this.#end(new EOFError())
    this.#outbox.fail(brokenPipe(this.#reason))
  }

  #isFull(): boolean {
    return this.#reader.buffered >= MOST_UNREAD_BYTES && this.isReady
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  #advance(): void {
    try {
      while (this.#handshake !== undefined && !this.#hasEnded) {
        const message = this.#reader.take()
        if (message === undefined) return
        if (this.#handshake.next(message).done) this.#settle()
      }
    } catch (error) {
      this.#refuse(error as Error)
      return
    }
    this.#deliver()
    if (this.isReady) this.#changes.notify()
  }

  #deliver(): void {
    while (this.#onMessage !== undefined) {
      const message = this.take()
      if (message === undefined) return
      this.#onMessage(message)
    }
  }

  #settle(): void {
    const { settings, settled } = this.#start as Start
    this.#isAuthenticated = this.#handshake !== undefined
    this.#handshake = undefined
    this.#stopTimer()
    this.#reader.limit = settings.maxMessageBytes
    settled()
  }

  /** The other side has not shown the key. What was written to tell it so still goes. */
  #refuse(error: Error): void {
    this.#hand(true)
    this.#socket.destroySoon()
    this.#end(
      error instanceof AuthenticationError
        ? error
        : new AuthenticationError('what the other side sent is no part of showing a key', { cause: error })
    )
  }

  #end(reason: Error | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#reason = reason
    this.#stopTimer()
    const isBroken = reason === undefined || !(reason instanceof AuthenticationError)
    if (isBroken) this.#outbox.fail(brokenPipe(reason))
    if (this.#handshake !== undefined) {
      this.#handshake = undefined
      this.#reader.clear()
      const { settled } = this.#start as Start
      if (reason instanceof AuthenticationError) settled(reason)
      else settled(new AuthenticationError('the other side hung up before it had shown its key', { cause: reason }))
    }
    this.#changes.notify()
  }

  #checkSendable(): void {
    if (this.#isClosed) throw new MultiprocessError('this connection is closed', { code: 'ERR_CLOSED' })
    if (this.#hasEnded) throw brokenPipe(this.#reason)
  }

  #add(message: Uint8Array, done: (error?: Error) => void): Parcel {
    const parcel = parcelOf(message, done)
    this.#outbox.add(parcel)
    // A thread that blocks does not come to the callback of the last message.
    if (this.#handshake !== undefined) this.#noteWritten()
    this.#hand()
    return parcel
  }

  #noteWritten(): void {
    if (!this.#outbox.hasHanded || this.#socket.writableLength > 0) return
    this.#batch++
    this.#outbox.complete()
  }

  #hand(all = false): void {
    const pieces = this.#outbox.hand(all)
    if (pieces.length === 0) return
    const socket = this.#socket
    const batch = ++this.#batch
    const onWritten = (error?: Error | null): void => {
      // What was noted before, or taken back, is past; after an error the socket closes.
      if (batch !== this.#batch || error) return
      this.#outbox.complete()
      this.#hand()
    }
    const last = pieces.length - 1
    if (last > 0) socket.cork()
    pieces.forEach((piece, i) => {
      if (i === last) socket.write(piece, onWritten)
      else socket.write(piece)
    })
    if (last > 0) socket.uncork()
  }

  /** The event loop is to write nothing any more of what it was handed. */
  #takeBack(): void {
    this.#noteWritten()
    const handle = this.#handle
    if (!this.#outbox.hasHanded || handle === null) return
    const former = this.#socket
    const { fd, writeQueueSize } = handle
    const duplicate = duplicateSocket(fd)
    if (duplicate < 0) {
      throw new MultiprocessError(
        'cannot send blocking while messages wait to be sent by the event loop: await them first',
        { code: 'ERR_BUSY' }
      )
    }
    while (former.read() !== null);
    this.#detach(former)
    former.destroy()
    this.#socket = new (process.getBuiltinModule('node:net').Socket)({ fd: duplicate, readable: true, writable: true })
    if (this.#holds > 0) this.#socket.ref()
    this.#attach(this.#socket)
    if (this.#isPaused) this.#socket.pause()
    this.#batch++
    this.#outbox.takeBack(writeQueueSize)
  }

  /** Writes what there is room for. @returns whether nothing is left to be written */
  #drainNow(): boolean {
    try {
      this.#takeBack()
      if (this.#outbox.drain(bytes => writeNow(this.#descriptor, bytes))) return true
    } catch (error) {
      if ((error as MultiprocessError).code === 'ERR_BUSY') throw error
      this.destroy(brokenOff(error as Error))
      return true
    }
    // The event loop goes on with it when this thread comes back there.
    setImmediate(() => this.#hand())
    return false
  }

  #drainSync(end: number, isDone: () => boolean): void {
    while (!isDone()) {
      if (this.#drainNow()) return
      const left = end - performance.now()
      if (left <= 0) return
      pollDescriptors(this.descriptors(), left)
      // The other side may be blocked in sending, too.
      this.pump()
      if (this.#hasEnded) return
    }
  }
}

function brokenOff(cause: Error): EOFError {
  return new EOFError(`the connection broke off: ${cause.message}`, { cause })
}

function parcelOf(message: Uint8Array, done: (error?: Error) => void): Parcel {
  const header = frameHeader(message.length)
  const pieces = message.length <= JOINED_BYTES ? [Buffer.concat([header, message])] : [header, message]
  return { pieces, hasBegun: false, done }
}

function begunInVain(timeout: number): TimeoutError {
  return new TimeoutError(`the other side took only a part of the message within ${timeout} ms; the rest follows`)
}

function brokenPipe(cause: Error | undefined): MultiprocessError {
  return new MultiprocessError('cannot send: the other side is gone', { code: 'ERR_BROKEN_PIPE', cause })
}
