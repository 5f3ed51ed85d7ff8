/** Encodes values as messages of a ring, and decodes them. */
import { Encoder, type Releases, runAll } from '../codec/encode.ts'
import { missingModules, receive } from '../codec/receive.ts'
import { importModuleNow } from '../codec/references/imports.ts'
import { MultiprocessError } from '../errors.ts'
import { type Parcel, withParcel } from '../ground/parcel.ts'
import type { LongMessage } from './chunk.ts'
import { Line } from './line.ts'
import { type Check, LARGEST_INLINE, type Ring } from './ring.ts' // lazy

const encoder = new Encoder()

/** A message that is to be sent. */
export interface Letter {
  /** Valid until the next message, unless `keepLetter` copied them. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly length: number
  /** True if the bytes are the user's own, and not an encoded value. */
  readonly isRaw: boolean
  /** The chunk that holds a copy of a long message; 0 if there is none. */
  readonly chunk: number
  /** Frees what the message holds, if it is not sent after all. */
  readonly releases: Releases
  /** Keeps the shared objects that the message names. */
  readonly parcel: Parcel | null
}

/** Returns the same letter with its own memory. */
function keepLetter(letter: Letter): Letter {
  if (letter.chunk !== 0) return letter
  const { bytes, start, length } = letter
  return { ...letter, bytes: bytes.slice(start, start + length), start: 0 }
}

/** Sends the messages of one process, in the order in which they are given. */
export class Sender {
  readonly #ring: Ring
  readonly #line = new Line()
  readonly #check: ((looksClosely: boolean) => void) | undefined

  /** @param check runs before each attempt, and throws to give up. `looksClosely`: see `Step` */
  constructor(ring: Ring, check?: (looksClosely: boolean) => void) {
    this.#ring = ring
    this.#check = check
  }

  /**
   * Sends a value if it can be sent at once.
   * @param inLine true to not send while others of this process wait in the event loop: the caller then waits behind them
   * @returns undefined if it was sent; otherwise the letter, which must be passed to another method before anything else happens
   * @throws SerializationError if the value cannot cross
   */
  post(value: unknown, path: string, inLine: boolean): Letter | undefined {
    encoder.encode(value, undefined, 0, 0, path)
    const { bytes, start, end, releases, parcel } = encoder
    return this.#post(bytes, start, end - start, false, releases, parcel, inLine)
  }

  /** Does the same for bytes, which are sent as they are. */
  postBytes(bytes: Uint8Array, inLine: boolean): Letter | undefined {
    return this.#post(bytes, 0, bytes.length, true, null, null, inLine)
  }

  #post(
    bytes: Uint8Array,
    start: number,
    length: number,
    isRaw: boolean,
    releases: Releases,
    parcel: Parcel | null,
    inLine: boolean
  ): Letter | undefined {
    const ring = this.#ring
    let chunk = 0
    let isSent = false
    try {
      if (length > LARGEST_INLINE) chunk = ring.pack(bytes, start, length, isRaw)
      if (!inLine || this.#line.isEmpty) {
        this.#check?.(false)
        isSent = ring.send(bytes, start, length, isRaw, chunk, parcel)
      }
    } catch (error) {
      ring.discard(chunk)
      runAll(releases)
      throw error
    }
    return isSent ? undefined : { bytes, start, length, isRaw, chunk, releases, parcel }
  }

  /** Discards a letter that is not sent after all. */
  discard({ chunk, releases }: Letter): void {
    this.#ring.discard(chunk)
    runAll(releases)
  }

  /**
   * Sends a letter, blocking the thread for up to `timeout` milliseconds. @returns false if it could not be sent, and was
   * discarded
   */
  sendSync(letter: Letter, timeout: number): boolean {
    let isSent: boolean | undefined
    try {
      isSent = this.#ring.received.waitSync(looksClosely => this.#try(letter, looksClosely), timeout)
    } finally {
      if (!isSent) this.discard(letter)
    }
    return isSent ?? false
  }

  /** Does the same in the event loop. @throws the signal's reason, once it is aborted */
  async send(letter: Letter, timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    let isSent: boolean | undefined
    const kept = keepLetter(letter)
    try {
      isSent = await this.#line.run(timeout, signal, async left =>
        left < 0 ? false : await this.#ring.received.wait(() => this.#try(kept), left, signal, undefined, true)
      )
    } finally {
      if (!isSent) this.discard(kept)
    }
    return isSent ?? false
  }

  #try({ bytes, start, length, isRaw, chunk, parcel }: Letter, looksClosely = false): true | undefined {
    this.#check?.(looksClosely)
    return this.#ring.send(bytes, start, length, isRaw, chunk, parcel) || undefined
  }
}

/** A received message: a value or a Pending. */
export interface Received {
  readonly value: unknown
}

/** Returned if there is no message. */
export const NONE: unique symbol = Symbol()

/** Receives a value or a Pending. The message is decoded before anything else can be received. */
export function receiveLetter(ring: Ring, check?: Check): unknown {
  const message = ring.receive(check)
  if (message === undefined) return NONE
  return ring.parcel === 0 ? readLetter(ring, message) : readNaming(ring, message)
}

/** Decodes a message that names shared objects: its parcel keeps them until this process holds them. */
function readNaming(ring: Ring, message: number | LongMessage): unknown {
  let value: unknown
  withParcel(ring.family, ring.parcel, () => {
    value = readLetter(ring, message)
  })
  return value
}

/** Converts the result of `receiveLetter` to that of a step of waiting, which returns undefined if there is no message. */
export function received(value: unknown): Received | undefined {
  return value === NONE ? undefined : { value }
}

/** Receives the bytes of a message. */
export function receiveBytes(ring: Ring, check?: Check): Uint8Array | undefined {
  return receiveInto(ring, length => new Uint8Array(Buffer.allocUnsafeSlow(length).buffer), check)
}

/** Receives the bytes of a message into the memory that `place` returns for their number. The bytes are copied once. */
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
    // Decoding may run code of a class, and that code may receive.
    ring.scratch = NO_SCRATCH
    try {
      return receive(scratch, 0, message)
    } finally {
      ring.scratch = scratch
    }
  }
  try {
    return ring.read(message, (bytes, start) => receive(bytes, start, start + message.length))
  } finally {
    ring.free(message)
  }
}

const NO_SCRATCH = new Uint8Array(0)

/** Thrown for a message that cannot be decoded without waiting. The message stays. */
class NeedsModules extends MultiprocessError {
  readonly modules: readonly string[]

  constructor(modules: readonly string[]) {
    super(
      `cannot receive the next message without waiting: it needs modules that are yet to be imported (${modules.join(', ')}). ` +
        'Receive it with the asynchronous method; it is still there',
      { code: 'ERR_IMPORT' }
    )
    this.modules = modules
  }
}

/** Checks that a message can be decoded without waiting. */
export const checkModules: Check = (bytes, start, end) => {
  const modules = missingModules(bytes, start, end, false)
  if (modules.length > 0) throw new NeedsModules(modules)
}

/**
 * Receives a value without waiting. Imports the modules that the value needs first, if they can be imported at once; the message
 * stays in the ring meanwhile, because a module's own code may receive.
 * @param check must do what `checkModules` does, too
 * @throws MultiprocessError (`ERR_IMPORT`) if the modules cannot be imported at once: the message stays
 */
export function receiveReadable(ring: Ring, check: Check = checkModules): unknown {
  for (;;) {
    try {
      return receiveLetter(ring, check)
    } catch (error) {
      if (!(error instanceof NeedsModules && error.modules.every(importModuleNow))) throw error
    }
  }
}

/** Does the same for a message that is not in a ring. */
export function checkReadable(bytes: Uint8Array, start: number, end: number): void {
  const modules = missingModules(bytes, start, end, true)
  if (modules.length > 0) throw new NeedsModules(modules)
}
