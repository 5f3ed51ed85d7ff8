/** Values as messages of a ring, and back. */
import { decode, missingModulesOf } from '../codec/decode.ts'
import { Encoder, type Releases, runAll } from '../codec/encode.ts'
import { importModule } from '../codec/module-imports.ts'
import { MultiprocessError } from '../errors.ts'
import { Line } from './line.ts'
import type { Check, LongMessage, Parcel, Ring } from './ring.ts'

const encoder = new Encoder()

/** A value on its way: what must be given back when it is not sent after all. */
export interface Letter {
  readonly parcel: Parcel
  readonly releases: Releases
}

/**
 * The letter stands in memory that the next one is written to: to be sent at once, or kept by `keepLetter`.
 * @throws SerializationError when the value cannot cross
 */
export function writeLetter(ring: Ring, value: unknown, path: string): Letter {
  encoder.encode(value, undefined, 0, 0, path)
  const { bytes, start, end, releases } = encoder
  try {
    return { parcel: ring.pack(bytes, start, end - start), releases }
  } catch (error) {
    runAll(releases)
    throw error
  }
}

/** The letter of bytes, that are sent as they are. */
export function bytesLetter(ring: Ring, bytes: Uint8Array): Letter {
  return { parcel: ring.pack(bytes, 0, bytes.length, true), releases: null }
}

/** The same letter, in memory of its own. */
function keepLetter({ parcel, releases }: Letter): Letter {
  if (parcel.chunk !== 0) return { parcel, releases }
  const { bytes, start, length } = parcel
  return { parcel: { ...parcel, bytes: bytes.slice(start, start + length), start: 0 }, releases }
}

function discardLetter(ring: Ring, { parcel, releases }: Letter): void {
  ring.discard(parcel)
  runAll(releases)
}

/** Sends the letters of one process, in the order in which they are given to it. */
export class Sender {
  readonly #ring: Ring
  readonly #line = new Line()
  readonly #check: (() => void) | undefined

  /** @param check runs before each try; throws to give up */
  constructor(ring: Ring, check?: () => void) {
    this.#ring = ring
    this.#check = check
  }

  /** False: it can't be sent at once, and is gone. */
  sendNow(letter: Letter): boolean {
    return this.#orDiscard(letter, () => this.#line.isEmpty && this.#try(letter))
  }

  /** The same, blocking the thread for so many milliseconds at the most. */
  sendSync(letter: Letter, timeout: number): boolean {
    return this.#orDiscard(letter, () => this.#ring.received.waitSync(() => this.#try(letter), timeout))
  }

  /** The same in the event loop. @throws the signal's reason, once it is aborted */
  async send(letter: Letter, timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    let isSent: boolean | undefined
    let kept = letter
    try {
      isSent = this.#line.isEmpty && this.#try(letter)
      if (isSent) return true
      kept = keepLetter(letter)
      isSent = await this.#line.run(timeout, signal, async left =>
        left < 0 ? false : await this.#ring.received.wait(() => this.#try(kept), left, signal)
      )
    } finally {
      if (!isSent) discardLetter(this.#ring, kept)
    }
    return isSent ?? false
  }

  #try({ parcel }: Letter): true | undefined {
    this.#check?.()
    return this.#ring.send(parcel) || undefined
  }

  #orDiscard(letter: Letter, send: () => boolean | undefined): boolean {
    let isSent: boolean | undefined
    try {
      isSent = send()
    } finally {
      if (!isSent) discardLetter(this.#ring, letter)
    }
    return isSent ?? false
  }
}

/** A value whose modules had to be imported first. */
export class Pending {
  readonly promise: Promise<unknown>

  constructor(promise: Promise<unknown>) {
    this.promise = promise
  }
}

/** What was received: a value or a Pending. */
export interface Received {
  readonly value: unknown
}

/** Receives a value: it is read before anything else can be received. Undefined when there is none. */
export function receiveLetter(ring: Ring, check?: Check): Received | undefined {
  const message = ring.receive(check)
  return message === undefined ? undefined : { value: readLetter(ring, message) }
}

/** Receives the bytes of a message. */
export function receiveBytes(ring: Ring, check?: Check): Uint8Array | undefined {
  return receiveInto(ring, length => new Uint8Array(Buffer.allocUnsafeSlow(length).buffer), check)
}

/** The same, copied once, to what `place` has for so many bytes. */
export function receiveInto(ring: Ring, place: (length: number) => Uint8Array, check?: Check): Uint8Array | undefined {
  const message = ring.receive(check)
  if (message === undefined) return undefined
  if (typeof message === 'number') {
    const target = place(message)
    target.set(ring.scratch.subarray(0, message))
    return target
  }
  try {
    return ring.read(message, (bytes, start) => {
      const target = place(message.length)
      target.set(bytes.subarray(start, start + message.length))
      return target
    })
  } finally {
    ring.free(message)
  }
}

function readLetter(ring: Ring, message: number | LongMessage): unknown {
  if (typeof message === 'number') {
    const { scratch } = ring
    const modules = missingModulesOf(scratch, 0, message)
    if (modules.length > 0) return readOnceImported(scratch.slice(0, message), modules)
    // Reading may run a class's own code, and that may receive.
    ring.scratch = NO_SCRATCH
    try {
      return decode(scratch, 0, message, true)
    } finally {
      ring.scratch = scratch
    }
  }
  try {
    return ring.read(message, (bytes, start) => {
      const modules = missingModulesOf(bytes, start, start + message.length)
      if (modules.length > 0) return readOnceImported(bytes.slice(start, start + message.length), modules)
      return decode(bytes, start, start + message.length, true)
    })
  } finally {
    ring.free(message)
  }
}

const NO_SCRATCH = new Uint8Array(0)

function readOnceImported(bytes: Uint8Array, modules: readonly string[]): Pending {
  return new Pending(Promise.all(modules.map(importModule)).then(() => decode(bytes, 0, bytes.length, true)))
}

/** Leaves a message that cannot be read without waiting. */
export function checkReadable(bytes: Uint8Array, start: number, end: number, _isRaw?: boolean): void {
  const modules = missingModulesOf(bytes, start, end)
  if (modules.length === 0) return
  throw new MultiprocessError(
    `cannot receive the next message without waiting: it needs modules that are yet to be imported (${modules.join(', ')}). ` +
      'Receive it with the asynchronous method; it is still there',
    { code: 'ERR_IMPORT' }
  )
}
