import { SerializationError } from '../../errors.ts'
import { type KnownShape, makeObject, readShapeDefinition, setField } from './decode-shape.ts'
import {
  ABSENT,
  ARRAY,
  ARRAY_WITH_FIELDS,
  BIGINT,
  BIGINT64,
  CODE,
  DOUBLE,
  FALSE,
  FUNCTION,
  HAS_MODULES,
  INCOMPLETE,
  INT16,
  INT32,
  KIND,
  LARGE_BUFFER,
  MAX_SHAPES,
  NULL,
  OBJECT,
  REFERENCE,
  REFERRED,
  SHAPE,
  SHAPE_DEFINITION,
  SHARED_BUFFER,
  SHORT_STRING,
  SMALL_INTEGER,
  STRING8,
  STRING32,
  TRUE,
  UNDEFINED,
  VERSION,
  WIDE_STRING8,
  WIDE_STRING32
} from './format.ts'
import type { LargeSource } from './large-buffers.ts'
import { cachedKey, shortString } from './short-strings.ts'

/** Reads the rest of an object whose tag has been read; must call `refer` before it reads anything that may refer to it. */
export type ObjectReader = (reader: Reader, tag: number, at: number) => unknown

const NOTHING = new Uint8Array(0)
/** Memory up to this length stays known between messages, as does memory of which a message is but a part. */
const KEPT_MEMORY = 1 << 16
/** Further out than this, V8 stores an array's elements in a table instead of a row. */
const LONGEST_ROW = 1024

/** With so many fields V8 keeps an object's fields in a table; it does so from the beginning where there is no prototype. */
const MANY_FIELDS = 24

/** What comes from the family, and from programs that have shown their key. */
const NOT_DATA: readonly number[] = [FUNCTION, KIND, CODE, LARGE_BUFFER, SHARED_BUFFER]

const READERS: (ObjectReader | undefined)[] = []

export function setObjectReader(tag: number, read: ObjectReader): void {
  READERS[tag >> 2] = read
}

/** The state of one walk over a message. Nothing in the message is trusted. */
export class Reader {
  u8: Uint8Array = NOTHING
  pos = 0
  end = 0
  modules: string[] = []
  /** The memory behind the message, if there is any. */
  large: LargeSource | null = null
  /** Whether it may hold nothing but plain data: who wrote it has not shown a key. */
  isDataOnly = false
  /** The code in this message, once some of it was met. */
  code: { finish(): void } | null = null
  /** What is to be done to the object at a place before its contents are read. */
  wrapped: { readonly at: number; begin(object: object): void } | null = null

  #start = 0
  #view: DataView | null = null
  #buffer: Buffer | null = null
  #referred: Map<number, unknown> | null = null
  readonly #shapes: KnownShape[] = []

  message(bytes: Uint8Array, start: number, end: number): unknown {
    this.open(bytes, start, end)
    const value = this.value()
    if (this.code !== null) this.code.finish()
    if (this.pos !== this.end) this.damaged(`${this.end - this.pos} bytes are left over`)
    return value
  }

  /** Reads what stands before and behind the value. */
  open(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.u8) {
      this.u8 = bytes
      this.#view = null
      this.#buffer = null
    }
    if (!(start >= 0 && start < end && end <= bytes.length)) this.damaged('it is empty')
    this.#start = start
    this.end = end
    const first = bytes[start]
    if ((first & ~HAS_MODULES) !== VERSION) {
      this.damaged(`it begins with byte ${first} instead of ${VERSION}: another version of this package wrote it`)
    }
    if ((first & HAS_MODULES) !== 0) {
      if (this.isDataOnly) this.#refuseCode()
      this.#readModules()
    }
    this.pos = start + 1
  }

  #readModules(): void {
    const last = this.end - 4
    const trailer = this.#start + (last > this.#start ? this.view.getUint32(last, true) : 0)
    if (trailer <= this.#start || trailer >= last) this.damaged('it has no list of modules')
    this.pos = trailer
    this.end = last
    const count = this.count(1)
    const modules: string[] = []
    for (let i = 0; i < count; i++) modules.push(this.string())
    if (this.pos !== this.end) this.damaged('its list of modules is too long')
    this.modules = modules
    this.end = trailer
  }

  /** Forgets the message; also after a throw. */
  clear(): void {
    this.#referred = null
    this.code = null
    this.wrapped = null
    this.large = null
    if (this.#shapes.length > 0) this.#shapes.length = 0
    if (this.modules.length > 0) this.modules = []
    if (this.u8.length > KEPT_MEMORY && this.#start === 0 && this.end === this.u8.length) {
      this.u8 = NOTHING
      this.#view = null
      this.#buffer = null
    }
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

  #refuseCode(): never {
    throw new SerializationError(
      'cannot receive the message: it holds functions, classes or shared objects, which are taken only from a program that ' +
        'has shown its key: give both sides an authkey'
    )
  }

  /** Makes sure that so many bytes are left, and passes them; answers where they begin. */
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

  /** A count of things that take at least `size` bytes each. */
  count(size: number): number {
    let count = this.byte()
    if (count === 255) count = this.uint32()
    if (count * size > this.end - this.pos) this.damaged('it ends too early')
    return count
  }

  string(): string {
    const value = this.value()
    if (typeof value !== 'string') this.damaged('something else stands where a string must be')
    return value
  }

  key(): string {
    const pos = this.pos
    if (pos < this.end) {
      const length = this.u8[pos] - SHORT_STRING
      if (length >= 0 && length < SMALL_INTEGER - SHORT_STRING && pos + length < this.end) {
        this.pos = pos + 1 + length
        return cachedKey(this, pos + 1, length)
      }
    }
    return this.string()
  }

  isAbsent(): boolean {
    return this.pos < this.end && this.u8[this.pos] === ABSENT
  }

  /** Remembers the object for later references, when its tag says that there are some. */
  refer(tag: number, at: number, object: unknown): void {
    if ((tag & REFERRED) !== 0) {
      this.#referred ??= new Map()
      this.#referred.set(at - this.#start, object)
      if (this.wrapped !== null && this.wrapped.at === at) this.wrapped.begin(object as object)
    }
  }

  value(): unknown {
    const at = this.pos
    if (at >= this.end) this.damaged('it ends too early')
    const tag = this.u8[at]
    this.pos = at + 1
    if (tag >= SMALL_INTEGER) return tag - SMALL_INTEGER
    if (tag >= SHORT_STRING) {
      const length = tag - SHORT_STRING
      const pos = this.take(length)
      return shortString(this, pos, length)
    }
    if (tag === INT16) {
      const pos = this.take(2)
      return ((this.u8[pos] | (this.u8[pos + 1] << 8)) << 16) >> 16
    }
    if (tag === ARRAY) return this.#array()
    if (tag < UNDEFINED) return this.#object(tag, at)
    return this.#scalar(tag)
  }

  #scalar(tag: number): unknown {
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
      case REFERENCE:
        return this.#reference()
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

  #reference(): unknown {
    const position = this.uint32()
    const object = this.#referred?.get(position)
    if (object === undefined) this.damaged(`nothing to refer to stands at byte ${position}`)
    return object
  }

  #array(): unknown[] {
    const length = this.count(1)
    // Literals take no more memory than their elements; an array that grows does.
    if (length === 1) return [this.value()]
    if (length === 2) return [this.value(), this.value()]
    if (length === 3) return [this.value(), this.value(), this.value()]
    if (length === 0) return []
    const array = new Array(length)
    for (let i = 0; i < length; i++) {
      const tag = this.u8[this.pos]
      // Numbers in a row, as they often come, are stored as such, and not as objects that a function had to answer.
      if (tag === DOUBLE && this.pos + 9 <= this.end) {
        array[i] = this.view.getFloat64(this.pos + 1, true)
        this.pos += 9
      } else if (tag === INT32 && this.pos + 5 <= this.end) {
        array[i] = this.view.getInt32(this.pos + 1, true)
        this.pos += 5
      } else {
        array[i] = this.value()
      }
    }
    return array
  }

  #object(tag: number, at: number): unknown {
    const form = tag & ~(REFERRED | INCOMPLETE)
    if (form === SHAPE) {
      const number = this.byte()
      if (number >= this.#shapes.length) this.damaged('it uses a shape that it does not define')
      return this.#shaped(this.#shapes[number], tag, at)
    }
    if (form === SHAPE_DEFINITION) {
      const shape = readShapeDefinition(this)
      if (this.#shapes.length < MAX_SHAPES) this.#shapes.push(shape)
      return this.#shaped(shape, tag, at)
    }
    if (form === OBJECT) return this.#plainObject(tag, at)
    if (form === ARRAY || form === ARRAY_WITH_FIELDS) {
      const array: unknown[] = []
      this.refer(tag, at, array)
      this.#elements(array, tag)
      if (form === ARRAY_WITH_FIELDS) {
        const { length } = array
        this.fields(array, tag)
        if (array.length !== length) this.damaged('the fields of an array change its length')
      }
      return array
    }
    if (this.isDataOnly && NOT_DATA.includes(form)) this.#refuseCode()
    const read = READERS[form >> 2]
    if (read === undefined) this.damaged(`${tag} is no value's tag`)
    return read(this, tag, at)
  }

  #plainObject(tag: number, at: number): object {
    const isTable = this.#isManyFields()
    const object = isTable ? Object.create(null) : {}
    this.refer(tag, at, object)
    this.fields(object, tag)
    if (isTable) Object.setPrototypeOf(object, Object.prototype)
    return object
  }

  #isManyFields(): boolean {
    return this.pos < this.end && this.u8[this.pos] > MANY_FIELDS
  }

  #shaped(shape: KnownShape, tag: number, at: number): object {
    const keys = shape.keys
    if ((tag & (REFERRED | INCOMPLETE)) === 0 && shape.make !== null) return makeObject(shape.make, keys.length, this)
    const object = {}
    this.refer(tag, at, object)
    for (let i = 0; i < keys.length; i++) {
      if ((tag & INCOMPLETE) !== 0 && this.isAbsent()) this.pos++
      else setField(object, keys[i], this.value())
    }
    return object
  }

  fields(object: object, tag: number): void {
    const count = this.count(2)
    for (let i = 0; i < count; i++) {
      const key = this.key()
      if (key === 'length' && Array.isArray(object)) this.damaged('the length of an array is no field')
      if ((tag & INCOMPLETE) !== 0 && this.isAbsent()) this.pos++
      else setField(object, key, this.value())
    }
  }

  #elements(array: unknown[], tag: number): void {
    const isComplete = (tag & INCOMPLETE) === 0
    const length = isComplete ? this.count(1) : this.count(0)
    let i = 0
    while (i < length) {
      if (isComplete || !this.isAbsent()) {
        array[i++] = this.value()
      } else {
        this.pos++
        const holes = this.count(0)
        if (holes === 0 || holes > length - i) this.damaged('an array has more holes than elements')
        i += holes
      }
    }
    if (array.length === length) return
    if (length - array.length > LONGEST_ROW) {
      // Far out of reach, this store makes V8 keep the elements in a table; the length then takes no memory.
      array[length - 1] = undefined
      delete array[length - 1]
    } else {
      array.length = length
    }
  }
}
