/** Sends messages through a wire: in the event loop, batch after batch, or from a blocked thread that writes the descriptor itself. */
import { MultiprocessError, TimeoutError } from '../errors.ts'
import { pollDescriptors, writeNow } from '../ground/os/sockets.ts' // lazy
import { monotonicMs, setImmediate } from '../ground/os/time.ts'
import { startTimer } from '../ground/os/timer.ts'
import { frameHeader } from './frames.ts'
import { Outbox, type QueuedMessage } from './outbox.ts'
import type { SocketSource } from './waiting.ts'
import type { Wire } from './wire.ts'

/** A message up to this length is sent in one piece with its header. */
const JOINED_BYTES = 16_384

/** The socket whose messages these are. */
interface Owner extends Pick<SocketSource, 'descriptors' | 'pump'> {
  /** True if nothing more can be sent. */
  readonly hasEnded: boolean
  /** Called when writing has failed. */
  fail(error: Error): void
}

export class Sending {
  readonly #wire: Wire
  readonly #owner: Owner
  readonly #outbox = new Outbox()
  /** The number of the batch that was last handed to Node's socket. */
  #batch = 0

  constructor(wire: Wire, owner: Owner) {
    this.#wire = wire
    this.#owner = owner
  }

  /** The number of bytes that have not been sent yet. */
  get bytes(): number {
    return this.#outbox.bytes
  }

  get isEmpty(): boolean {
    return this.#outbox.isEmpty
  }

  /** @param done runs once the system has the whole message, or with an error if the message will not be sent */
  add(message: Uint8Array, done: (error?: Error) => void): QueuedMessage {
    const parcel = parcelOf(message, done)
    this.#outbox.add(parcel)
    this.hand()
    return parcel
  }

  /** Completes what Node has written before Node reports it: a blocked thread gives Node no chance to. */
  noteWritten(): void {
    if (!this.#outbox.hasHanded || this.#wire.isWriting) return
    this.#batch++
    this.#outbox.complete()
  }

  /** Hands Node what it has to write next. @param all true for everything, and not just the next batch */
  hand(all = false): void {
    const pieces = this.#outbox.hand(all)
    if (pieces.length === 0) return
    const batch = ++this.#batch
    this.#wire.write(pieces, error => {
      // What was noted before, or taken back, is done; after an error, the socket closes.
      if (batch !== this.#batch || error) return
      this.#outbox.complete()
      this.hand()
    })
  }

  /**
   * Sends a message and waits until the system has it.
   * @param timeout milliseconds, or Infinity
   * @returns false if the timeout expired before any part was sent: the message is then taken back
   * @throws TimeoutError if a part was sent: the rest follows
   */
  async all(message: Uint8Array, timeout: number, signal?: AbortSignal): Promise<boolean> {
    return await new Promise<boolean>((resolve, reject) => {
      const end = (): void => {
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
      }
      const parcel = this.add(message, error => {
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

  /** Does the same while the thread is blocked. Messages that wait are sent first. */
  allSync(message: Uint8Array, timeout: number): boolean {
    let isDone = false
    let failure: Error | undefined
    const parcel = parcelOf(message, error => {
      isDone = true
      failure = error
    })
    this.#outbox.add(parcel)
    this.#drainSync(monotonicMs() + timeout, () => isDone)
    const isTakenBack = !isDone && this.#outbox.withdraw(parcel)
    this.hand()
    if (failure !== undefined) throw failure
    if (!isDone && !isTakenBack) throw begunInVain(timeout)
    return isDone
  }

  /** Writes as much as fits. @returns true if nothing is left to write */
  drainNow(): boolean {
    try {
      this.#takeBack()
      if (this.#outbox.drain(bytes => writeNow(this.#wire.fd ?? -1, bytes))) return true
    } catch (error) {
      if ((error as MultiprocessError).code === 'ERR_BUSY') throw error
      this.#owner.fail(error as Error)
      return true
    }
    // The event loop continues with it when this thread returns there.
    setImmediate(() => this.hand())
    return false
  }

  /** Fails all messages: nothing more will be sent. */
  end(error: Error): void {
    this.#outbox.fail(error)
  }

  /** Makes Node stop writing what it was handed. */
  #takeBack(): void {
    this.noteWritten()
    if (!this.#outbox.hasHanded || this.#wire.fd === undefined) return
    const unsent = this.#wire.takeBack()
    if (unsent === undefined) {
      throw new MultiprocessError(
        'cannot send synchronously: earlier messages still wait to be sent by the event loop; await them first',
        { code: 'ERR_BUSY' }
      )
    }
    this.#batch++
    this.#outbox.takeBack(unsent)
  }

  #drainSync(end: number, isDone: () => boolean): void {
    while (!isDone()) {
      if (this.drainNow()) return
      const left = end - monotonicMs()
      if (left <= 0) return
      pollDescriptors(this.#owner.descriptors(), left)
      // The other side may be blocked in sending, too.
      this.#owner.pump()
      if (this.#owner.hasEnded) return
    }
  }
}

function parcelOf(message: Uint8Array, done: (error?: Error) => void): QueuedMessage {
  const header = frameHeader(message.length)
  const pieces = message.length <= JOINED_BYTES ? [Buffer.concat([header, message])] : [header, message]
  return { pieces, hasBegun: false, done }
}

function begunInVain(timeout: number): TimeoutError {
  return new TimeoutError(`the other side took only a part of the message within ${timeout} ms; the rest follows`)
}
