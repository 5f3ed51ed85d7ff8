/**
 * Buffers that do not stand in a message but behind it, each at the beginning of a page: they are copied once on their way there, and the
 * largest are viewed where they are.
 */

import { alignToPage, type Behind } from '../../ground/message-blocks.ts'
import { LARGE_BUFFER } from '../bytes/format.ts'
import { setObjectReader } from './reader.ts'

/** From this length on, in bytes. */
export const LARGE_LENGTH = 2 ** 20
/** Those of this length are viewed; below, copies into memory that is in use already are as fast. */
export const VIEWED_LENGTH = 2 ** 25

/** Where the reader of a message finds them. */
export interface LargeSource {
  /** @throws RangeError when that is not in the memory behind the message */
  bufferAt(offset: number, length: number): ArrayBuffer
}

/** What the writer of a message is to put behind it. */
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
