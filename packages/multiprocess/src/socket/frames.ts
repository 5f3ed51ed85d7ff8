/**
 * Messages on a stream, framed as in CPython's `multiprocessing.connection`: a length in four bytes (`struct` format `!i`), then that many
 * bytes. Above 2 GiB, the length is -1, and eight bytes (`!Q`) with the true length follow.
 */
import { MultiprocessError } from '../errors.ts'

export const LARGEST_SHORT = 0x7fffffff
/** The memory that is allocated for a message before more of the message than its length has arrived. */
const UNPROVEN_BYTES = 2 ** 20

/** Returns the header of a message of `length` bytes. */
export function frameHeader(length: number): Uint8Array {
  if (length <= LARGEST_SHORT) {
    const header = Buffer.allocUnsafe(4)
    header.writeInt32BE(length)
    return header
  }
  const header = Buffer.allocUnsafe(12)
  header.writeInt32BE(-1)
  header.writeBigUInt64BE(BigInt(length), 4)
  return header
}

/**
 * Divides a stream into messages. A message that arrived in one piece with its length is returned in place. Any other is copied once, to
 * memory that grows to the message's length after the first MiB has arrived.
 */
export class FrameReader {
  /** The maximum length of the next message in bytes. */
  limit: number
  readonly #chunks: Uint8Array[] = []
  /** The number of bytes in the chunks. */
  #bytes = 0
  /** The length of the message whose header was read; -1 if none was. */
  #length = -1
  #body: Uint8Array | undefined
  #filled = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** The number of bytes that have arrived and were not taken. */
  get buffered(): number {
    return this.#bytes + this.#filled
  }

  /** True if a message, or its length, has begun. */
  get hasBegun(): boolean {
    return this.#length >= 0 || this.#bytes > 0
  }

  /** Adds a chunk, which belongs to the reader from now on. */
  push(chunk: Uint8Array): void {
    let rest = chunk
    while (this.#body !== undefined && this.#filled < this.#length && rest.length > 0) {
      const target = this.spare() as Uint8Array
      const count = Math.min(target.length, rest.length)
      target.set(rest.subarray(0, count))
      this.#filled += count
      rest = rest.subarray(count)
    }
    if (rest.length === 0) return
    this.#chunks.push(rest)
    this.#bytes += rest.length
  }

  /** Returns memory into which the next bytes may be read, as an alternative to `push`; then call `advance` with their number. */
  spare(): Uint8Array | undefined {
    if (this.#body === undefined || this.#filled === this.#length) return undefined
    if (this.#filled === this.#body.length) {
      const grown = allocate(this.#length)
      grown.set(this.#body)
      this.#body = grown
    }
    return this.#body.subarray(this.#filled)
  }

  advance(count: number): void {
    this.#filled += count
  }

  /**
   * The length of the next message; undefined until it has arrived.
   * @throws MultiprocessError `ERR_BAD_FRAME` if the header is not a length, or the length exceeds the limit
   */
  get length(): number | undefined {
    if (this.#length >= 0) return this.#length
    const short = this.#peek(4)?.readInt32BE()
    if (short === undefined) return undefined
    if (short >= 0) return this.#begin(short, 4)
    if (short !== -1) throw badFrame(`its length is ${short}`)
    const long = this.#peek(12)?.readBigUInt64BE(4)
    if (long === undefined) return undefined
    return this.#begin(Number(long), 12)
  }

  /** True if `take` has a message. @throws the errors of `length` */
  get isWhole(): boolean {
    const { length } = this
    return length !== undefined && (this.#body === undefined ? this.#bytes >= length : this.#filled === length)
  }

  /** Returns the next message, in memory that may be part of a larger piece; undefined until the message is complete. */
  take(): Uint8Array | undefined {
    if (!this.isWhole) return undefined
    const length = this.#length
    const message = this.#body ?? this.#cut(length)
    this.#length = -1
    this.#body = undefined
    this.#filled = 0
    return message
  }

  clear(): void {
    this.#chunks.length = 0
    this.#bytes = 0
    this.#length = -1
    this.#body = undefined
    this.#filled = 0
  }

  #begin(length: number, headerBytes: number): number {
    if (length > this.limit) throw badFrame(`it has ${length} bytes, and maxMessageBytes is ${this.limit}`)
    this.#cut(headerBytes)
    this.#length = length
    if (this.#bytes < length) {
      this.#body = allocate(Math.min(length, Math.max(UNPROVEN_BYTES, this.#bytes)))
      const begun = this.#bytes
      this.#move(this.#body, begun)
      this.#filled = begun
    }
    return length
  }

  #peek(count: number): Buffer | undefined {
    if (this.#bytes < count) return undefined
    const [first] = this.#chunks
    if (first.length >= count) return Buffer.from(first.buffer, first.byteOffset, count)
    return Buffer.concat(this.#chunks.slice(0, count), count)
  }

  #cut(count: number): Uint8Array {
    const first = this.#chunks[0]
    if (count === 0 || first.length < count) {
      const bytes = new Uint8Array(count)
      this.#move(bytes, count)
      return bytes
    }
    if (first.length === count) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(count)
    this.#bytes -= count
    return first.subarray(0, count)
  }

  #move(target: Uint8Array, count: number): void {
    let at = 0
    while (at < count) {
      const part = this.#cut(Math.min(count - at, this.#chunks[0].length))
      target.set(part, at)
      at += part.length
    }
  }
}

function allocate(length: number): Uint8Array {
  try {
    return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  } catch (cause) {
    throw new MultiprocessError(`cannot receive the next message: no memory for its ${length} bytes`, {
      code: 'ERR_BAD_FRAME',
      cause
    })
  }
}

function badFrame(how: string): MultiprocessError {
  return new MultiprocessError(`cannot receive the next message: ${how}`, {
    code: 'ERR_BAD_FRAME'
  })
}
