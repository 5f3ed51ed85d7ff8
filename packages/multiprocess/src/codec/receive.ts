/** Decodes messages that may require modules: these are imported before the message is decoded. */

import { keepParcelFor } from '../ground/parcel.ts'
import { decode, missingModulesOf } from './decode.ts' // lazy
import { importModule, importModuleNow } from './references/imports.ts'
import type { LargeSource } from './values/large-buffers.ts'

/** A value that is decoded once the modules that its message requires have been imported. */
export class Pending {
  readonly promise: Promise<unknown>

  constructor(promise: Promise<unknown>) {
    this.promise = promise
  }
}

/** Decodes a message, or a copy of it. */
export type Decode = (bytes: Uint8Array, start: number, end: number) => unknown

/**
 * Decodes the message in `bytes[start..end)`, at once if all modules that it requires are imported.
 * @param large the buffers that follow the message
 * @param isBlocked true if the thread cannot wait: modules that can be imported at once are imported now
 * @returns the value, or a Pending that decodes a copy of the message later
 * @throws the errors of `decode`
 */
export function receive(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
  large: LargeSource | null = null,
  isBlocked = false
): unknown {
  const missing = missingModules(bytes, start, end, isBlocked)
  if (missing.length === 0) return decode(bytes, start, end, large)
  return receiveLater(bytes.slice(start, end), missing, copy => decode(copy, 0, copy.length, large))
}

/** Does the same with the caller's own decoder. */
export function receiveBy(
  decodeMessage: Decode,
  bytes: Uint8Array,
  start: number,
  end: number,
  isBlocked = false
): unknown {
  const missing = missingModules(bytes, start, end, isBlocked)
  if (missing.length === 0) return decodeMessage(bytes, start, end)
  return receiveLater(bytes.slice(start, end), missing, copy => decodeMessage(copy, 0, copy.length))
}

/** Imports the modules that a message requires, in the order in which the message names them. */
export async function importRequired(bytes: Uint8Array): Promise<void> {
  for (const module of missingModulesOf(bytes)) await importModule(module)
}

/** Returns the required modules of a message that are not imported yet; with `isBlocked`, only those that cannot be imported at once. */
export function missingModules(bytes: Uint8Array, start: number, end: number, isBlocked: boolean): readonly string[] {
  const missing = missingModulesOf(bytes, start, end)
  return isBlocked && missing.length > 0 ? missing.filter(module => !importModuleNow(module)) : missing
}

function receiveLater(copy: Uint8Array, missing: readonly string[], read: (copy: Uint8Array) => unknown): Pending {
  const later = Promise.all(missing.map(importModule)).then(() => read(copy))
  keepParcelFor(later)
  return new Pending(later)
}
