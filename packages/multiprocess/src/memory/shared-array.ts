/** Typed arrays over shared memory: Python's `RawArray`. */
import { checkInteger, checkString, describe } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { MAX_VIEW_BYTES } from '../ground/arena/memory.ts' // lazy
import { SHARED_HEADER_BYTES } from '../ground/arena/shared-blocks.ts' // lazy
import { currentFamily } from '../ground/family.ts' // lazy
import type { StartMethod } from '../ground/members/platform.ts'
import { type Handle, keepFor, ownerAt, payloadAt } from './shared-object.ts'
import {
  type AnyTypedArray,
  type ElementOf,
  type TypeCode,
  type TypedArrayOf,
  toElement,
  typeOf
} from './type-codes.ts'

export interface ArrayShape {
  readonly code: TypeCode
  readonly length: number
}

const shapes = new WeakMap<object, ArrayShape>()
const unviewed = new FinalizationRegistry<() => void>(end => end())

/** Returns the shape of an array that `createArray` or `viewArray` made. */
export function shapeOf(array: object): ArrayShape | undefined {
  return shapes.get(array)
}

/**
 * Makes a shared array.
 * @param init its length, for an array of zeros, or its elements
 */
export function createArray<C extends TypeCode>(
  method: StartMethod,
  code: C,
  init: number | Iterable<ElementOf<C>>
): TypedArrayOf<C> {
  const { bytes } = typeOf(code)
  const elements = typeof init === 'number' ? undefined : toElements(code, init)
  const length = elements?.length ?? (init as number)
  checkInteger('the length of an array', length, 0)
  // An array is one view of the whole block.
  const most = MAX_VIEW_BYTES - SHARED_HEADER_BYTES
  if (length * bytes > most) {
    throw new ValueError(
      `cannot make an array of ${length} × ${bytes} bytes: an array has at most ${most} bytes; use several`
    )
  }
  const family = currentFamily(method)
  const handle = { family, at: family.shared.create(length * bytes) }
  const array = viewArray(handle, { code, length })
  elements?.forEach((element, i) => {
    array[i] = element
  })
  return array as TypedArrayOf<C>
}

function toElements(code: TypeCode, init: Iterable<unknown>): (number | bigint)[] {
  if (init === null || (typeof init !== 'object' && typeof init !== 'string') || !(Symbol.iterator in Object(init))) {
    throw new TypeError(`init must be a length or an iterable of elements, got ${describe(init)}`)
  }
  return Array.from(init, (value, i) => toElement(code, value, `element ${i}`))
}

/** Returns the array over a block that this process holds. */
export function viewArray(handle: Handle, shape: ArrayShape): AnyTypedArray {
  const { array: Type, bytes } = typeOf(shape.code)
  const known = ownerAt(handle)
  let array: AnyTypedArray
  if (known instanceof ArrayBuffer) {
    array = new Type(known, 0, shape.length)
    keepFor(array, handle, known)
  } else {
    const { buffer, start, end } = handle.family.memory.bufferOf(payloadAt(handle), shape.length * bytes)
    array = new Type(buffer, start, shape.length)
    // Parts of the array, such as subarrays, keep its buffer, if the buffer belongs to this array alone.
    const isOwn = buffer instanceof ArrayBuffer
    keepFor(array, handle, isOwn ? buffer : array)
    if (isOwn) unviewed.register(buffer, end)
  }
  shapes.set(array, shape)
  return array
}

/** Returns the text up to the first zero, for arrays of the codes c and u. */
export function textOf(array: ArrayLike<number>): string {
  let text = ''
  for (let i = 0; i < array.length && array[i] !== 0; i++) text += String.fromCodePoint(array[i])
  return text
}

/** @throws TypeError if `text` is not a string; ValueError if the array has no room for it */
export function setText(array: AnyTypedArray, code: TypeCode, text: string): void {
  checkString('value', text)
  const elements = toElements(code, text)
  if (elements.length > array.length) {
    throw new ValueError(`the text has ${elements.length} characters, and the array has room for ${array.length}`)
  }
  for (let i = 0; i < elements.length; i++) array[i] = elements[i]
  if (elements.length < array.length) array[elements.length] = 0
}
