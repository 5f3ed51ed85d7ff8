import type { Parcel } from '../ground/parcel.ts'
import { isStackOverflow } from './bytes/format.ts'
import './values/encode-other.ts'
import { writeValue } from './values/encode-value.ts'
import type { LargeBuffers } from './values/large-buffers.ts'
import { type Audience, type SharesBuffers, Writer } from './values/writer.ts'

export type Releases = readonly (() => void)[] | null

const NOTHING = new Uint8Array(0)

/**
 * Encodes values as messages. A process needs one encoder for all its messages. A getter may encode another value while its object is being
 * encoded.
 */
export class Encoder {
  /** Where the last message is: in the target, or in the encoder's own scratch. */
  bytes: Uint8Array = NOTHING
  start = 0
  end = 0
  /** Frees what the last message holds of shared objects; to be called once the message is no longer read. */
  releases: Releases = null
  /** The parcel that keeps the shared objects named by the last message until it is handed over; `releases` free it, too. */
  parcel: Parcel | null = null
  /** True if large buffers may follow the next messages. */
  allowsLarge = false
  /** Which SharedArrayBuffers may be in the next messages: some, if their reader is a thread of this program. */
  sharesBuffers: SharesBuffers = 'no'
  audience: Audience = 'family'
  large: LargeBuffers | null = null
  /** The next message, if it is an array that has no fields: this package made it. */
  row: unknown = null

  readonly #writer = new Writer()
  #isBusy = false

  /**
   * Writes `value` to `target[start..limit)` and returns true if it fits there. Otherwise writes it to the encoder's own scratch, which is
   * valid until the next `encode`, and returns false. Without a target, it uses the scratch. Passing the same `target` object each time is
   * faster.
   * @param path the name of the value in errors, `value` by default
   * @throws SerializationError if the value, or something in it, cannot cross; its message and `path` name the place. An error that a
   * getter of the value throws is thrown on
   */
  encode(value: unknown, target?: Uint8Array, start = 0, limit = target?.length ?? 0, path = 'value'): boolean {
    if (this.#isBusy) return this.#encodeWith(new Writer(), value, target, start, limit, path)
    if (typeof value === 'number' || typeof value === 'string')
      return this.#encodePlain(value, target, start, limit, path)
    this.#isBusy = true
    try {
      return this.#encodeWith(this.#writer, value, target, start, limit, path)
    } finally {
      this.#isBusy = false
    }
  }

  /** Does the same for a value that runs no user code, holds nothing, and has no parts. */
  #encodePlain(value: number | string, target: Uint8Array | undefined, start: number, limit: number, path: string) {
    const writer = this.#writer
    writer.place(target, start, limit, path)
    if (typeof value === 'number') writer.number(value)
    else writer.string(value)
    const isInTarget = !writer.finish()
    this.large = null
    this.bytes = writer.bytes
    this.start = writer.base
    this.end = writer.pos
    this.releases = null
    this.parcel = null
    return isInTarget
  }

  #encodeWith(
    writer: Writer,
    value: unknown,
    target: Uint8Array | undefined,
    start: number,
    limit: number,
    path: string
  ): boolean {
    try {
      writer.begin(target, start, limit, path)
      writer.allowsLarge = this.allowsLarge
      writer.sharesBuffers = this.sharesBuffers
      writer.audience = this.audience
      writer.row = this.row
      this.row = null
      writeValue(writer, value)
      writer.code?.finish()
      const isInTarget = !writer.finish()
      this.large = writer.large
      this.bytes = writer.bytes
      this.start = writer.base
      this.end = writer.pos
      this.releases = writer.releases
      this.parcel = writer.parcel
      return isInTarget
    } catch (error) {
      runAll(writer.releases)
      if (isStackOverflow(error)) writer.tooDeep(error)
      throw error
    } finally {
      writer.clear()
    }
  }
}

/** Frees what a message holds. */
export function runAll(releases: Releases): void {
  if (releases !== null) for (const release of releases) release()
}

const encoder = new Encoder()

/** Returns the message of a value in its own memory. Throws the errors of `Encoder.encode`. */
export function encode(value: unknown, path?: string): Uint8Array {
  return encodeHeld(value, path).bytes
}

/** A message in its own memory. */
export interface HeldMessage {
  readonly bytes: Uint8Array
  /** The large buffers that must follow the message. */
  readonly large: LargeBuffers | null
  /** Frees what the message holds. */
  readonly releases: Releases
  readonly parcel: Parcel | null
}

/** What a message may contain besides what every message may. */
export interface Allowances {
  readonly sharesBuffers?: SharesBuffers
  readonly allowsLarge?: boolean
}

/** Returns the message of a value, with the functions that free the shared objects it holds. */
export function encodeHeld(value: unknown, path?: string, allowances: Allowances = {}): HeldMessage {
  const { sharesBuffers = 'no', allowsLarge = false } = allowances
  encoder.sharesBuffers = sharesBuffers
  encoder.allowsLarge = allowsLarge
  encoder.encode(value, undefined, 0, 0, path)
  const { bytes, start, end, large, releases, parcel } = encoder
  encoder.large = null
  return { bytes: bytes.slice(start, end), large, releases, parcel }
}
