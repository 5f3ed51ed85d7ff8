/**
 * What a parent tells its child at the start: two messages. The child can read the first before it imports any of the user's
 * modules. The four bytes before them are the length of the first.
 */
import type { Identity } from './state.ts'
import type { SentTarget } from './target.ts'

export interface Preparation {
  readonly identity: Identity
  /** The parent's `process.argv`. */
  readonly argv: readonly string[]
  /** Modules that no child runs again. */
  readonly entries: readonly string[]
  /** The parent's settings of its logger; null if they were never changed. */
  readonly logging: { readonly level: number; readonly isPrinted: boolean } | null
  /**
   * The parcel that keeps the shared objects named by the second message; the child holds it from its start. 0 if the message
   * names none.
   */
  readonly parcel: number
}

/** The second message. It may name or contain functions whose modules are imported before it is read. */
export interface Load {
  readonly target: SentTarget | null
  /** A subclass of Process with its own `run`. */
  readonly subclass: SentTarget | null
  args: readonly unknown[]
  /** The fields of a subclass, which are sent; its constructor does not run again. */
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
