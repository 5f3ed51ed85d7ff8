/** Writes the bytes of a message: numbers, texts and lengths, in memory that grows. */
import { SerializationError } from '../../errors.ts'
import {
  BIGINT,
  BIGINT64,
  DOUBLE,
  INT16,
  INT32,
  MAX_MESSAGE,
  SHORT_STRING,
  SHORT_STRING_LENGTHS,
  SMALL_INTEGER,
  SMALL_INTEGERS,
  STRING8,
  STRING32,
  VERSION,
  WIDE_STRING8,
  WIDE_STRING32
} from './format.ts'
import { ByteMemory, NO_MEMORY } from './memory.ts'

/** If V8 stores the string with one byte for each character, this test returns at once, without looking at the characters. */
const WIDE_CHARACTER = /[^\0-\xff]/

const FIRST_SCRATCH = 4096
/** A scratch longer than this is dropped when several messages have not needed it. */
const KEPT_SCRATCH = 1 << 20
const UNUSED_TIMES = 8
/** Room is made for so many of them. */
const NUMBERS_AT_ONCE = 1024

export class ByteWriter {
  u8 = NO_MEMORY.u8
  view = NO_MEMORY.view
  buffer = NO_MEMORY.buffer
  /** Where the message begins, where the next byte goes, and where the memory ends. */
  base = 0
  pos = 0
  limit = 0

  /** The name of the value in errors. */
  root = 'value'
  /** The element that `numbers` stopped at. */
  stopped: unknown

  #memory = NO_MEMORY
  #target = NO_MEMORY
  #lastTarget = NO_MEMORY
  #scratch = NO_MEMORY
  #timesUnused = 0

  /** Begins a message in `target[start..limit)`, or in the scratch. */
  place(target: Uint8Array | undefined, start: number, limit: number, root: string): void {
    if (target === undefined) {
      this.#use(this.#scratch)
      this.base = this.pos = 0
      this.limit = this.u8.length
    } else {
      if (this.#target.source !== target) this.#takeTarget(target)
      this.#use(this.#target)
      this.base = this.pos = start
      this.limit = Math.min(limit, target.length)
    }
    this.root = root
    this.byte(VERSION)
  }

  /** Ends the message. Returns true if it is in the scratch. */
  finish(): boolean {
    const isScratch = this.#memory === this.#scratch
    if (this.#scratch.u8.length > KEPT_SCRATCH) {
      if (isScratch && this.pos > this.#scratch.u8.length >> 2) this.#timesUnused = 0
      else if (++this.#timesUnused >= UNUSED_TIMES) this.#scratch = NO_MEMORY
    }
    return isScratch
  }

  get bytes(): Uint8Array {
    return this.#memory.source
  }

  /** Keeps the last two targets, so that two alternating targets need no allocation. */
  #takeTarget(target: Uint8Array): void {
    const last = this.#lastTarget
    this.#lastTarget = this.#target
    this.#target = last.source === target ? last : new ByteMemory(target)
  }

  #use(memory: ByteMemory): void {
    if (this.#memory === memory) return
    this.#memory = memory
    this.u8 = memory.u8
    this.view = memory.view
    this.buffer = memory.buffer
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    if (this.pos + count > this.limit) this.#moveToScratch(count)
  }

  #moveToScratch(count: number): void {
    const used = this.pos - this.base
    const needed = used + count
    if (needed > MAX_MESSAGE) {
      throw new SerializationError(
        `cannot send ${this.root}: the message is longer than 2 GiB; send it in parts, or share it as SharedMemory`,
        this.root
      )
    }
    const from = this.u8.subarray(this.base, this.pos)
    if (this.#scratch.u8.length < needed || this.#memory === this.#scratch) {
      const length = Math.min(MAX_MESSAGE, Math.max(FIRST_SCRATCH, needed + (needed >> 1)))
      const { buffer } = Buffer.allocUnsafeSlow(length)
      this.#scratch = new ByteMemory(new Uint8Array(buffer, 0, length))
    }
    this.#use(this.#scratch)
    this.u8.set(from)
    this.base = 0
    this.pos = used
    this.limit = this.u8.length
  }

  byte(value: number): void {
    if (this.pos >= this.limit) this.ensure(1)
    this.u8[this.pos++] = value
  }

  uint32(value: number): void {
    this.ensure(4)
    this.view.setUint32(this.pos, value, true)
    this.pos += 4
  }

  double(value: number): void {
    this.ensure(8)
    this.view.setFloat64(this.pos, value, true)
    this.pos += 8
  }

  count(value: number): void {
    if (value < 255) {
      this.byte(value)
    } else {
      this.byte(255)
      this.uint32(value)
    }
  }

  number(value: number): void {
    const n = value | 0
    if (n !== value || (n === 0 && 1 / value < 0)) {
      this.ensure(9)
      this.u8[this.pos] = DOUBLE
      this.view.setFloat64(this.pos + 1, value, true)
      this.pos += 9
    } else if (n >= 0 && n < SMALL_INTEGERS) {
      this.byte(SMALL_INTEGER + n)
    } else if (n === (n << 16) >> 16) {
      this.ensure(3)
      this.u8[this.pos] = INT16
      this.u8[this.pos + 1] = n
      this.u8[this.pos + 2] = n >> 8
      this.pos += 3
    } else {
      this.ensure(5)
      this.u8[this.pos] = INT32
      this.view.setInt32(this.pos + 1, n, true)
      this.pos += 5
    }
  }

  /**
   * Writes the numbers that a row begins with, up to the first that is none, in one loop, which V8 compiles while it runs.
   * @returns where it stopped; `stopped` is what is there, since asking an element twice may run code twice
   */
  numbers(row: readonly unknown[], length: number): number {
    let i = 0
    this.stopped = undefined
    while (i < length) {
      const end = Math.min(length, i + NUMBERS_AT_ONCE)
      this.ensure((end - i) * 9)
      const { u8, view } = this
      let pos = this.pos
      for (; i < end; i++) {
        const value = row[i]
        if (typeof value !== 'number') {
          this.stopped = value
          break
        }
        const n = value | 0
        if (n !== value || (n === 0 && 1 / value < 0)) {
          u8[pos] = DOUBLE
          view.setFloat64(pos + 1, value, true)
          pos += 9
        } else if (n >= 0 && n < SMALL_INTEGERS) {
          u8[pos++] = SMALL_INTEGER + n
        } else if (n === (n << 16) >> 16) {
          u8[pos] = INT16
          u8[pos + 1] = n
          u8[pos + 2] = n >> 8
          pos += 3
        } else {
          u8[pos] = INT32
          view.setInt32(pos + 1, n, true)
          pos += 5
        }
      }
      this.pos = pos
      if (i < end) break
    }
    return i
  }

  bigint(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.ensure(9)
      this.u8[this.pos] = BIGINT64
      this.view.setBigInt64(this.pos + 1, value, true)
      this.pos += 9
      return
    }
    const digits = (value < 0n ? -value : value).toString(16)
    const bytes = Buffer.from(digits.length & 1 ? `0${digits}` : digits, 'hex')
    this.byte(BIGINT)
    this.byte(value < 0n ? 1 : 0)
    this.uint32(bytes.length)
    this.raw(bytes)
  }

  string(value: string): void {
    const length = value.length
    if (length >= SHORT_STRING_LENGTHS) {
      this.#longString(value, length)
      return
    }
    this.ensure(length + 1)
    const { u8, view } = this
    let pos = this.pos
    u8[pos++] = SHORT_STRING + length
    let codes = 0
    let i = 0
    for (; i < length - 3; i += 4, pos += 4) {
      const a = value.charCodeAt(i)
      const b = value.charCodeAt(i + 1)
      const c = value.charCodeAt(i + 2)
      const d = value.charCodeAt(i + 3)
      codes |= a | b | c | d
      view.setInt32(pos, a | (b << 8) | (c << 16) | (d << 24), true)
    }
    for (; i < length; i++) {
      const code = value.charCodeAt(i)
      codes |= code
      u8[pos++] = code
    }
    if (codes > 255) this.#wideString(value, length)
    else this.pos = pos
  }

  #longString(value: string, length: number): void {
    if (WIDE_CHARACTER.test(value)) {
      this.#wideString(value, length)
      return
    }
    if (length < 256) {
      this.ensure(2 + length)
      this.u8[this.pos] = STRING8
      this.u8[this.pos + 1] = length
      this.pos += 2
    } else {
      this.ensure(5 + length)
      this.u8[this.pos] = STRING32
      this.view.setUint32(this.pos + 1, length, true)
      this.pos += 5
    }
    this.buffer.write(value, this.pos, length, 'latin1')
    this.pos += length
  }

  #wideString(value: string, length: number): void {
    if (length < 256) {
      this.ensure(2 + 2 * length)
      this.u8[this.pos] = WIDE_STRING8
      this.u8[this.pos + 1] = length
      this.pos += 2
    } else {
      this.ensure(5 + 2 * length)
      this.u8[this.pos] = WIDE_STRING32
      this.view.setUint32(this.pos + 1, length, true)
      this.pos += 5
    }
    if (length <= 8) {
      for (let i = 0; i < length; i++) this.view.setUint16(this.pos + 2 * i, value.charCodeAt(i), true)
    } else {
      this.buffer.write(value, this.pos, 2 * length, 'utf16le')
    }
    this.pos += 2 * length
  }

  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length)
    this.u8.set(bytes, this.pos)
    this.pos += bytes.length
  }

  /** Sets a bit of the tag at a position, counted from the message's start. */
  mark(position: number, bit: number): void {
    this.u8[this.base + position] |= bit
  }

  /** The position of the next byte, counted from the message's start. */
  get position(): number {
    return this.pos - this.base
  }
}
