import './values/buffers.ts'
import './values/decode-other.ts'
import './values/errors.ts'
import './values/large-buffers.ts'
import { SerializationError } from '../errors.ts'
import { HAS_MODULES, INT16, INT32, isStackOverflow, SMALL_INTEGER, VERSION } from './bytes/format.ts'
import { isImported } from './references/imports.ts'
import { Budget } from './values/budget.ts'
import type { LargeSource } from './values/large-buffers.ts'
import { Reader } from './values/reader.ts'

/** The reader of the next message; null while one message is being decoded, whose decoding may decode another. */
let idle: Reader | null = new Reader()

/**
 * Decodes the message in `bytes[start..end)`. Everything is copied, so the bytes may be used again afterwards. The modules that `modulesOf`
 * returns must have been imported.
 * @param large the buffers that follow the message
 * @param isUntrusted true if the message comes from a program that has not authenticated: it may hold only plain data, within a budget of
 * memory and work
 * @throws SerializationError if the message is damaged, or was written by another version of this package
 */
export function decode(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
  large: LargeSource | null = null,
  isUntrusted = false
): unknown {
  const integer = integerIn(bytes, start, end)
  if (integer !== undefined) return integer
  const reader = idle ?? new Reader()
  idle = null
  reader.large = large
  reader.budget = isUntrusted ? new Budget(end - start) : null
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

/** Returns the value of a message that is one integer. Such messages need no Reader. */
function integerIn(bytes: Uint8Array, start: number, end: number): number | undefined {
  const length = end - start
  if (length > 6 || !(start >= 0 && end <= bytes.length) || bytes[start] !== VERSION) return undefined
  const tag = bytes[start + 1]
  if (length === 2 && tag >= SMALL_INTEGER) return tag - SMALL_INTEGER
  if (length === 4 && tag === INT16) return ((bytes[start + 2] | (bytes[start + 3] << 8)) << 16) >> 16
  if (length !== 6 || tag !== INT32) return undefined
  return bytes[start + 2] | (bytes[start + 3] << 8) | (bytes[start + 4] << 16) | (bytes[start + 5] << 24)
}

/** Returns true if the bytes begin as a message does. */
export function isMessage(bytes: Uint8Array): boolean {
  return bytes.length > 1 && (bytes[0] & ~HAS_MODULES) === VERSION
}

const NO_MODULES: readonly string[] = []

/** Returns those of the modules in `modulesOf` that are not imported yet. */
export function missingModulesOf(bytes: Uint8Array, start = 0, end: number = bytes.length): readonly string[] {
  if ((bytes[start] & HAS_MODULES) === 0) return NO_MODULES
  return modulesOf(bytes, start, end).filter(module => !isImported(module))
}

/** Returns the URLs of the modules that must be imported before the message can be decoded. Throws the errors of `decode`. */
export function modulesOf(bytes: Uint8Array, start = 0, end: number = bytes.length): string[] {
  if ((bytes[start] & HAS_MODULES) === 0) return []
  const reader = new Reader()
  reader.open(bytes, start, end)
  return reader.modules
}
