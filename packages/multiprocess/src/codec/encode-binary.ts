import { types } from 'node:util'
import {
  ARRAY_BUFFER,
  LENGTH_TRACKING,
  MAX_MESSAGE,
  PART_OF_BUFFER,
  POOLED_BUFFER,
  VIEW,
  VIEW_TYPES,
  WHOLE_BUFFER
} from './format.ts'
import { refuseClosed } from './refusals.ts'
import type { Writer } from './writer.ts'

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object
const arrayGetter = (name: PropertyKey) => Object.getOwnPropertyDescriptor(typedArrayPrototype, name)!.get!
const viewGetter = (name: PropertyKey) => Object.getOwnPropertyDescriptor(DataView.prototype, name)!.get!
const typeOfArray = arrayGetter(Symbol.toStringTag)
const bufferOfArray = arrayGetter('buffer')
const offsetOfArray = arrayGetter('byteOffset')
const lengthOfArray = arrayGetter('byteLength')
const elementOfArray = (typedArrayPrototype as Uint8Array).at
const bufferOfView = viewGetter('buffer')
const offsetOfView = viewGetter('byteOffset')
const lengthOfView = viewGetter('byteLength')
const lengthOfBuffer = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')!.get!

const TYPE_NUMBERS = new Map<string, number>(VIEW_TYPES.map((name, i) => [name, i]))
const DATA_VIEW = TYPE_NUMBERS.get('DataView')!
const UINT8_ARRAY = TYPE_NUMBERS.get('Uint8Array')!
const BUFFER = TYPE_NUMBERS.get('Buffer')!

/** How long the pools are that `Buffer.from` and `Buffer.allocUnsafe` cut small buffers from. */
const poolLengths = new Set([Buffer.poolSize, poolLength()])

function poolLength(): number {
  return Buffer.allocUnsafe(1).buffer.byteLength
}

/** Whether a buffer of this length is likely to be a pool; `Buffer.poolSize` can be set at any time. */
function isPoolLength(length: number): boolean {
  if (poolLengths.has(length)) return true
  if (length !== poolLength()) return false
  poolLengths.add(length)
  return true
}

interface ResizableBuffer extends ArrayBuffer {
  readonly resizable?: boolean
  readonly maxByteLength: number
  readonly detached?: boolean
  resize(length: number): void
}

export function writeArrayBuffer(writer: Writer, object: object): void {
  const buffer = object as ResizableBuffer
  const length = lengthOfBuffer.call(buffer) as number
  if (length === 0 && isDetached(buffer)) {
    writer.refuse('a detached ArrayBuffer', 'it was transferred to somewhere else; send it from there')
  }
  if (length > MAX_MESSAGE - writer.position - 64) {
    writer.refuse(
      `an ArrayBuffer of ${length} bytes`,
      'a message holds less than 2 GiB; send it in parts, or share it as SharedMemory'
    )
  }
  writer.ensure(13 + length)
  writer.byte(ARRAY_BUFFER)
  writer.uint32(length)
  writer.double(buffer.resizable === true ? buffer.maxByteLength : -1)
  if (length > 0) writer.raw(new Uint8Array(buffer, 0, length))
}

function isDetached(buffer: ResizableBuffer): boolean {
  if (buffer.detached !== undefined) return buffer.detached
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

export function writeView(writer: Writer, object: object): void {
  const name = typeOfArray.call(object) as string | undefined
  const isArray = name !== undefined
  const buffer = (isArray ? bufferOfArray : bufferOfView).call(object) as ResizableBuffer
  if (types.isSharedArrayBuffer(buffer)) refuseClosed(writer, buffer)
  if (isOutOfBounds(object, isArray)) {
    if (isDetached(buffer))
      writer.refuse('a view of a detached ArrayBuffer', 'it was transferred to somewhere else; send it from there')
    writer.refuse('a view past the end of its ArrayBuffer', 'the buffer was made shorter; make a new view of it')
  }
  const byteOffset = (isArray ? offsetOfArray : offsetOfView).call(object) as number
  const byteLength = (isArray ? lengthOfArray : lengthOfView).call(object) as number
  const bufferLength = lengthOfBuffer.call(buffer) as number
  let type = isArray ? TYPE_NUMBERS.get(name) : DATA_VIEW
  if (type === undefined) writer.refuse(`a ${name}`, 'this version of the package does not know it; send another type')
  if (type === UINT8_ARRAY && object instanceof Buffer) {
    type = BUFFER
    if (byteLength < bufferLength && isPoolLength(bufferLength)) {
      writer.ensure(5 + byteLength)
      writer.byte(POOLED_BUFFER)
      writer.uint32(byteLength)
      writer.raw(object)
      return
    }
  }
  writer.byte(VIEW)
  writer.byte(type)
  if (buffer.resizable !== true && byteLength === bufferLength) {
    writer.byte(WHOLE_BUFFER)
  } else if (
    buffer.resizable === true &&
    isLengthTracking(object as ArrayBufferView, isArray, byteOffset, byteLength)
  ) {
    writer.byte(LENGTH_TRACKING)
    writer.uint32(byteOffset)
  } else {
    writer.byte(PART_OF_BUFFER)
    writer.uint32(byteOffset)
    writer.uint32(byteLength)
  }
  if (!writer.meet(buffer)) writeArrayBuffer(writer, buffer)
}

function isOutOfBounds(object: object, isArray: boolean): boolean {
  try {
    if (isArray) elementOfArray.call(object as Uint8Array, 0)
    else lengthOfView.call(object)
    return false
  } catch {
    return true
  }
}

/**
 * Whether a view of a resizable buffer grows and shrinks with it. Nothing tells but resizing, which is done to a copy:
 * shortened to where the view begins, it is past the end if its length is fixed.
 */
function isLengthTracking(view: ArrayBufferView, isArray: boolean, byteOffset: number, byteLength: number): boolean {
  const copy = structuredClone(view)
  const buffer = copy.buffer as ResizableBuffer
  if (byteLength > 0) {
    buffer.resize(byteOffset)
    return !isOutOfBounds(copy, isArray)
  }
  buffer.resize(buffer.maxByteLength)
  return copy.byteLength > 0
}
