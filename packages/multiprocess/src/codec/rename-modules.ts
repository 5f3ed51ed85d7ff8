/** The same message under other names for the modules that it needs: another machine keeps them elsewhere. */

import { HAS_MODULES } from './bytes/format.ts'
import { modulesOf } from './decode.ts'
import { Writer } from './values/writer.ts'

const POSITION_BYTES = 4

/**
 * Returns the message with the list of its modules replaced; the bytes themselves if it has none.
 * @param rename gets each name in the list and returns the one to write
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
