/** The options of listeners and clients, and their checks. */

import { checkBoolean, checkInteger, checkOptions, describe, type OptionNames } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { LARGEST_SHORT } from './frames.ts'
import type { Key } from './handshake.ts'

/** The options of both sides of a connection. */
export interface SocketOptions {
  /** The key that both sides must have, as bytes or as text in UTF-8. Default: none; then neither side authenticates. */
  authkey?: Uint8Array | string
  /** True to accept HMAC-MD5, the only digest of Python before 3.12. Default: false. */
  legacyMd5?: boolean
  /**
   * The maximum length of a received message in bytes; a longer message ends the connection. Default: 2,147,483,647 with an authkey, and
   * 4,194,304 (4 MiB) without: the sender of a message decides how much memory and time it takes here, and 4 MiB take at most 64 MiB.
   */
  maxMessageBytes?: number
}

export interface Settings {
  readonly key: Key | undefined
  readonly maxMessageBytes: number
}

/** The time that CPython gives its own connections, in milliseconds: `CONNECTION_TIMEOUT`. */
export const HANDSHAKE_MS = 20_000
const LARGEST_MESSAGE = 2 ** 32
/** The default maximum length of a message from a side that has not authenticated. */
const UNTRUSTED_BYTES = 2 ** 22

/** @throws TypeError, ValueError if an option is invalid */
export function checkSocketOptions(options: SocketOptions, names: OptionNames): Settings {
  checkOptions(options, names)
  const {
    authkey,
    legacyMd5 = false,
    maxMessageBytes = authkey === undefined ? UNTRUSTED_BYTES : LARGEST_SHORT
  } = options
  checkBoolean('legacyMd5', legacyMd5)
  checkInteger('maxMessageBytes', maxMessageBytes, 1, LARGEST_MESSAGE)
  return { key: authkey === undefined ? undefined : keyOf(authkey, legacyMd5), maxMessageBytes }
}

function keyOf(authkey: Uint8Array | string, allowsMd5: boolean): Key {
  if (typeof authkey !== 'string' && !(authkey instanceof Uint8Array)) {
    throw new TypeError(`authkey must be a Uint8Array or a string, got ${describe(authkey)}`)
  }
  // A copy: the caller may erase its own bytes.
  const bytes = Buffer.from(authkey as Uint8Array)
  if (bytes.length === 0) throw new ValueError('authkey must not be empty: leave it out to ask for no key')
  return { bytes, allowsMd5 }
}
