/** Reads the bytes of a message: numbers, texts and lengths. It trusts none of them. */
import { SerializationError } from '../../errors.ts'
import {
  BIGINT,
  BIGINT64,
  DOUBLE,
  FALSE,
  INT16,
  INT32,
  NULL,
  SMALL_INTEGER,
  STRING8,
  STRING32,
  TRUE,
  UNDEFINED,
  WIDE_STRING8,
  WIDE_STRING32
} from './format.ts'

const NOTHING = new Uint8Array(0)
/** Memory up to this length is kept between messages, and so is memory of which a message is only a part. */
const KEPT_MEMORY = 1 << 16

export class ByteReader {
  u8: Uint8Array = NOTHING
  pos = 0
  end = 0
  /** Where the message begins. */
  protected first = 0
  #view: DataView | null = null
  #buffer: Buffer | null = null

  protected use(bytes: Uint8Array): void {
    if (bytes === this.u8) return
    this.u8 = bytes
    this.#view = null
    this.#buffer = null
  }

  /** Drops a message that has its memory to itself. */
  protected forget(): void {
    if (this.u8.length > KEPT_MEMORY && this.first === 0 && this.end === this.u8.length) this.use(NOTHING)
  }

  get view(): DataView {
    this.#view ??= new DataView(this.u8.buffer, this.u8.byteOffset, this.u8.byteLength)
    return this.#view
  }

  get buffer(): Buffer {
    this.#buffer ??= Buffer.from(this.u8.buffer as ArrayBuffer, this.u8.byteOffset, this.u8.byteLength)
    return this.#buffer
  }

  damaged(how: string): never {
    throw new SerializationError(`cannot read the message: it is damaged: ${how}`)
  }

  /** Passes the next `length` bytes, and returns where they begin. @throws SerializationError if fewer bytes are left */
  take(length: number): number {
    const pos = this.pos
    if (length > this.end - pos) this.damaged('it ends too early')
    this.pos = pos + length
    return pos
  }

  byte(): number {
    if (this.pos >= this.end) this.damaged('it ends too early')
    return this.u8[this.pos++]
  }

  uint32(): number {
    const pos = this.take(4)
    return this.view.getUint32(pos, true)
  }

  double(): number {
    const pos = this.take(8)
    return this.view.getFloat64(pos, true)
  }

  /** Reads the number of items that take at least `size` bytes each. */
  count(size: number): number {
    let count = this.byte()
    if (count === 255) count = this.uint32()
    if (count * size > this.end - this.pos) this.damaged('it ends too early')
    return count
  }

  /**
   * Reads numbers into a row from `from` on, up to the first value that is none: they are stored as such, and not as objects that a
   * function had to answer, in one loop, which V8 compiles while it runs.
   * @returns where it stopped
   */
  protected numbers(row: unknown[], from: number): number {
    const { u8, view, end } = this
    const { length } = row
    let pos = this.pos
    let i = from
    for (; i < length && pos < end; i++) {
      const tag = u8[pos]
      if (tag >= SMALL_INTEGER) {
        row[i] = tag - SMALL_INTEGER
        pos++
      } else if (tag === DOUBLE) {
        if (pos + 9 > end) break
        row[i] = view.getFloat64(pos + 1, true)
        pos += 9
      } else if (tag === INT32) {
        if (pos + 5 > end) break
        row[i] = view.getInt32(pos + 1, true)
        pos += 5
      } else if (tag === INT16) {
        if (pos + 3 > end) break
        row[i] = ((u8[pos + 1] | (u8[pos + 2] << 8)) << 16) >> 16
        pos += 3
      } else {
        break
      }
    }
    this.pos = pos
    return i
  }

  /** Reads the rest of a value without an identity, whose tag has been read. */
  protected scalar(tag: number): unknown {
    switch (tag) {
      case INT32: {
        const pos = this.take(4)
        return this.view.getInt32(pos, true)
      }
      case DOUBLE:
        return this.double()
      case NULL:
        return null
      case TRUE:
        return true
      case FALSE:
        return false
      case UNDEFINED:
        return undefined
      case STRING8:
        return this.#latin1(this.byte())
      case STRING32:
        return this.#latin1(this.uint32())
      case WIDE_STRING8:
        return this.#utf16(this.byte())
      case WIDE_STRING32:
        return this.#utf16(this.uint32())
      case BIGINT64: {
        const pos = this.take(8)
        return this.view.getBigInt64(pos, true)
      }
      case BIGINT:
        return this.#bigint()
      default:
        return this.damaged(`${tag} is no value's tag`)
    }
  }

  #latin1(length: number): string {
    const pos = this.take(length)
    return this.buffer.toString('latin1', pos, pos + length)
  }

  #utf16(length: number): string {
    const pos = this.take(2 * length)
    return this.buffer.toString('utf16le', pos, pos + 2 * length)
  }

  #bigint(): bigint {
    const isNegative = this.byte() === 1
    const length = this.uint32()
    const pos = this.take(length)
    try {
      const magnitude = BigInt(`0x${this.buffer.toString('hex', pos, pos + length)}`)
      return isNegative ? -magnitude : magnitude
    } catch (error) {
      throw new SerializationError('cannot read the message: it is damaged: a BigInt is too long', '', { cause: error })
    }
  }
}
