/** Many short byte strings as one, because thousands of separate ones would cost much between processes and machines. */

export interface Packed {
  readonly bytes: Uint8Array
  /** Where each string ends. */
  readonly ends: Uint32Array
}

export function pack(parts: readonly Uint8Array[]): Packed {
  const ends = new Uint32Array(parts.length)
  let length = 0
  for (let i = 0; i < parts.length; i++) ends[i] = length += parts[i].length
  const bytes = new Uint8Array(length)
  for (let i = 0, at = 0; i < parts.length; at = ends[i++]) bytes.set(parts[i], at)
  return { bytes, ends }
}

/** Returns one of the strings, as a view. */
export function partOf({ bytes, ends }: Packed, index: number): Uint8Array {
  return bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index])
}

export function unpack(packed: Packed): Uint8Array[] {
  return Array.from(packed.ends, (_, i) => partOf(packed, i))
}
