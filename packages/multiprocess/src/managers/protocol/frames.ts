/**
 * The messages between a server and its clients. A parcel is a word with the sender, a word of 0, and frames:
 *
 *     LENGTH of the frame | ID of the call | A | B | a message of the codec, or nothing
 *
 *     request   A: the object's id, 0 for the manager itself   B: KIND << 16 | the number of the method
 *     reply     A: the status of the call                      B: 0
 *
 * Each frame begins at a multiple of 4. Frames of one sender keep their order.
 */
import { decode } from '../../codec/decode.ts' // lazy
import { Encoder, type Releases, runAll } from '../../codec/encode.ts'
import { receiveBy } from '../../codec/receive.ts'
import { MultiprocessError } from '../../errors.ts'
import { joinParcels, type Parcel } from '../../ground/parcel.ts'
import { withCorrespondent } from './correspondent.ts'

/** Kinds of requests. */
export const CALL = 0
/** The caller no longer waits. */
export const CANCEL = 1
/** The first request of a client: where its replies go. */
export const HELLO = 2
/** A remote client no longer has an object; the message says how many times it was sent. */
export const DROP = 3
/** A remote client has an object that another client of its family was sent. */
export const KEEP = 4

/** The status of a call. */
export const VALUE = 0
export const ERROR = 1
export const CANCELLED = 2

/** The value of a frame without a message, which is read as `undefined`. */
export const NOTHING: unique symbol = Symbol('nothing')

const PARCEL_HEADER = 8
const FRAME_HEADER = 16
/** A longer frame is sent alone. */
const BUFFER_BYTES = 16_384
/** Up to this length, a loop copies faster than a call. */
const LOOPED_BYTES = 48

const encoder = new Encoder()

type Send = (bytes: Uint8Array, start: number, length: number, parcel: Parcel | null) => void

/** Frames for one receiver: written at once, sent together. */
export class FrameOutbox {
  readonly #send: Send
  readonly #audience: Encoder['audience']
  readonly #bytes = new Uint8Array(BUFFER_BYTES)
  readonly #words = new Int32Array(this.#bytes.buffer)
  #releases: Releases[] = []
  /** The parcels that keep the shared objects named by the frames. */
  #parcels: Parcel[] = []
  #end = PARCEL_HEADER

  /**
   * @param sender the first word of every parcel
   * @param send must not keep the bytes
   * @param audience the reader: objects in shared memory go to the family only
   */
  constructor(sender: number, send: Send, audience: Encoder['audience'] = 'family') {
    this.#audience = audience
    this.#words[0] = sender
    this.#send = send
  }

  get isEmpty(): boolean {
    return this.#end === PARCEL_HEADER
  }

  /**
   * Writes a frame. The value is read before this call returns.
   * @param path the name of the value in errors
   * @throws SerializationError if the value cannot cross: nothing is written then
   */
  add(id: number, a: number, b: number, value: unknown, path: string): void {
    let length = 0
    if (value !== NOTHING) {
      encoder.audience = this.#audience
      encoder.encode(value, undefined, 0, 0, path)
      length = encoder.end - encoder.start
    }
    // The message is in the encoder's memory until the next one is written.
    const { bytes, start, releases, parcel } = encoder
    if (this.#end + FRAME_HEADER + length > BUFFER_BYTES) this.flush()
    if (value !== NOTHING && releases !== null) this.#releases.push(releases)
    if (value !== NOTHING && parcel !== null) this.#parcels.push(parcel)
    if (PARCEL_HEADER + FRAME_HEADER + length > BUFFER_BYTES) {
      this.#sendAlone(id, a, b, bytes.subarray(start, start + length))
      return
    }
    const at = this.#end + FRAME_HEADER
    if (length <= LOOPED_BYTES) for (let i = 0; i < length; i++) this.#bytes[at + i] = bytes[start + i]
    else this.#bytes.set(bytes.subarray(start, start + length), at)
    this.#head(this.#words, this.#end >> 2, FRAME_HEADER + length, id, a, b)
    this.#end = at + ((length + 3) & ~3)
  }

  #sendAlone(id: number, a: number, b: number, message: Uint8Array): void {
    const parcel = new Uint8Array(PARCEL_HEADER + FRAME_HEADER + ((message.length + 3) & ~3))
    const words = new Int32Array(parcel.buffer)
    words[0] = this.#words[0]
    this.#head(words, PARCEL_HEADER >> 2, FRAME_HEADER + message.length, id, a, b)
    parcel.set(message, PARCEL_HEADER + FRAME_HEADER)
    this.#transmit(parcel, parcel.length)
  }

  #head(words: Int32Array, at: number, length: number, id: number, a: number, b: number): void {
    words[at] = length
    words[at + 1] = id
    words[at + 2] = a
    words[at + 3] = b
  }

  /** Sends what was written. */
  flush(): void {
    if (this.isEmpty) return
    const end = this.#end
    this.#end = PARCEL_HEADER
    this.#transmit(this.#bytes, end)
  }

  #transmit(bytes: Uint8Array, length: number): void {
    const releases = this.#releases
    if (releases.length > 0) this.#releases = []
    let parcel: Parcel | null = null
    if (this.#parcels.length > 0) {
      parcel = joinParcels(this.#parcels)
      this.#parcels = []
    }
    try {
      this.#send(bytes, 0, length, parcel)
    } catch (error) {
      for (const release of releases) runAll(release)
      throw error
    }
  }
}

/** The place of a frame's message; both numbers are the same if it has none. */
export interface Span {
  start: number
  end: number
}

export interface Frame extends Span {
  id: number
  a: number
  b: number
}

export function senderOf(bytes: Uint8Array, start: number): number {
  return wordAt(bytes, start)
}

/**
 * Passes each frame of a parcel to `use`. The frame object is the same each time.
 * @throws MultiprocessError `ERR_FRAME` if the parcel is damaged
 */
export function readFrames(bytes: Uint8Array, start: number, end: number, use: (frame: Frame) => void): void {
  const frame: Frame = { id: 0, a: 0, b: 0, start: 0, end: 0 }
  let at = start + PARCEL_HEADER
  while (at !== end) {
    const length = end - at < FRAME_HEADER ? 0 : wordAt(bytes, at)
    if (length < FRAME_HEADER || length > end - at) {
      throw new MultiprocessError('cannot read a message between a manager and its client: it is damaged', {
        code: 'ERR_FRAME'
      })
    }
    frame.id = wordAt(bytes, at + 4)
    frame.a = wordAt(bytes, at + 8)
    frame.b = wordAt(bytes, at + 12)
    frame.start = at + FRAME_HEADER
    frame.end = at + length
    use(frame)
    at += (length + 3) & ~3
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}

/**
 * Returns the value of a frame, or a Pending.
 * @param other the sender of the frame
 * @param isBlocked true if the thread cannot wait: modules that can be imported at once are imported now
 */
export function readValue(bytes: Uint8Array, { start, end }: Span, other: object, isBlocked = false): unknown {
  if (start === end) return undefined
  return receiveBy(
    (message, from, to) => withCorrespondent(other, () => decode(message, from, to)),
    bytes,
    start,
    end,
    isBlocked
  )
}
