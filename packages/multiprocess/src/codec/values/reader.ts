import { SerializationError } from '../../errors.ts'
import { ByteReader } from '../bytes/byte-reader.ts'
import {
  ABSENT,
  ARRAY,
  ARRAY_WITH_FIELDS,
  CODE,
  DOUBLE,
  FUNCTION,
  HAS_MODULES,
  INCOMPLETE,
  INT16,
  INT32,
  KIND,
  LARGE_BUFFER,
  MAX_SHAPES,
  OBJECT,
  REFERENCE,
  REFERRED,
  SHAPE,
  SHAPE_DEFINITION,
  SHARED_BUFFER,
  SHORT_STRING,
  SMALL_INTEGER,
  UNDEFINED,
  VERSION
} from '../bytes/format.ts'
import { cachedKey, shortString } from '../bytes/short-strings.ts'
import { type Budget, costOfHoles, IndexCost } from './budget.ts'
import { type KnownShape, makeObject, readShapeDefinition, setField } from './decode-shape.ts'
import type { LargeSource } from './large-buffers.ts'

/** Reads the rest of an object whose tag has been read. It must call `refer` before it reads anything that may refer to the object. */
export type ObjectReader = (reader: Reader, tag: number, at: number) => unknown

/** Beyond this index, V8 stores an array's elements in a table instead of a row. */
const LONGEST_ROW = 1024

/** V8 keeps more fields than this in a table. For an object without a prototype, it always does. */
const MANY_FIELDS = 24

/** What is accepted only from the family, and from programs that have authenticated. */
const NOT_DATA: readonly number[] = [FUNCTION, KIND, CODE, LARGE_BUFFER, SHARED_BUFFER]

const READERS: (ObjectReader | undefined)[] = []

export function setObjectReader(tag: number, read: ObjectReader): void {
  READERS[tag >> 2] = read
}

/** The state of one walk over a message. Nothing in the message is trusted. */
export class Reader extends ByteReader {
  modules: string[] = []
  /** The memory that follows the message, if there is any. */
  large: LargeSource | null = null
  /**
   * The limit of what decoding may cost; null if a trusted program wrote the message. With a budget, the message may hold only plain data.
   */
  budget: Budget | null = null
  /** The code in this message, once some of it was met. */
  code: { finish(): void } | null = null
  /** What must happen to the object at a place before its contents are read. */
  wrapped: { readonly at: number; begin(object: object): void } | null = null

  #referred: Map<number, unknown> | null = null
  readonly #shapes: KnownShape[] = []

  message(bytes: Uint8Array, start: number, end: number): unknown {
    this.open(bytes, start, end)
    const value = this.value()
    if (this.code !== null) this.code.finish()
    if (this.pos !== this.end) this.damaged(`${this.end - this.pos} bytes are left over`)
    return value
  }

  /** Reads the first byte, and the list of modules that follows the value. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.use(bytes)
    if (!(start >= 0 && start < end && end <= bytes.length)) this.damaged('it is empty')
    this.first = start
    this.end = end
    const first = bytes[start]
    if ((first & ~HAS_MODULES) !== VERSION) {
      this.damaged(`it begins with byte ${first} instead of ${VERSION}: another version of this package wrote it`)
    }
    if ((first & HAS_MODULES) !== 0) {
      if (this.budget !== null) this.#refuseCode()
      this.#readModules()
    }
    this.pos = start + 1
  }

  #readModules(): void {
    const last = this.end - 4
    const trailer = this.first + (last > this.first ? this.view.getUint32(last, true) : 0)
    if (trailer <= this.first || trailer >= last) this.damaged('it has no list of modules')
    this.pos = trailer
    this.end = last
    const count = this.count(1)
    const modules: string[] = []
    for (let i = 0; i < count; i++) modules.push(this.string())
    if (this.pos !== this.end) this.damaged('its list of modules is too long')
    this.modules = modules
    this.end = trailer
  }

  /** Forgets the message, also after an error. */
  clear(): void {
    this.#referred = null
    this.code = null
    this.wrapped = null
    this.large = null
    this.budget = null
    if (this.#shapes.length > 0) this.#shapes.length = 0
    if (this.modules.length > 0) this.modules = []
    this.forget()
  }

  #refuseCode(): never {
    throw new SerializationError(
      'cannot receive the message: it holds functions, classes or shared objects, which are taken only from a program that ' +
        'has shown its key: give both sides an authkey'
    )
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

  /** Remembers the object for later references, if its tag says that there are some. */
  refer(tag: number, at: number, object: unknown): void {
    if ((tag & REFERRED) !== 0) {
      this.#referred ??= new Map()
      this.#referred.set(at - this.first, object)
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
    if (tag < UNDEFINED) {
      if (this.budget !== null) return this.#charged(tag, at, this.budget)
      return tag === ARRAY ? this.#array() : this.#object(tag, at)
    }
    return tag === REFERENCE ? this.#reference() : this.scalar(tag)
  }

  #charged(tag: number, at: number, budget: Budget): unknown {
    const rest = this.end - this.pos
    let count = rest > 0 ? this.u8[this.pos] : 0
    if (count === 255 && rest >= 5) count = this.view.getUint32(this.pos + 1, true)
    budget.enter(tag, count, rest)
    const value = tag === ARRAY ? this.#array() : this.#object(tag, at)
    budget.leave()
    return value
  }

  #reference(): unknown {
    const position = this.uint32()
    const object = this.#referred?.get(position)
    if (object === undefined) this.damaged(`nothing to refer to stands at byte ${position}`)
    return object
  }

  #array(): unknown[] {
    const length = this.count(1)
    // A literal takes no more memory than its elements; an array that grows does.
    if (length === 1) return [this.value()]
    if (length === 2) return [this.value(), this.value()]
    if (length === 3) return [this.value(), this.value(), this.value()]
    if (length === 0) return []
    const array = new Array(length)
    for (let i = this.numbers(array, 0); i < length; ) {
      array[i++] = this.value()
      const tag = this.u8[this.pos]
      if (tag === DOUBLE || tag === INT32) i = this.numbers(array, i)
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
    if (this.budget !== null && NOT_DATA.includes(form)) this.#refuseCode()
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
    if (this.budget !== null) this.budget.spend(shape.cost)
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
    const { budget } = this
    const indexes = budget === null ? null : new IndexCost()
    for (let i = 0; i < count; i++) {
      const key = this.key()
      if (indexes !== null) budget?.spend(indexes.of(key))
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
        if (this.budget !== null) this.budget.spend(costOfHoles(holes))
        i += holes
      }
    }
    if (array.length === length) return
    if (length - array.length > LONGEST_ROW) {
      // A store far out of range makes V8 keep the elements in a table; the length then takes no memory.
      array[length - 1] = undefined
      delete array[length - 1]
    } else {
      array.length = length
    }
  }
}
