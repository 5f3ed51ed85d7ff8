/** The objects of a server by their ids, as long as a proxy of them exists. */
import { NESTING_KINDS } from './methods.ts'
import type { ProxyType } from './proxy-data.ts'

/** An object, and what its proxies have. A proxy inside the server keeps the object through this alone. */
export class Referent {
  readonly id: number
  readonly type: ProxyType
  readonly object: Readonly<Record<string, (...args: unknown[]) => unknown>>
  /** The methods that may be called, in the order of their numbers. */
  readonly methods: readonly string[]
  /** True if the calls have contexts, see `NESTING_KINDS`. */
  readonly isNesting: boolean
  /** The number of tokens, and of holdings of remote clients. */
  holders = 0

  constructor(id: number, type: ProxyType, object: object, methods: readonly string[]) {
    this.id = id
    this.type = type
    this.object = object as Referent['object']
    this.methods = methods
    this.isNesting = NESTING_KINDS.has(type.kind)
  }
}

export class Referents {
  readonly #held = new Map<number, Referent>()
  #lastId = 0

  create(type: ProxyType, object: object, methods: readonly string[]): Referent {
    this.#lastId = (this.#lastId % 0x7fffffff) + 1
    return new Referent(this.#lastId, type, object, methods)
  }

  get(id: number): Referent | undefined {
    return this.#held.get(id)
  }

  /** Counts one more holder. */
  hold(referent: Referent): void {
    if (referent.holders++ === 0) this.#held.set(referent.id, referent)
  }

  /** Counts one holder less. Proxies inside the server may still have the object. */
  release(referent: Referent): void {
    if (--referent.holders > 0) return
    this.#held.delete(referent.id)
  }

  get size(): number {
    return this.#held.size
  }

  *[Symbol.iterator](): Iterator<Referent> {
    yield* this.#held.values()
  }
}
