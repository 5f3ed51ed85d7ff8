/** Reads functions, classes and instances from a message. Their modules have been imported. */

import { SerializationError } from '../../errors.ts'
import { CODE, isStackOverflow } from '../bytes/format.ts'
import type { AnyFunction } from '../references/data.ts'
import { markImported, resolveKnown } from '../references/imports.ts'
import { type Reader, setObjectReader } from '../values/reader.ts'
import { CODE_REQUEST } from '../values/requests.ts'
import { isCodeData } from './check-code.ts'
import { knownClass, rememberClass } from './class-origins.ts'
import {
  ACCESSOR,
  BOUND,
  CONFIGURABLE,
  type CodeData,
  ENUMERABLE,
  FUNCTION_BY_VALUE,
  type FunctionData,
  HAS_HERITAGE,
  HAS_PRIVATE_FIELDS,
  HAS_PROPERTIES,
  HAS_PROTOTYPE_HERITAGE,
  HAS_PROTOTYPE_PROPERTIES,
  HEIR,
  INSTANCE,
  INSTANCE_WITH_FIELDS,
  KNOWN_OBJECT,
  PROTOTYPE,
  PROXY,
  REDUCED,
  SHELL,
  SYMBOL,
  WRITABLE
} from './format.ts'
import { UnitReader } from './instantiate.ts'

type Setter = (value: unknown) => void
type PrivateSetters = readonly Setter[]

/** The code of one message. */
class CodeReader {
  readonly #reader: Reader
  readonly #data: CodeData
  readonly #units: UnitReader
  /** By number. A number whose value is not available yet has setters that wait. */
  readonly #values = new Map<number, unknown>()
  readonly #setters = new Map<number, Setter[]>()
  readonly #symbols = new Map<string, symbol>()
  /** By number. A late part that was read is removed. */
  readonly #late = new Map<number, () => void>()
  #lateCount = 0

  constructor(reader: Reader) {
    this.#reader = reader
    const request = reader.modules.at(-1)
    if (request === undefined || !request.startsWith(CODE_REQUEST)) reader.damaged('it has no code')
    let data: unknown
    try {
      data = JSON.parse(request.slice(CODE_REQUEST.length))
    } catch {
      reader.damaged('its code cannot be read')
    }
    if (!isCodeData(data)) reader.damaged('its code has not the form of code')
    this.#data = data
    this.#units = new UnitReader(this.#data, reader.modules, (number, setter) => this.#bind(number, setter))
  }

  finish(): void {
    guarded(() => {
      for (const number of this.#late.keys()) this.#readLatePart(number)
    })
  }

  #readLatePart(number: number): void {
    const part = this.#late.get(number)
    if (part === undefined) this.#reader.damaged('there is nothing left to read of something')
    this.#late.delete(number)
    part()
  }

  read(tag: number, at: number): unknown {
    const reader = this.#reader
    const form = reader.byte()
    switch (form) {
      case FUNCTION_BY_VALUE:
        return this.#function(tag, at)
      case INSTANCE:
      case INSTANCE_WITH_FIELDS:
      case HEIR:
        return this.#instance(form, tag, at)
      case REDUCED:
        return this.#reduced(tag, at)
      case SHELL:
        return this.#shell(tag, at)
      case BOUND: {
        const target = this.#functionValue()
        const bound = target.bind(reader.value(), ...this.#array())
        reader.refer(tag, at, bound)
        return bound
      }
      case PROXY: {
        const [target, handler] = [reader.value(), reader.value()]
        if (!isObject(target) || !isObject(handler)) return reader.damaged('a proxy has no target')
        const proxy = new Proxy(target, handler)
        reader.refer(tag, at, proxy)
        return proxy
      }
      case KNOWN_OBJECT: {
        const number = reader.count(0)
        if (number >= reader.modules.length) reader.damaged('an object has no module')
        const object = resolveKnown(reader.modules[number], reader.string())
        reader.refer(tag, at, object)
        return object
      }
      case PROTOTYPE: {
        const object = this.#functionValue().prototype as object
        reader.refer(tag, at, object)
        return object
      }
      case SYMBOL:
        return this.#symbol(reader.string())
      default:
        return reader.damaged(`there is no code of form ${form}`)
    }
  }

  #function(tag: number, at: number): AnyFunction {
    const number = this.#reader.count(0)
    const data = this.#data.functions?.[number]
    if (data === undefined) this.#reader.damaged('a function has no code')
    const heritage = data.hasHeritage ? this.#reader.value() : undefined
    this.#readValues(data.early)
    const known = data.origin === undefined ? undefined : knownClass(data.origin)
    let privates: PrivateSetters = []
    let fn: AnyFunction
    if (known !== undefined) {
      fn = known.fn
      const { variables } = this.#data.units[data.unit]
      for (const [i, variable] of variables.entries()) {
        if (known.setters !== null && typeof variable === 'number') this.#bind(variable, known.setters[i])
      }
    } else {
      const unit = this.#units.unit(data.unit)
      fn = unit.functions[data.index](heritage, (setters: PrivateSetters) => {
        privates = setters
      }) as AnyFunction
      nameAs(fn, data.name)
      if (data.origin !== undefined) rememberClass(data.origin, fn, unit.setters)
    }
    this.#reader.refer(tag, at, fn)
    const target = known === undefined || known.setters !== null ? fn : undefined
    this.#late.set(this.#lateCount++, () => this.#readLate(data, target, privates))
    return fn
  }

  /** @param fn undefined for a class of this process, which no message changes */
  #readLate(data: FunctionData, fn: AnyFunction | undefined, privates: PrivateSetters): void {
    const reader = this.#reader
    this.#readValues(data.values)
    const sections = reader.byte()
    if (sections & HAS_PROPERTIES) this.#readProperties(fn)
    if (sections & HAS_PROTOTYPE_PROPERTIES) this.#readProperties(fn?.prototype)
    if (sections & HAS_PROTOTYPE_HERITAGE) {
      const value = reader.value() as object | null
      if (fn !== undefined) Object.setPrototypeOf(fn.prototype as object, value)
    }
    if (sections & HAS_HERITAGE) {
      const value = reader.value() as object | null
      if (fn !== undefined) Object.setPrototypeOf(fn, value)
    }
    if (!(sections & HAS_PRIVATE_FIELDS)) return
    const count = reader.count(1)
    for (let i = 0; i < count; i++) {
      const value = reader.value()
      privates[i]?.(value)
    }
  }

  #readValues(numbers: readonly number[]): void {
    for (const number of numbers) {
      if (this.#values.has(number)) continue
      this.#values.set(number, undefined)
      const value = this.#reader.value()
      this.#values.set(number, value)
      for (const set of this.#setters.get(number) ?? []) set(value)
    }
  }

  /** Sets a variable as soon as its value is available. */
  #bind(number: number, setter: Setter): void {
    const setters = this.#setters.get(number)
    if (setters === undefined) this.#setters.set(number, [setter])
    else setters.push(setter)
    if (this.#values.has(number)) setter(this.#values.get(number))
  }

  #readProperties(owner: object | undefined): void {
    const reader = this.#reader
    const count = reader.count(2)
    for (let i = 0; i < count; i++) {
      const key = reader.value() as PropertyKey
      if (typeof key !== 'string' && typeof key !== 'symbol') reader.damaged('a property has no key')
      const flags = reader.byte()
      const attributes = { enumerable: (flags & ENUMERABLE) !== 0, configurable: (flags & CONFIGURABLE) !== 0 }
      const descriptor: PropertyDescriptor =
        (flags & ACCESSOR) !== 0
          ? { ...attributes, get: reader.value() as () => unknown, set: reader.value() as Setter }
          : { ...attributes, value: reader.value(), writable: (flags & WRITABLE) !== 0 }
      // A class that came before may have a property that cannot be changed any more.
      if (owner !== undefined) Reflect.defineProperty(owner, key, descriptor)
    }
  }

  #instance(form: number, tag: number, at: number): unknown {
    const reader = this.#reader
    const owner = reader.value() as object
    const prototype = form === HEIR ? owner : (owner as { prototype?: unknown } | undefined)?.prototype
    if (typeof prototype !== 'object' || prototype === null) reader.damaged('an instance has no class')
    const outer = reader.wrapped
    reader.wrapped = {
      at: reader.pos,
      begin: object => {
        Object.setPrototypeOf(object, prototype as object)
        reader.refer(tag, at, object)
      }
    }
    const object = reader.value() as object
    reader.wrapped = outer
    if (typeof object !== 'object' || object === null) reader.damaged('an instance has no content')
    if (form === INSTANCE_WITH_FIELDS) reader.fields(object, reader.byte())
    return object
  }

  #reduced(tag: number, at: number): unknown {
    const reader = this.#reader
    const isNew = reader.byte() === 1
    const callee = this.#functionValue()
    const args = this.#array()
    for (let number = reader.count(0); number > 0; number = reader.count(0)) this.#readLatePart(number - 1)
    const object = (isNew ? Reflect.construct(callee, args) : Reflect.apply(callee, undefined, args)) as object
    reader.refer(tag, at, object)
    return object
  }

  #shell(tag: number, at: number): object {
    const reader = this.#reader
    const constructor = reader.value() as AnyFunction | null
    const object = Object.create(constructor === null ? Object.prototype : (constructor.prototype as object)) as object
    reader.refer(tag, at, object)
    this.#late.set(this.#lateCount++, () => reader.fields(object, 0))
    return object
  }

  #symbol(text: string): symbol {
    if (text.startsWith('for:')) return Symbol.for(text.slice(4))
    if (text.startsWith('known:')) {
      const known = (Symbol as unknown as Record<string, unknown>)[text.slice(6)]
      return typeof known === 'symbol' ? known : this.#reader.damaged('there is no such symbol')
    }
    let symbol = this.#symbols.get(text)
    if (symbol === undefined) {
      symbol = Symbol(text.replace(/^own:\d*:/, ''))
      this.#symbols.set(text, symbol)
    }
    return symbol
  }

  #functionValue(): AnyFunction {
    const value = this.#reader.value()
    if (typeof value !== 'function') this.#reader.damaged('something else stands where a function must be')
    return value
  }

  #array(): unknown[] {
    const value = this.#reader.value()
    if (!Array.isArray(value)) this.#reader.damaged('something else stands where an array must be')
    return value
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
}

function nameAs(fn: AnyFunction, name: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(fn, 'name')
  if (descriptor === undefined ? name === '' : typeof descriptor.value !== 'string' || descriptor.value === name) return
  Reflect.defineProperty(fn, 'name', { value: name, configurable: true })
}

markImported(CODE_REQUEST)
setObjectReader(CODE, (reader, tag, at) =>
  guarded(() => {
    reader.code ??= new CodeReader(reader)
    return (reader.code as CodeReader).read(tag, at)
  })
)

/** What V8 throws for damaged code. Errors of other classes come from the user's own code and are thrown on. */
const OF_THE_LANGUAGE: ReadonlySet<unknown> = new Set([
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError
])

/** @throws SerializationError instead of what V8 throws for damaged code */
function guarded<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!OF_THE_LANGUAGE.has((error as Error | null)?.constructor) || isStackOverflow(error)) throw error
    const what = error instanceof SyntaxError ? 'be compiled' : 'be evaluated'
    throw new SerializationError(`cannot read the message: its code cannot ${what}: ${(error as Error).message}`, '', {
      cause: error
    })
  }
}
