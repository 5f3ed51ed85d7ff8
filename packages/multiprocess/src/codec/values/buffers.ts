import { types } from 'node:util'
import { SerializationError } from '../../errors.ts'
import { offerBuffer, takeBuffer, withdrawBuffer } from '../../ground/members/thread-buffers.ts'
import {
  ARRAY_BUFFER,
  LARGE_BUFFER,
  LENGTH_TRACKING,
  MAX_MESSAGE,
  PART_OF_BUFFER,
  POOLED_BUFFER,
  SHARED_BUFFER,
  VIEW,
  VIEW_TYPES,
  WHOLE_BUFFER
} from '../bytes/format.ts'
import { LARGE_LENGTH, LargeBuffers } from './large-buffers.ts'
import { type Reader, setObjectReader } from './reader.ts'
import { refuseClosed } from './refusals.ts' // lazy
import { BUFFER_REQUEST } from './requests.ts'
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

/** The lengths of the pools from which `Buffer.from` and `Buffer.allocUnsafe` take small buffers. */
const poolLengths = new Set([Buffer.poolSize, poolLength()])

function poolLength(): number {
  return Buffer.allocUnsafe(1).buffer.byteLength
}

/** Returns true if a buffer of this length is likely to be a pool. A program can set `Buffer.poolSize` at any time. */
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
  if (writer.allowsLarge && length >= LARGE_LENGTH && buffer.resizable !== true) {
    writer.large ??= new LargeBuffers()
    writer.byte(LARGE_BUFFER)
    writer.uint32(length)
    writer.double(writer.large.add(buffer))
    return
  }
  writer.ensure(13 + length)
  writer.byte(ARRAY_BUFFER)
  writer.uint32(length)
  writer.double(buffer.resizable === true ? buffer.maxByteLength : -1)
  if (length > 0) writer.raw(new Uint8Array(buffer, 0, length))
}

/** Writes the name of a shared buffer: for a thread of this program, it stays the same memory. */
export function writeSharedBuffer(writer: Writer, buffer: object): void {
  if (writer.sharesBuffers === 'no') refuseClosed(writer, buffer)
  const name = offerBuffer(buffer as SharedArrayBuffer, writer.sharesBuffers === 'once')
  writer.hold(() => withdrawBuffer(name))
  writer.byte(SHARED_BUFFER)
  writer.count(writer.moduleNumber(`${BUFFER_REQUEST}${name}`))
}

setObjectReader(SHARED_BUFFER, (reader: Reader, tag, at) => {
  const request = reader.modules[reader.count(0)]
  const buffer = request?.startsWith(BUFFER_REQUEST) ? takeBuffer(request.slice(BUFFER_REQUEST.length)) : undefined
  if (buffer === undefined) reader.damaged('a SharedArrayBuffer has not come')
  reader.refer(tag, at, buffer)
  return buffer
})

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
  const isShared: boolean = types.isSharedArrayBuffer(buffer)
  if (isShared && writer.sharesBuffers === 'no') refuseClosed(writer, buffer)
  if (isOutOfBounds(object, isArray)) {
    if (isDetached(buffer))
      writer.refuse('a view of a detached ArrayBuffer', 'it was transferred to somewhere else; send it from there')
    writer.refuse('a view past the end of its ArrayBuffer', 'the buffer was made shorter; make a new view of it')
  }
  const byteOffset = (isArray ? offsetOfArray : offsetOfView).call(object) as number
  const byteLength = (isArray ? lengthOfArray : lengthOfView).call(object) as number
  const bufferLength = isShared ? (buffer as ArrayBuffer).byteLength : (lengthOfBuffer.call(buffer) as number)
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
  if (writer.meet(buffer)) return
  if (isShared) writeSharedBuffer(writer, buffer)
  else writeArrayBuffer(writer, buffer)
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
 * Returns true if a view of a resizable buffer grows and shrinks with it. Only resizing shows this, so a copy is resized: shortened to
 * where the view begins, a view of fixed length is out of bounds.
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

/** From this length on, using memory that is not cleared first saves time. */
const LARGE = 1 << 15

interface ViewConstructor {
  new (buffer: ArrayBuffer, byteOffset: number, length?: number): ArrayBufferView
  readonly BYTES_PER_ELEMENT?: number
}

const VIEW_CONSTRUCTORS: readonly (ViewConstructor | undefined)[] = VIEW_TYPES.map(name =>
  name === 'Buffer' ? undefined : (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name]
)

setObjectReader(ARRAY_BUFFER, (reader: Reader, tag, at) => {
  const length = reader.uint32()
  const maxByteLength = reader.double()
  const pos = reader.take(length)
  const buffer =
    maxByteLength === -1 ? copyOf(reader, pos, length) : resizableCopyOf(reader, pos, length, maxByteLength)
  reader.refer(tag, at, buffer)
  return buffer
})

/** Copies the bytes, because the memory of the message is used again. */
function copyOf(reader: Reader, pos: number, length: number): ArrayBuffer {
  const { u8 } = reader
  // A slice of shared memory is shared memory, too.
  if (length < LARGE && u8.buffer instanceof ArrayBuffer) {
    return u8.buffer.slice(u8.byteOffset + pos, u8.byteOffset + pos + length)
  }
  const bytes = Buffer.allocUnsafeSlow(length)
  bytes.set(u8.subarray(pos, pos + length))
  return bytes.buffer as ArrayBuffer
}

function resizableCopyOf(reader: Reader, pos: number, length: number, maxByteLength: number): ArrayBuffer {
  // Each resizable buffer is a mapping of its own, of which the system has not many, and takes a part of the address space.
  reader.budget?.spend(2 ** 16 + maxByteLength / 64)
  let buffer: ArrayBuffer
  try {
    buffer = new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(length, { maxByteLength })
  } catch (error) {
    throw new SerializationError(
      `cannot read the message: there is no room for an ArrayBuffer of up to ${maxByteLength} bytes`,
      '',
      { cause: error }
    )
  }
  new Uint8Array(buffer).set(reader.u8.subarray(pos, pos + length))
  return buffer
}

setObjectReader(POOLED_BUFFER, (reader: Reader, tag, at) => {
  const length = reader.uint32()
  const pos = reader.take(length)
  const buffer = Buffer.from(reader.u8.subarray(pos, pos + length))
  reader.refer(tag, at, buffer)
  return buffer
})

setObjectReader(VIEW, (reader: Reader, tag, at) => {
  const type = reader.byte()
  const extent = reader.byte()
  const byteOffset = extent === WHOLE_BUFFER ? 0 : reader.uint32()
  const byteLength = extent === WHOLE_BUFFER || extent === LENGTH_TRACKING ? undefined : reader.uint32()
  const buffer = reader.value()
  if (!(buffer instanceof ArrayBuffer) && !types.isSharedArrayBuffer(buffer))
    reader.damaged('a view has no ArrayBuffer')
  const view = makeView(reader, type, buffer as ArrayBuffer, byteOffset, byteLength)
  reader.refer(tag, at, view)
  return view
})

function makeView(
  reader: Reader,
  type: number,
  buffer: ArrayBuffer,
  byteOffset: number,
  byteLength: number | undefined
): ArrayBufferView {
  const length = byteLength ?? buffer.byteLength - byteOffset
  if (length < 0 || byteOffset + length > buffer.byteLength)
    reader.damaged('a view goes past the end of its ArrayBuffer')
  const isTracking = byteLength === undefined && (buffer as { resizable?: boolean }).resizable === true
  if (type === BUFFER) {
    // `Buffer.from` would fix the length.
    if (isTracking) return Object.setPrototypeOf(new Uint8Array(buffer, byteOffset), Buffer.prototype)
    return Buffer.from(buffer, byteOffset, length)
  }
  if (type >= VIEW_TYPES.length) reader.damaged(`there is no view type ${type}`)
  const constructor = VIEW_CONSTRUCTORS[type]
  if (constructor === undefined) {
    throw new SerializationError(
      `cannot read the message: it has a ${VIEW_TYPES[type]}, which this version of Node lacks`
    )
  }
  const size = constructor.BYTES_PER_ELEMENT ?? 1
  if (byteOffset % size !== 0 || (!isTracking && length % size !== 0))
    reader.damaged('a view does not lie on its elements')
  if (!isTracking) return new constructor(buffer, byteOffset, length / size)
  return trackingView(constructor, buffer as ResizableBuffer, byteOffset, length % size)
}

/** Returns a view that grows and shrinks with its buffer. The last bytes of the buffer may be less than an element. */
function trackingView(
  constructor: ViewConstructor,
  buffer: ResizableBuffer,
  byteOffset: number,
  rest: number
): ArrayBufferView {
  if (rest === 0) return new constructor(buffer, byteOffset)
  // V8 11, in Node 20, has such views, but refuses to create them.
  const { byteLength } = buffer
  const tail = buffer.slice(byteLength - rest)
  buffer.resize(byteLength - rest)
  const view = new constructor(buffer, byteOffset)
  buffer.resize(byteLength)
  new Uint8Array(buffer, byteLength - rest).set(new Uint8Array(tail))
  return view
}
