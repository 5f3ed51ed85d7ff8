/** One value in shared memory: Python's `RawValue`. */
import { inspectAs } from '../ground/inspect.ts'
import type { StartMethod } from '../ground/members/platform.ts'
import { createArray, viewArray } from './shared-array.ts'
import { type Handle, handleOf, keepFor } from './shared-object.ts'
import { type AnyTypedArray, type ElementOf, type TypeCode, toElement, typeOf } from './type-codes.ts'

/** Reading or writing `value` is one step: another process sees the old or the new value. */
export class SharedCell<C extends TypeCode = TypeCode> {
  readonly #array: AnyTypedArray
  readonly #code: TypeCode
  readonly #isText: boolean

  static {
    const nameOf = (cell: SharedCell) => {
      // The lock of the value has given it these methods.
      const kind = Object.hasOwn(cell, 'getLock') ? 'Value' : 'RawValue'
      return `${kind}(${typeOf(cell.#code).name})`
    }
    inspectAs<SharedCell>(SharedCell, (cell, show) => show(cell.value), nameOf)
  }

  constructor(array: AnyTypedArray, code: C) {
    this.#array = array
    this.#code = code
    this.#isText = typeOf(code).text !== undefined
    keepFor(this, handleOf(array), array.buffer instanceof ArrayBuffer ? array.buffer : this)
  }

  get code(): C {
    return this.#code as C
  }

  get value(): ElementOf<C> {
    const element = this.#array[0]
    return (this.#isText ? String.fromCodePoint(element as number) : element) as ElementOf<C>
  }

  /** @throws TypeError, ValueError if the type has no such value */
  set value(value: ElementOf<C>) {
    this.#array[0] = toElement(this.#code, value, 'value')
  }
}

export function createCell<C extends TypeCode>(method: StartMethod, code: C, init?: ElementOf<C>): SharedCell<C> {
  const first = init === undefined ? undefined : toElement(code, init, 'the value')
  const array = createArray(method, code, 1)
  if (first !== undefined) array[0] = first
  return new SharedCell(array, code)
}

export function viewCell(handle: Handle, code: TypeCode): SharedCell {
  return new SharedCell(viewArray(handle, { code, length: 1 }), code)
}
