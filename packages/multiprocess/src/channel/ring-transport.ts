/** A Connection over the rings of a pipe, in shared memory. */
import { MultiprocessError } from '../errors.ts'
import type { Family } from '../ground/family.ts'
import {
  checkModules,
  type Received,
  received,
  receiveInto,
  receiveLetter,
  receiveReadable,
  Sender
} from './message.ts' // lazy
import type { Check, Ring } from './ring.ts'
import { EOF, type Incoming, type Place, type Transport } from './transport.ts'

export interface Ends {
  readonly family: Family
  readonly from: Ring | undefined
  readonly to: Ring | undefined
  /** Releases the end that this process holds. */
  readonly release: () => void
}

export class RingTransport implements Transport {
  readonly #ends: Ends
  readonly #sender: Sender | undefined
  #isClosed = false

  constructor(ends: Ends) {
    this.#ends = ends
    const { to } = ends
    if (to === undefined) return
    this.#sender = new Sender(to, looksClosely => {
      this.#checkOpen(looksClosely)
      if (!to.hasReceivers) {
        throw failure('ERR_BROKEN_PIPE', 'cannot send: the other end is closed, or its processes are gone')
      }
    })
  }

  get isReadable(): boolean {
    return this.#ends.from !== undefined
  }

  get isWritable(): boolean {
    return this.#ends.to !== undefined
  }

  get target(): unknown {
    const ring = this.#receiving()
    return { family: this.#ends.family, word: ring.sent, isReady: () => this.#isReady(ring) }
  }

  send(value: unknown, timeout: number, signal: AbortSignal | undefined): true | Promise<boolean> {
    const sender = this.#sending()
    const letter = sender.post(value, 'value', true)
    return letter === undefined ? true : sender.send(letter, timeout, signal)
  }

  sendSync(value: unknown, timeout: number): boolean {
    const sender = this.#sending()
    const letter = sender.post(value, 'value', false)
    return letter === undefined || sender.sendSync(letter, timeout)
  }

  sendBytes(bytes: Uint8Array): true | Promise<boolean> {
    const sender = this.#sending()
    const letter = sender.postBytes(bytes, true)
    return letter === undefined ? true : sender.send(letter, Number.POSITIVE_INFINITY, undefined)
  }

  sendBytesSync(bytes: Uint8Array): void {
    const sender = this.#sending()
    const letter = sender.postBytes(bytes, false)
    if (letter !== undefined) sender.sendSync(letter, Number.POSITIVE_INFINITY)
  }

  receive(timeout: number, signal: AbortSignal | undefined): Promise<Incoming<Received>> {
    return this.#receive(timeout, signal, takeValue)
  }

  receiveSync(timeout: number): Incoming<Received> {
    return this.#receiveSync(timeout, takeReadable)
  }

  receiveBytes(
    place: Place,
    maxLength: number,
    timeout: number,
    signal: AbortSignal | undefined
  ): Promise<Incoming<Uint8Array>> {
    const check = bytesCheck(maxLength)
    return this.#receive(timeout, signal, ring => receiveInto(ring, place, check))
  }

  receiveBytesSync(place: Place, maxLength: number, timeout: number): Incoming<Uint8Array> {
    const check = bytesCheck(maxLength)
    return this.#receiveSync(timeout, ring => receiveInto(ring, place, check))
  }

  async poll(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    const ring = this.#receiving()
    return (await ring.sent.wait(() => this.#isReady(ring) || undefined, timeout, signal)) ?? false
  }

  pollSync(timeout: number): boolean {
    const ring = this.#receiving()
    const isReady = (looksClosely: boolean) => this.#isReady(ring, looksClosely) || undefined
    return ring.sent.waitSync(isReady, timeout) ?? false
  }

  close(): void {
    this.#isClosed = true
    const { from, to, release } = this.#ends
    release()
    from?.sent.wake(Number.POSITIVE_INFINITY)
    to?.received.wake(Number.POSITIVE_INFINITY)
  }

  #isReady(ring: Ring, looksClosely = false): boolean {
    this.#checkOpen(looksClosely)
    return !ring.hasSenders || !ring.isEmpty
  }

  #receive<R>(
    timeout: number,
    signal: AbortSignal | undefined,
    take: (ring: Ring) => R | undefined
  ): Promise<Incoming<R>> {
    const ring = this.#receiving()
    return ring.sent.wait(() => this.#step(ring, take), timeout, signal, undefined, true)
  }

  #receiveSync<R>(timeout: number, take: (ring: Ring) => R | undefined): Incoming<R> {
    const ring = this.#receiving()
    return ring.sent.waitSync(looksClosely => this.#step(ring, take, looksClosely), timeout)
  }

  #step<R>(ring: Ring, take: (ring: Ring) => R | undefined, looksClosely = false): Incoming<R> {
    this.#checkOpen(looksClosely)
    // Checked first, so that messages sent before the other end went are received before EOF.
    const isLast = !ring.hasSenders
    const received = take(ring)
    return received === undefined && isLast ? EOF : received
  }

  #receiving(): Ring {
    this.#checkOpen()
    const { from } = this.#ends
    if (from === undefined) throw failure('ERR_DIRECTION', 'cannot receive: this end of the pipe only sends')
    return from
  }

  #sending(): Sender {
    this.#checkOpen()
    if (this.#sender === undefined) throw failure('ERR_DIRECTION', 'cannot send: this end of the pipe only receives')
    return this.#sender
  }

  /** @param looksClosely as in a `Step`: true if the next question is whether the processes of the other end still live */
  #checkOpen(looksClosely = false): void {
    if (this.#isClosed) throw failure('ERR_CLOSED', 'this process has closed its end of the pipe')
    if (looksClosely) this.#ends.family.countOutUnnoticed()
  }
}

function failure(code: string, message: string): MultiprocessError {
  return new MultiprocessError(message, { code })
}

const checkIsValue: Check = (_bytes, _start, _end, isRaw) => {
  if (isRaw) throw failure('ERR_BYTES', 'the next message was sent by sendBytes: receive it by recvBytes')
}

const checkIsReadable: Check = (bytes, start, end, isRaw) => {
  checkIsValue(bytes, start, end, isRaw)
  checkModules(bytes, start, end, isRaw)
}

const takeValue = (ring: Ring) => received(receiveLetter(ring, checkIsValue))
const takeReadable = (ring: Ring) => received(receiveReadable(ring, checkIsReadable))

function bytesCheck(maxLength: number): Check {
  return (_bytes, start, end, isRaw) => {
    if (!isRaw) throw failure('ERR_VALUE_MESSAGE', 'the next message was sent by send: receive it by recv')
    if (end - start > maxLength) throw tooLong(end - start, maxLength)
  }
}

export function tooLong(length: number, maxLength: number): MultiprocessError {
  return failure('ERR_TOO_LONG', `the next message has ${length} bytes, more than maxLength ${maxLength}`)
}
