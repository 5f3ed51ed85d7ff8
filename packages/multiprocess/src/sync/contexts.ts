/**
 * Which `runExclusive` of this process the running code is inside of, for locks whose holder may acquire them again: two tasks of one
 * event loop exclude each other, and a task does not exclude itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** One `runExclusive`. */
interface Context {
  /** One inside another, of the same lock, has the other's id. */
  readonly id: number
  /** False once the `runExclusive` has ended: what outlives it is inside of none. */
  isOpen: boolean
}

const NONE: readonly never[] = []

/** Those of the locks of one kind. @typeParam K what a lock is known by */
export class ExclusiveContexts<K extends object> {
  readonly #store = new AsyncLocalStorage<ReadonlyMap<K, Context>>()
  #lastId = 0

  /** The id of the innermost open `runExclusive` of the lock; 0 outside of any. */
  idOf(lock: K): number {
    // Asking the store takes longer than all the rest.
    if (this.#lastId === 0) return 0
    const context = this.#store.getStore()?.get(lock)
    return context?.isOpen ? context.id : 0
  }

  /** The ids of all that the running code is inside of, of any lock. */
  openIds(): readonly number[] {
    if (this.#lastId === 0) return NONE
    const all = [...(this.#store.getStore()?.values() ?? NONE)]
    return all.filter(({ isOpen }) => isOpen).map(({ id }) => id)
  }

  /** Runs `run` inside of a `runExclusive` of the lock, which ends with the promise. */
  async run<R>(lock: K, run: () => Promise<R>): Promise<R> {
    const context = this.#open(lock)
    try {
      return await this.#runIn(lock, context, run)
    } finally {
      context.isOpen = false
    }
  }

  /** Does the same; the `runExclusive` ends when `run` returns. */
  runSync<R>(lock: K, run: () => R): R {
    const context = this.#open(lock)
    try {
      return this.#runIn(lock, context, run)
    } finally {
      context.isOpen = false
    }
  }

  #open(lock: K): Context {
    const outer = this.idOf(lock)
    if (outer === 0) this.#lastId = (this.#lastId % 0x7fffffff) + 1
    return { id: outer === 0 ? this.#lastId : outer, isOpen: true }
  }

  #runIn<R>(lock: K, context: Context, run: () => R): R {
    return this.#store.run(new Map(this.#store.getStore()).set(lock, context), run)
  }
}
