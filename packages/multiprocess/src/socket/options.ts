/** What listeners and clients can be told, checked. */

import { checkObject } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { LARGEST_SHORT } from './frames.ts'
import type { Key } from './handshake.ts'

export interface SocketOptions {
  /** What both sides must know; a string stands for its UTF-8. Left out: nobody has to show anything. */
  authkey?: Uint8Array | string
  /**
   * true: HMAC-MD5 is good enough, all that Python before 3.12 speaks. Left out: false.
   */
  legacyMd5?: boolean
  /** Bytes that a message may have; the connection ends at a longer one. Left out: 2,147,483,647. */
  maxMessageBytes?: number
}

export interface Settings {
  readonly key: Key | undefined
  readonly maxMessageBytes: number
}

/** What CPython gives its own connections, in milliseconds: `CONNECTION_TIMEOUT`. */
export const HANDSHAKE_MS = 20_000
const LARGEST_MESSAGE = 2 ** 32

/** @throws TypeError, ValueError */
export function checkSocketOptions(options: SocketOptions): Settings {
  checkObject(options, '{ authkey }')
  const { authkey, legacyMd5 = false, maxMessageBytes = LARGEST_SHORT } = options
  if (typeof legacyMd5 !== 'boolean') throw new TypeError(`legacyMd5 must be true or false, not ${typeof legacyMd5}`)
  if (!(Number.isInteger(maxMessageBytes) && maxMessageBytes > 0 && maxMessageBytes <= LARGEST_MESSAGE)) {
    throw new ValueError(
      `maxMessageBytes must be a whole number from 1 to ${LARGEST_MESSAGE}, not ${String(maxMessageBytes)}`
    )
  }
  return { key: authkey === undefined ? undefined : keyOf(authkey, legacyMd5), maxMessageBytes }
}

function keyOf(authkey: Uint8Array | string, allowsMd5: boolean): Key {
  if (typeof authkey !== 'string' && !(authkey instanceof Uint8Array)) {
    throw new TypeError(`authkey must be a Uint8Array or a string, not ${typeof authkey}`)
  }
  // A copy: the caller may wipe its own.
  const bytes = Buffer.from(authkey as Uint8Array)
  if (bytes.length === 0) throw new ValueError('authkey is empty: leave it out to ask for no key')
  return { bytes, allowsMd5 }
}

/** @throws TypeError, ValueError for what is no number of milliseconds above 0 */
export function checkDuration(name: string, value: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number of milliseconds, not ${typeof value}`)
  if (!(value > 0)) throw new ValueError(`${name} must be more than 0 milliseconds, not ${value}`)
  return value
}
