/** Functions as bytes, identified by their SHA-256: each is encoded once, and stored on the server once. */
import type { Redis } from 'ioredis'
import type { Target } from 'multiprocess'
import { encode, modulesOf } from 'multiprocess/codec'
import { checkTarget, sentTarget } from 'multiprocess/pooling'
import { nameModule } from '../wire/modules.ts'
import type { Names } from '../wire/names.ts'
import { sha256 } from '../wire/signature.ts'

/** A function that is ready to be sent. */
export interface Code {
  readonly hash: string
  readonly bytes: Uint8Array
  /** The function's name, for people. */
  readonly name: string
}

/** Code up to this length is a part of each batch. */
export const MOST_INLINE_CODE = 1024

/** The code of functions that are the same whenever they are sent: functions of modules that capture nothing. */
const fixed = new WeakMap<object, Code>()

/**
 * Returns the code of a function, with what it captures at this moment.
 * @throws TypeError if it is not a function, SerializationError if it cannot cross
 */
export function codeOf(target: Target): Code {
  checkTarget(target, 'fn')
  const known = fixed.get(target)
  if (known !== undefined) return known
  const sent = sentTarget(target, 'fn')
  const portable = typeof sent === 'function' ? sent : { ...sent, module: nameModule(sent.module) }
  const bytes = encode(portable, { audience: 'program', nameModule, path: 'fn' })
  const name = typeof sent === 'function' ? sent.name : sent.export
  const code = { hash: sha256(bytes), bytes, name: name || 'anonymous' }
  if (!modulesOf(bytes).some(module => module.startsWith('code:'))) fixed.set(target, code)
  return code
}

/** The code that a pool has on the server. */
export class CodeStore {
  readonly #redis: Redis
  readonly #names: Names
  readonly #lifetime: number
  readonly #stored = new Map<string, { readonly code: Code; done: Promise<unknown>; users: number }>()

  constructor(redis: Redis, names: Names, lifetime: number) {
    this.#redis = redis
    this.#names = names
    this.#lifetime = lifetime
  }

  /** Resolves once the server has the code. Each call needs a matching `release`. */
  async hold(code: Code): Promise<void> {
    if (code.bytes.length <= MOST_INLINE_CODE) return
    let entry = this.#stored.get(code.hash)
    if (entry === undefined) {
      entry = { code, done: this.#store(code), users: 0 }
      this.#stored.set(code.hash, entry)
    }
    entry.users++
    try {
      await entry.done
    } catch (error) {
      this.release(code)
      this.#stored.delete(code.hash)
      throw error
    }
  }

  release(code: Code): void {
    const entry = this.#stored.get(code.hash)
    if (entry !== undefined && --entry.users === 0) this.#stored.delete(code.hash)
  }

  /** Stores the code again: the server has lost it. */
  forget(hash: string): void {
    const entry = this.#stored.get(hash)
    if (entry !== undefined) entry.done = this.#store(entry.code)
    entry?.done.catch(() => {})
  }

  /** The keys that must not expire yet. */
  get keys(): string[] {
    return [...this.#stored.keys()].map(hash => this.#names.code(hash))
  }

  #store({ hash, bytes }: Code): Promise<unknown> {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return this.#redis.set(this.#names.code(hash), buffer, 'PX', this.#lifetime)
  }
}
