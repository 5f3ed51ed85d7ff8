/**
 * Sends and receives messages through a socket, once both sides have authenticated. In the event loop, Node's own socket does the work. A
 * blocked thread reads and writes the socket's descriptor itself. This is sound: Node hands over at once what its event loop has read, so
 * those bytes are here, and what Node has not written yet is taken back first (`sending.ts`, `wire.ts`).
 */
import type { Socket } from 'node:net'
import { AuthenticationError, EOFError, MultiprocessError } from '../errors.ts'
import { type Descriptor, readNow } from '../ground/os/sockets.ts' // lazy
import { monotonicMs } from '../ground/os/time.ts'
import { startTimer } from '../ground/os/timer.ts'
import { type HostAndPort, peerAddress } from './address.ts'
import { FrameReader } from './frames.ts'
import { HANDSHAKE_LIMIT, type Handshake, type HandshakeRole, handshake } from './handshake.ts'
import type { Settings } from './options.ts'
import { Sending } from './sending.ts'
import { Listeners, type SocketSource, waitFor, waitForSync } from './waiting.ts'
import { Wire } from './wire.ts'

/** The bytes that wait here while no message is asked for; above this, the other side has to wait. */
const MOST_UNREAD_BYTES = 2 ** 20
/** The same for a side that has not authenticated: the bytes of one read. */
const MOST_UNTRUSTED_BYTES = 2 ** 16
const READ_BYTES = 65_536
const MOST_READS = 16

const scratch = new Uint8Array(READ_BYTES)

export interface Start {
  readonly role: HandshakeRole
  readonly settings: Settings
  /** The time that the other side has to authenticate, in milliseconds. */
  readonly handshakeTimeout: number
  /** Runs once, and not before `start` was called: without an error when messages can be sent, or with an AuthenticationError. */
  readonly settled: (error?: Error) => void
}

export class MessageSocket implements SocketSource {
  /** null for a unix socket. */
  readonly remoteAddress: HostAndPort | null
  readonly #changes = new Listeners()
  readonly #reader = new FrameReader(HANDSHAKE_LIMIT)
  readonly #wire: Wire
  readonly #sending: Sending
  #start: Start | undefined
  #handshake: Handshake | undefined
  #stopTimer = () => {}
  #deadline = Number.POSITIVE_INFINITY
  #isAuthenticated = false
  #isClosed = false
  #reason: Error | undefined
  #hasEnded = false
  /** True if a message was asked for that has not arrived: it is then read to its end, however long it is. */
  #isAsked = false
  #onMessage: ((message: Uint8Array) => void) | undefined
  #onOver: () => void = () => {}

  /** @param socket a connected socket, which belongs to this object from now on */
  constructor(socket: Socket) {
    this.remoteAddress = peerAddress(socket)
    this.#wire = new Wire(socket, {
      onData: chunk => this.#onData(chunk),
      onEnd: () => this.#end(new EOFError()),
      onError: error => this.#end(brokenOff(error)),
      onClose: () => {
        this.#end(new EOFError())
        this.#sending.end(brokenPipe(this.#reason))
      }
    })
    this.#sending = new Sending(this.#wire, this)
  }

  /** Authenticates in both directions, if there is a key. */
  start(start: Start): void {
    const { role, settings, handshakeTimeout } = start
    this.#start = start
    if (settings.key === undefined) {
      this.#settle()
      return
    }
    this.#deadline = monotonicMs() + handshakeTimeout
    this.#stopTimer = startTimer(() => this.expire(monotonicMs()), handshakeTimeout, false)
    this.#handshake = handshake(role, settings.key, message => this.#show(message))
    this.#handshake.next()
  }

  /** True once the other side has authenticated. */
  get isAuthenticated(): boolean {
    return this.#isAuthenticated
  }

  /** True once this side has closed the socket. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** True once no more bytes will arrive; messages may still wait to be taken. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** The reason for the end: an EOFError, which has no cause if the other side closed the socket after a complete message. */
  get reason(): Error | undefined {
    const isCut = this.#reason instanceof EOFError && this.#reader.hasBegun && !this.#isWhole()
    return isCut ? brokenOff(new Error('it ended in the middle of a message')) : this.#reason
  }

  /** Runs `run` once this side has closed the socket, or no more bytes will arrive; at once if this is already so. */
  whenOver(run: () => void): void {
    if (this.#isClosed || this.#hasEnded) run()
    else this.#onOver = run
  }

  #beOver(): void {
    const run = this.#onOver
    this.#onOver = () => {}
    run()
  }

  /** True if `take` has a message. Otherwise, the next message is read to its end. */
  get isReady(): boolean {
    if (this.#isWhole()) return true
    this.#ask()
    return false
  }

  #isWhole(): boolean {
    try {
      return this.#handshake === undefined && this.#reader.isWhole
    } catch (error) {
      this.destroy(error as Error)
      return false
    }
  }

  /** The length of the next message in bytes, even if the message is still arriving; undefined until the length has arrived. */
  get nextLength(): number | undefined {
    this.#ask()
    try {
      return this.#handshake === undefined ? this.#reader.length : undefined
    } catch (error) {
      this.destroy(error as Error)
      return undefined
    }
  }

  /** The number of bytes that have not been sent yet. */
  get unsentBytes(): number {
    return this.#sending.bytes
  }

  /** Returns the next message, in memory that may be part of a larger piece; undefined until the message has arrived. */
  take(): Uint8Array | undefined {
    if (!this.isReady) return undefined
    const message = this.#reader.take()
    if (!this.#isFull()) this.#wire.resume()
    return message
  }

  /**
   * Passes each message to the listener when it arrives, and waiting messages before this call returns. undefined: messages wait again.
   */
  onMessage(listener: ((message: Uint8Array) => void) | undefined): void {
    this.#onMessage = listener
    this.#deliver()
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener)
  }

  /**
   * Sends a message. Do not change it before it has been sent.
   * @param done runs once the system has the whole message, or with an error if the message will not be sent
   * @throws MultiprocessError `ERR_CLOSED`, `ERR_BROKEN_PIPE`
   */
  send(message: Uint8Array, done: (error?: Error) => void = () => {}): void {
    this.#checkSendable()
    this.#sending.add(message, done)
  }

  /**
   * Sends a message and waits until the system has it.
   * @param timeout milliseconds, or Infinity
   * @returns false if the timeout expired before any part was sent: the message is then taken back
   * @throws TimeoutError if a part was sent: the rest follows
   */
  async sendAll(message: Uint8Array, timeout: number, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted()
    this.#checkSendable()
    return await this.#sending.all(message, timeout, signal)
  }

  /** Does the same while the thread is blocked. Messages that wait are sent first. */
  sendSync(message: Uint8Array, timeout: number): boolean {
    this.#checkSendable()
    return this.#sending.allSync(message, timeout)
  }

  /** Waits in the event loop until the step succeeds. The step runs after each message, and at the end of the messages. */
  wait<R>(step: () => R | undefined, timeout: number, signal?: AbortSignal): Promise<R | undefined> {
    return waitFor(this, step, timeout, signal)
  }

  /** Blocks the thread until the step succeeds. */
  waitSync<R>(step: () => R | undefined, timeout: number): R | undefined {
    return waitForSync(this, step, timeout)
  }

  /** Closes the socket, after sending all messages that were passed to it. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#hasEnded || this.#start === undefined || this.#handshake !== undefined) {
      this.destroy(undefined)
    } else {
      this.#sending.hand(true)
      this.#hasEnded = true
      this.#reader.clear()
      this.#wire.resume()
      this.#wire.destroySoon()
    }
    this.#beOver()
    this.#changes.notify()
  }

  /** Ends the connection now, on both sides. */
  destroy(reason: Error | undefined): void {
    if (reason === undefined) this.#isClosed = true
    this.#end(reason)
    this.#wire.destroy()
  }

  /** Ends the connection after a failure of the descriptor. */
  fail(error: Error): void {
    this.destroy(brokenOff(error))
  }

  /**
   * Ends the connection if the other side has not authenticated in time.
   * @param now a time on the clock of monotonicMs()
   */
  expire(now: number): void {
    if (this.#handshake === undefined || now < this.#deadline) return
    // This side may be the slow one.
    this.pump()
    if (this.#handshake === undefined) return
    const { handshakeTimeout } = this.#start as Start
    this.destroy(new AuthenticationError(`the other side has not shown its key within ${handshakeTimeout} ms`))
  }

  /** The time at which `expire` ends the connection. */
  get deadline(): number {
    return this.#handshake === undefined ? Number.POSITIVE_INFINITY : this.#deadline
  }

  ref(): void {
    this.#wire.ref()
  }

  unref(): void {
    this.#wire.unref()
  }

  descriptors(): readonly Descriptor[] {
    const { fd } = this.#wire
    return this.#hasEnded || fd === undefined ? [] : [{ fd, writes: !this.#sending.isEmpty }]
  }

  pump(): void {
    if (!this.#sending.isEmpty && !this.#hasEnded) this.#sending.drainNow()
    while (!this.#hasEnded && this.#wire.flush());
    for (let i = 0; i < MOST_READS && !this.#hasEnded && !this.#isFull(); i++) {
      const spare = this.#reader.spare()
      const target = spare ?? scratch
      let count: number
      try {
        count = readNow(this.#wire.fd ?? -1, target)
      } catch (error) {
        this.fail(error as Error)
        return
      }
      if (count < 0) return
      if (count === 0) this.#end(new EOFError())
      else if (spare !== undefined) this.#reader.advance(count)
      else this.#reader.push(scratch.slice(0, count))
      this.#advance()
      if (count < target.length) return
    }
  }

  #onData(chunk: Uint8Array): void {
    if (this.#hasEnded) return
    this.#reader.push(chunk)
    this.#advance()
    if (this.#isFull()) this.#wire.pause()
  }

  #ask(): void {
    if (this.#isAsked || this.#hasEnded || this.#isWhole()) return
    this.#isAsked = true
    this.#wire.resume()
  }

  #isFull(): boolean {
    if (this.#isAsked) {
      if (!this.#isWhole()) return false
      this.#isAsked = false
    }
    return this.#reader.buffered >= (this.#isAuthenticated ? MOST_UNREAD_BYTES : MOST_UNTRUSTED_BYTES)
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
    if (this.#isWhole()) this.#changes.notify()
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

  /** Ends the connection because the other side did not authenticate. What was written to tell the other side is still sent. */
  #refuse(error: Error): void {
    this.#sending.hand(true)
    this.#wire.destroySoon()
    this.#end(
      error instanceof AuthenticationError
        ? error
        : new AuthenticationError('the other side sent an unexpected message during authentication', { cause: error })
    )
  }

  #end(reason: Error | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#reason = reason
    this.#stopTimer()
    const isBroken = reason === undefined || !(reason instanceof AuthenticationError)
    if (isBroken) this.#sending.end(brokenPipe(reason))
    if (this.#handshake !== undefined) {
      this.#handshake = undefined
      this.#reader.clear()
      const { settled } = this.#start as Start
      if (reason instanceof AuthenticationError) settled(reason)
      else
        settled(
          new AuthenticationError('the other side closed the connection before it had shown its key', { cause: reason })
        )
    }
    this.#beOver()
    this.#changes.notify()
  }

  #show(message: Uint8Array): void {
    // A blocked thread does not reach the callback of the last message.
    this.#sending.noteWritten()
    this.#sending.add(message, () => {})
  }

  #checkSendable(): void {
    if (this.#isClosed) throw new MultiprocessError('cannot use this connection: it is closed', { code: 'ERR_CLOSED' })
    if (this.#hasEnded) throw brokenPipe(this.#reason)
  }
}

function brokenOff(cause: Error): EOFError {
  return new EOFError(`cannot receive: the connection broke off: ${cause.message}`, { cause })
}

function brokenPipe(cause: Error | undefined): MultiprocessError {
  return new MultiprocessError('cannot send: the other side is gone', { code: 'ERR_BROKEN_PIPE', cause })
}
