import './binary-values.ts'
import './decode-other.ts'
import './error-values.ts'
import './large-buffers.ts'
import { SerializationError } from '../errors.ts'
import { HAS_MODULES, isStackOverflow, VERSION } from './format.ts'
import type { LargeSource } from './large-buffers.ts'
import { isImported } from './module-imports.ts'
import { Reader } from './reader.ts'

/** The reader of the next message; null while one is being decoded, whose decoding may begin another. */
let idle: Reader | null = new Reader()

/**
 * The value of the message in `bytes[start..end)`. Everything is copied: the bytes may be used again afterwards. What
 * `modulesOf` answers must have been imported.
 *
 * Throws SerializationError when the message is damaged, or was written by another version of this package.
 *
 * @param isLast nobody reads the message again: what it holds of shared objects is given back
 * @param large where the buffers are that stand behind the message
 * @param isDataOnly who wrote it has not shown a key: what is no plain data is refused
 */
export function decode(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
  isLast = false,
  large: LargeSource | null = null,
  isDataOnly = false
): unknown {
  const reader = idle ?? new Reader()
  idle = null
  reader.isLast = isLast
  reader.large = large
  reader.isDataOnly = isDataOnly
  try {
    return reader.message(bytes, start, end)
  } catch (error) {
    if (isStackOverflow(error)) {
      throw new SerializationError('cannot read the message: it is nested too deep', '', { cause: error })
    }
    throw error
  } finally {
    reader.clear()
    idle = reader
  }
}

/** Whether the bytes begin as a message does. */
export function isMessage(bytes: Uint8Array): boolean {
  return bytes.length > 1 && (bytes[0] & ~HAS_MODULES) === VERSION
}

/** Those of `modulesOf` that are yet to be imported. */
export function missingModulesOf(bytes: Uint8Array, start = 0, end: number = bytes.length): string[] {
  if ((bytes[start] & HAS_MODULES) === 0) return []
  return modulesOf(bytes, start, end).filter(module => !isImported(module))
}

/** The URLs of the modules that must be imported before the message can be decoded. Throws as `decode` does. */
export function modulesOf(bytes: Uint8Array, start = 0, end: number = bytes.length): string[] {
  if ((bytes[start] & HAS_MODULES) === 0) return []
  const reader = new Reader()
  reader.open(bytes, start, end)
  return reader.modules
}
