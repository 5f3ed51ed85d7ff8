/**
 * Buffers that are not in a message but follow it, each at the beginning of a page: they are copied once on their way there, and the
 * largest are viewed in place.
 */

import { alignToPage, type Behind } from '../../ground/message-blocks.ts'
import { LARGE_BUFFER } from '../bytes/format.ts'
import { setObjectReader } from './reader.ts'

/** The minimum length of such a buffer, in bytes. */
export const LARGE_LENGTH = 2 ** 20
/** Buffers of at least this length are viewed; copies of shorter ones into memory that is already in use are as fast. */
export const VIEWED_LENGTH = 2 ** 25

/** Where the reader of a message finds the buffers. */
export interface LargeSource {
  /** @throws RangeError if the range is not in the memory that follows the message */
  bufferAt(offset: number, length: number): ArrayBuffer
}

/** The buffers that the writer of a message has to put after it. */
export class LargeBuffers implements Behind {
  readonly parts: { readonly offset: number; readonly bytes: Uint8Array }[] = []
  length = 0

  add(buffer: ArrayBuffer): number {
    const offset = this.length
    const bytes = new Uint8Array(buffer)
    this.parts.push({ offset, bytes })
    this.length += alignToPage(bytes.length)
    return offset
  }
}

setObjectReader(LARGE_BUFFER, (reader, tag, at) => {
  const length = reader.uint32()
  const offset = reader.double()
  if (reader.large === null) return reader.damaged('there is nothing behind it')
  let buffer: ArrayBuffer
  try {
    buffer = reader.large.bufferAt(offset, length)
  } catch (error) {
    if (error instanceof RangeError) return reader.damaged(error.message)
    throw error
  }
  reader.refer(tag, at, buffer)
  return buffer
})
