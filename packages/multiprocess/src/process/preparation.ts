/**
 * What a parent tells its child at the start: two messages, the first of which can be read before any of the user's
 * modules is imported. Four bytes before them have the length of the first.
 */
import type { Identity } from './state.ts'
import type { SentTarget } from './target.ts'

export interface Preparation {
  readonly identity: Identity
  /** The parent's `process.argv`. */
  readonly argv: readonly string[]
  /** Modules that no child runs again. */
  readonly entries: readonly string[]
  /** The parent's settings of its logger; null: as they are at first. */
  readonly logging: { readonly level: number; readonly isPrinted: boolean } | null
  /** What keeps the shared objects that the second message names; the child holds it from its start. 0: the message names none. */
  readonly parcel: number
}

/** May name or hold functions, whose modules are imported before it is read. */
export interface Load {
  readonly target: SentTarget | null
  /** A subclass of Process with its own `run`. */
  readonly subclass: SentTarget | null
  args: readonly unknown[]
  /** A subclass's fields are sent; its constructor does not run again. */
  fields: object | null
}

export function joinMessages(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(4 + first.length + second.length)
  new DataView(joined.buffer).setUint32(0, first.length)
  joined.set(first, 4)
  joined.set(second, 4 + first.length)
  return joined
}

export function splitMessages(joined: Uint8Array): [Uint8Array, Uint8Array] {
  const end = 4 + new DataView(joined.buffer, joined.byteOffset).getUint32(0)
  return [joined.subarray(4, end), joined.subarray(end)]
}
