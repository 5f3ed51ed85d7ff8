/** The options of listeners and clients, and their checks. */

import { checkBoolean, checkInteger, checkOptions, describe, type OptionNames } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { LARGEST_SHORT } from './frames.ts'
import type { Key } from './handshake.ts'

export interface SocketOptions {
  /** The key that both sides must hold, as bytes or as text in UTF-8. Default: no key is asked for. */
  authkey?: Uint8Array | string
  /**
   * true: HMAC-MD5 is good enough, all that Python before 3.12 speaks. Left out: false.
   */
  legacyMd5?: boolean
  /**
   * Bytes that a received message may have; a longer one ends the connection. Left out: 2,147,483,647 with an authkey. Without one it
   * is 4,194,304 (4 MiB): who sends a message decides how much memory and time it takes here, and 4 MiB take at most 64 MiB.
   */
  maxMessageBytes?: number
}

export interface Settings {
  readonly key: Key | undefined
  readonly maxMessageBytes: number
}

/** What CPython gives its own connections, in milliseconds: `CONNECTION_TIMEOUT`. */
export const HANDSHAKE_MS = 20_000
const LARGEST_MESSAGE = 2 ** 32
/** The longest message of a side that has not shown a key, unless the options say otherwise. */
const UNTRUSTED_BYTES = 2 ** 22

/** @throws TypeError, ValueError */
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
  // A copy: the caller may wipe its own.
  const bytes = Buffer.from(authkey as Uint8Array)
  if (bytes.length === 0) throw new ValueError('authkey is empty: leave it out to ask for no key')
  return { bytes, allowsMd5 }
}
