/** The client's side of calls to a server. */
import { Pending } from '../../codec/receive.ts'
import type { Writer } from '../../codec/values/writer.ts'
import { MultiprocessError } from '../../errors.ts'
import { queueMicrotask } from '../../ground/os/time.ts'
import type { Parcel } from '../../ground/parcel.ts'
import { addCaller, rejection } from '../../pool/caller-stack.ts'
import { describeAddress, type NetAddress } from '../../socket/address.ts'
import { withCorrespondent } from '../protocol/correspondent.ts'
import { CALL, CANCEL, ERROR, FrameOutbox, NOTHING, readFrames, readValue, VALUE } from '../protocol/frames.ts'
import type { ProxyPlace } from '../protocol/proxy-data.ts'

/** How a proxy reaches its object. */
export interface Link {
  readonly address: NetAddress
  /** True if the server is known to be gone. */
  readonly isGone: boolean
  /**
   * Calls a method.
   * @param object the object's id, 0 for the manager itself
   * @param method the number of the method
   * @param signal ends the call at the server when aborted, unless the call has already succeeded; the call rejects with the signal's
   * reason
   */
  call(object: number, method: number, args: readonly unknown[], signal?: AbortSignal): Promise<unknown>
  /** Does the same, and blocks the thread. */
  callSync(object: number, method: number, args: readonly unknown[]): unknown
  /** Returns what a message contains for a proxy. @param writer the writer of the message, which names what keeps the object meanwhile */
  describe(object: number, holder: object, writer: Writer): ProxyPlace
}

export function managerDied(address: NetAddress): MultiprocessError {
  return new MultiprocessError(
    `the manager's server (${formatAddress(address)}) is gone, with all its objects: it was shut down or has died`,
    { code: 'ERR_MANAGER_DIED' }
  )
}

/** The server would have to answer while its own thread is blocked. */
export function serverBlocked(): MultiprocessError {
  return new MultiprocessError(
    'cannot wait for an object of the manager with the server blocked, which would wait for itself: call the asynchronous method',
    { code: 'ERR_SERVER_BLOCKED' }
  )
}

/** Returns the text of an address. Servers of the family are named after their process. */
export function formatAddress(address: NetAddress): string {
  return typeof address === 'string' && /^(?:pid|thread) \d+$/.test(address) ? address : describeAddress(address)
}

/** A call without a reply yet. */
interface PendingCall {
  readonly isBlocking: boolean
  succeed(value: unknown): void
  fail(error: unknown): void
  cancel(): void
}

class AsyncCall implements PendingCall {
  readonly isBlocking = false
  readonly #resolve: (value: unknown) => void
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: (() => void) | undefined

  constructor(resolve: (value: unknown) => void, signal: AbortSignal | undefined, onAbort: (() => void) | undefined) {
    this.#resolve = resolve
    this.#signal = signal
    this.#onAbort = onAbort
    if (onAbort !== undefined) signal?.addEventListener('abort', onAbort)
  }

  succeed(value: unknown): void {
    this.#leave()
    this.#resolve(value)
  }

  fail(error: unknown): void {
    this.#leave()
    this.#resolve(rejection(error))
  }

  cancel(): void {
    this.#leave()
    this.#resolve(Promise.reject(this.#signal?.reason))
  }

  #leave(): void {
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

class BlockingCall implements PendingCall {
  readonly isBlocking = true
  isDone = false
  #error: unknown
  #hasFailed = false
  #value: unknown

  succeed(value: unknown): void {
    this.isDone = true
    this.#value = value
  }

  fail(error: unknown): void {
    this.isDone = true
    this.#hasFailed = true
    this.#error = error
  }

  cancel(): void {
    this.fail(new MultiprocessError('the call was cancelled'))
  }

  /** Returns the result, or throws the call's error. */
  answer(caller: (...args: never[]) => unknown): unknown {
    if (!this.#hasFailed) return this.#value
    addCaller(this.#error, caller)
    throw this.#error
  }
}

/** What all links to another process share: the calls without a reply, by their ids. */
export abstract class CallTable implements Link {
  abstract address: NetAddress
  protected readonly outbox: FrameOutbox
  readonly #waiting = new Map<number, PendingCall>()
  #asyncCount = 0
  #lastId = 0
  #isScheduled = false
  #gone: Error | undefined

  constructor(sender: number, audience: 'family' | 'program') {
    this.outbox = new FrameOutbox(
      sender,
      (bytes, start, length, parcel) => this.transmit(bytes, start, length, parcel),
      audience
    )
  }

  protected abstract transmit(bytes: Uint8Array, start: number, length: number, parcel: Parcel | null): void
  /** Blocks until a reply may have come. @param isDone returns true if it has */
  protected abstract block(isDone: () => boolean): void
  /** Called when calls begin to wait in the event loop, and when none waits any more. */
  protected abstract onBusy(): void
  protected abstract onIdle(): void
  abstract describe(object: number, holder: object, writer: Writer): ProxyPlace

  get isGone(): boolean {
    return this.#gone !== undefined
  }

  get isBusy(): boolean {
    return this.#waiting.size > 0
  }

  call(object: number, method: number, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      this.checkThere()
      const id = this.#nextId()
      this.#write(id, object, method, args)
      this.#waiting.set(id, new AsyncCall(resolve, signal, signal === undefined ? undefined : () => this.#cancel(id)))
      if (this.#asyncCount++ === 0) this.onBusy()
      this.#flushSoon()
    })
  }

  callSync(object: number, method: number, args: readonly unknown[]): unknown {
    this.checkThere()
    const id = this.#nextId()
    this.#write(id, object, method, args)
    const call = new BlockingCall()
    this.#waiting.set(id, call)
    this.outbox.flush()
    while (!call.isDone) this.block(() => call.isDone)
    return call.answer(this.callSync)
  }

  #write(id: number, object: number, method: number, args: readonly unknown[]): void {
    withCorrespondent(this, () =>
      this.outbox.add(id, object, (CALL << 16) | method, args.length === 0 ? NOTHING : args, 'args')
    )
  }

  /** @throws MultiprocessError `ERR_MANAGER_DIED` if the server is gone */
  protected checkThere(): void {
    if (this.#gone !== undefined) throw this.#gone
  }

  /** Sends a frame without waiting for a reply. */
  protected tell(id: number, a: number, kind: number, value: unknown): void {
    this.outbox.add(id, a, kind << 16, value, 'value')
    this.#flushSoon()
  }

  #cancel(id: number): void {
    if (this.#gone === undefined) this.tell(id, 0, CANCEL, NOTHING)
  }

  /** Sends frames. The first is sent at once; those that follow in the same turn of the event loop are sent together. */
  #flushSoon(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.outbox.flush()
    queueMicrotask(() => {
      this.#isScheduled = false
      if (this.#gone !== undefined) return
      try {
        this.outbox.flush()
      } catch (error) {
        this.fail(error as Error)
      }
    })
  }

  #nextId(): number {
    this.#lastId = (this.#lastId + 1) | 0
    return this.#lastId
  }

  /** Takes a parcel of replies. */
  protected receive(bytes: Uint8Array, start: number, end: number): void {
    readFrames(bytes, start, end, frame => {
      const { id, a: status } = frame
      const waiting = this.#waiting.get(id)
      if (waiting === undefined) return
      let value: unknown
      let hasFailed = status === ERROR
      try {
        value = readValue(bytes, frame, this, waiting.isBlocking)
      } catch (error) {
        hasFailed = true
        value = error
      }
      if (value instanceof Pending && !waiting.isBlocking) {
        value.promise.then(
          later => this.#settle(id, hasFailed ? ERROR : status, later),
          error => this.#settle(id, ERROR, error)
        )
      } else if (value instanceof Pending) {
        value.promise.catch(() => {})
        this.#settle(id, ERROR, unimported())
      } else {
        this.#settle(id, hasFailed ? ERROR : status, value)
      }
    })
  }

  #settle(id: number, status: number, value: unknown): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    if (!waiting.isBlocking && --this.#asyncCount === 0) this.onIdle()
    if (status === VALUE) waiting.succeed(value)
    else if (status === ERROR) waiting.fail(value)
    else waiting.cancel()
  }

  /** Fails all waiting calls, and all later ones: the server is gone. */
  protected fail(error: Error): void {
    if (this.#gone !== undefined) return
    this.#gone = error
    for (const id of [...this.#waiting.keys()]) this.#settle(id, ERROR, error)
  }
}

function unimported(): MultiprocessError {
  return new MultiprocessError(
    'cannot read the answer without waiting: it needs modules that are yet to be imported. Call the asynchronous method',
    { code: 'ERR_IMPORT' }
  )
}
