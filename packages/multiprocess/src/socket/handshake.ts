/**
 * Two programs prove to each other that they have the same key, without sending it: the mutual HMAC challenge of CPython's
 * `multiprocessing.connection`. Each side in turn sends random bytes, and gets their HMAC. The listener begins.
 *
 *     #CHALLENGE#{sha256}40 random bytes   ->
 *                                          <-   {sha256}HMAC of all bytes after #CHALLENGE#
 *     #WELCOME#, or #FAILURE# and the end  ->
 *
 * Python before 3.12 sends `#CHALLENGE#` and 20 bytes, and answers with an HMAC-MD5 without a prefix.
 */
import { AuthenticationError } from '../errors.ts'

/** The maximum length of a message before both sides have authenticated. */
export const HANDSHAKE_LIMIT = 256

const crypto = () => process.getBuiltinModule('node:crypto')

const CHALLENGE = Buffer.from('#CHALLENGE#')
const WELCOME = Buffer.from('#WELCOME#')
const FAILURE = Buffer.from('#FAILURE#')
const PREFIX = Buffer.from('{sha256}')
const RANDOM_BYTES = 40
const LEGACY_CHALLENGE_BYTES = 20
const MD5_BYTES = 16

/** Python's names of digests, and Node's. */
const DIGESTS: ReadonlyMap<string, string> = new Map([
  ['md5', 'md5'],
  ['sha256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha3_256', 'sha3-256'],
  ['sha3_384', 'sha3-384']
])

export type HandshakeRole = 'listener' | 'client'

export interface Key {
  readonly bytes: Uint8Array
  /** True to accept HMAC-MD5, for Python before 3.12. */
  readonly allowsMd5: boolean
}

/**
 * Each `yield` asks for a message. The generator returns once both sides have authenticated.
 * @throws AuthenticationError if the keys differ
 */
export type Handshake = Generator<void, void, Uint8Array>

export function* handshake(role: HandshakeRole, key: Key, send: (message: Uint8Array) => void): Handshake {
  if (role === 'listener') yield* ask(key, send)
  yield* answer(key, send)
  if (role === 'client') yield* ask(key, send)
}

function* ask(key: Key, send: (message: Uint8Array) => void): Handshake {
  const message = Buffer.concat([PREFIX, crypto().randomBytes(RANDOM_BYTES)])
  send(Buffer.concat([CHALLENGE, message]))
  const response = yield
  try {
    verify(key, message, response)
  } catch (error) {
    send(FAILURE)
    throw error
  }
  send(WELCOME)
}

function* answer(key: Key, send: (message: Uint8Array) => void): Handshake {
  const challenge = yield
  if (!startsWith(challenge, CHALLENGE)) {
    throw new AuthenticationError('the other side asks for no key: it has none, or is not a multiprocessing listener')
  }
  const message = challenge.subarray(CHALLENGE.length)
  if (message.length < LEGACY_CHALLENGE_BYTES) {
    throw new AuthenticationError(`the other side's challenge is too short: ${message.length} bytes`)
  }
  if (message.length === LEGACY_CHALLENGE_BYTES) {
    if (!key.allowsMd5) throw new AuthenticationError(MD5_ONLY)
    send(hmac('md5', key, message))
  } else {
    const { name } = prefixed(message)
    if (name === undefined || (name === 'md5' && !key.allowsMd5)) {
      throw new AuthenticationError('the other side asks for a digest that is not accepted here')
    }
    send(Buffer.concat([Buffer.from(`{${name}}`), hmac(name, key, message)]))
  }
  const verdict = yield
  if (!equal(verdict, WELCOME)) throw new AuthenticationError('the other side has another key')
}

const MD5_ONLY =
  'the other side speaks HMAC-MD5 only, as Python before 3.12 does; { legacyMd5: true } allows that, where the network is trusted'

function verify(key: Key, message: Uint8Array, response: Uint8Array): void {
  const isLegacy = response.length === MD5_BYTES
  if (isLegacy && !key.allowsMd5) throw new AuthenticationError(MD5_ONLY)
  const { name, rest } = isLegacy ? { name: 'md5', rest: response } : prefixed(response)
  if (name === undefined || (name === 'md5' && !key.allowsMd5)) {
    throw new AuthenticationError("the other side's answer has no digest that is accepted here")
  }
  if (!equal(rest, hmac(name, key, message))) throw new AuthenticationError('the other side has another key')
}

/** Returns the `{digest}` at the beginning of a message, and the rest of the message. */
function prefixed(message: Uint8Array): { name: string | undefined; rest: Uint8Array } {
  const end = message[0] === 0x7b ? message.indexOf(0x7d) : -1
  const name = end > 0 ? Buffer.from(message.subarray(1, end)).toString('latin1') : ''
  return DIGESTS.has(name) ? { name, rest: message.subarray(end + 1) } : { name: undefined, rest: message }
}

function hmac(name: string, key: Key, message: Uint8Array): Buffer {
  return crypto()
    .createHmac(DIGESTS.get(name) as string, key.bytes)
    .update(message)
    .digest()
}

function startsWith(message: Uint8Array, start: Uint8Array): boolean {
  return message.length >= start.length && start.every((byte, i) => message[i] === byte)
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && crypto().timingSafeEqual(a, b)
}

/** Returns true if a message is the challenge of a side with a key. */
export function isChallenge(message: Uint8Array): boolean {
  return message.length <= HANDSHAKE_LIMIT && startsWith(message, CHALLENGE)
}
