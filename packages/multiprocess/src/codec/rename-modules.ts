/** Changes the names of the modules that a message needs, for a machine that has the modules elsewhere. */

import { HAS_MODULES } from './bytes/format.ts'
import { modulesOf } from './decode.ts'
import { Writer } from './values/writer.ts'

const POSITION_BYTES = 4

/**
 * Returns the message with new names for its modules; the bytes themselves if it needs none.
 * @param rename gets the name of a module and returns the new name
 * @throws SerializationError if the message is damaged
 */
export function renameModules(bytes: Uint8Array, rename: (name: string) => string): Uint8Array {
  const names = modulesOf(bytes)
  if (names.length === 0) return bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const trailer = view.getUint32(bytes.length - POSITION_BYTES, true)
  const writer = new Writer()
  writer.place(undefined, 0, 0, 'value')
  writer.raw(bytes.subarray(1, trailer))
  writer.count(names.length)
  for (const name of names) writer.string(rename(name))
  writer.uint32(trailer)
  writer.mark(0, HAS_MODULES)
  return writer.bytes.slice(writer.base, writer.pos)
}
