import { SerializationError } from '../errors.ts'
import { ARRAY_BUFFER, LENGTH_TRACKING, POOLED_BUFFER, VIEW, VIEW_TYPES, WHOLE_BUFFER } from './format.ts'
import { type Reader, setObjectReader } from './reader.ts'

/** From this length on, memory that need not be cleared first is worth its detour. */
const LARGE = 1 << 15

interface ViewConstructor {
  new (buffer: ArrayBuffer, byteOffset: number, length?: number): ArrayBufferView
  readonly BYTES_PER_ELEMENT?: number
}

interface ResizableBuffer extends ArrayBuffer {
  resize(length: number): void
}

const VIEW_CONSTRUCTORS: readonly (ViewConstructor | undefined)[] = VIEW_TYPES.map(name =>
  name === 'Buffer' ? undefined : (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name]
)
const BUFFER = VIEW_TYPES.indexOf('Buffer')

setObjectReader(ARRAY_BUFFER, (reader: Reader, tag, at) => {
  const length = reader.uint32()
  const maxByteLength = reader.double()
  const pos = reader.take(length)
  const buffer =
    maxByteLength === -1 ? copyOf(reader, pos, length) : resizableCopyOf(reader, pos, length, maxByteLength)
  reader.refer(tag, at, buffer)
  return buffer
})

/** The bytes are copied: the memory they stand in is used again. */
function copyOf(reader: Reader, pos: number, length: number): ArrayBuffer {
  if (length < LARGE)
    return reader.u8.buffer.slice(reader.u8.byteOffset + pos, reader.u8.byteOffset + pos + length) as ArrayBuffer
  const bytes = Buffer.allocUnsafeSlow(length)
  bytes.set(reader.u8.subarray(pos, pos + length))
  return bytes.buffer as ArrayBuffer
}

function resizableCopyOf(reader: Reader, pos: number, length: number, maxByteLength: number): ArrayBuffer {
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
  if (!(buffer instanceof ArrayBuffer)) reader.damaged('a view has no ArrayBuffer')
  const view = makeView(reader, type, buffer, byteOffset, byteLength)
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
    // `Buffer.from` fixes the length.
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

/** A view that grows and shrinks with its buffer, of which the last bytes may be less than an element. */
function trackingView(
  constructor: ViewConstructor,
  buffer: ResizableBuffer,
  byteOffset: number,
  rest: number
): ArrayBufferView {
  if (rest === 0) return new constructor(buffer, byteOffset)
  // V8 11, in Node 20, has such views, but does not make them.
  const { byteLength } = buffer
  const tail = buffer.slice(byteLength - rest)
  buffer.resize(byteLength - rest)
  const view = new constructor(buffer, byteOffset)
  buffer.resize(byteLength)
  new Uint8Array(buffer, byteLength - rest).set(new Uint8Array(tail))
  return view
}
