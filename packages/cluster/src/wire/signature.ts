/** Signatures: a program decodes what it reads from the server only if a program with the same key wrote it for this place. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { ValueError } from 'multiprocess'

const LEAST_KEY = 16

/** Returns the SHA-256 of bytes, in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Signs and verifies with one key. */
export class Signer {
  readonly #key: Uint8Array

  /** @throws TypeError, ValueError if the key is missing or too short */
  constructor(key: unknown) {
    if (key === undefined) {
      throw new ValueError(
        'key is missing: give the key that pools and workers have in common, or set MULTIPROCESS_KEY; `openssl rand -hex 32` makes one'
      )
    }
    if (typeof key !== 'string' && !(key instanceof Uint8Array)) {
      throw new TypeError(`key must be a string or a Uint8Array, got ${key === null ? 'null' : typeof key}`)
    }
    this.#key = typeof key === 'string' ? Buffer.from(key) : Uint8Array.from(key)
    if (this.#key.length < LEAST_KEY) {
      throw new ValueError(
        `key must be at least ${LEAST_KEY} bytes long, got ${this.#key.length}; \`openssl rand -hex 32\` makes one`
      )
    }
  }

  /**
   * Returns the signature of bytes for one place.
   * @param place what the bytes are and where they belong, for example the queue and the job's id
   */
  sign(place: readonly (string | number)[], bytes: Uint8Array): string {
    return createHmac('sha256', this.#key).update(JSON.stringify(place)).update('\0').update(bytes).digest('base64')
  }

  /** Returns true if the signature is that of these bytes for this place. */
  verify(place: readonly (string | number)[], bytes: Uint8Array, signature: unknown): boolean {
    if (typeof signature !== 'string') return false
    const expected = Buffer.from(this.sign(place, bytes))
    const found = Buffer.from(signature)
    return expected.length === found.length && timingSafeEqual(expected, found)
  }
}
