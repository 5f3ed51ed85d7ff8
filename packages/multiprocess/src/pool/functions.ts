/** The functions that a pool's workers were given: each is sent once, and named by a number from then on. */
import { isFixed } from '../codec/closures/facts.ts' // lazy
import { Refused } from '../codec/closures/refusals.ts' // lazy
import { type AnyFunction, type FunctionReferenceData, INTRINSIC } from '../codec/references/data.ts'
import { loadedReference } from '../codec/references/loaded/modules.ts'
import { checkTarget, sentTarget, type Target } from '../process/target.ts'
import type { Block, Messages } from './shared/message.ts'

/** Where the definition of a function stands. */
export interface FunctionEntry extends Block {
  readonly id: number
  readonly name: string
}

export class Functions {
  readonly #messages: Messages
  readonly #byFunction = new WeakMap<object, FunctionEntry>()
  readonly #byName = new Map<string, FunctionEntry>()
  /** Of functions sent with what they captured, for as long as the work they were sent for. */
  readonly #held = new Set<FunctionEntry>()
  readonly #dropped = new Set<FunctionEntry>()
  readonly #kept: FunctionEntry[] = []
  #count = 0

  constructor(messages: Messages) {
    this.#messages = messages
  }

  /**
   * Of a function that is the same whenever it is sent, and of one that is named; undefined for one that captures values, which
   * goes with each message.
   * @throws TypeError, SerializationError when it is no function, or cannot cross
   */
  fixed(fn: Target): FunctionEntry | undefined {
    const known = typeof fn === 'function' ? this.#byFunction.get(fn) : undefined
    if (known !== undefined) return known
    checkTarget(fn, 'fn')
    if (typeof fn !== 'function') return this.#named(sentTarget(fn, 'fn') as FunctionReferenceData)
    const reference = loadedReference(fn)
    if (reference === undefined && !isSame(fn)) return undefined
    const entry = reference === undefined ? this.#keep(fn) : this.#named(reference)
    this.#byFunction.set(fn, entry)
    return entry
  }

  #keep(fn: AnyFunction): FunctionEntry {
    const entry = this.#store(fn, fn.name)
    this.#kept.push(entry)
    return entry
  }

  /** Of any function, with what it captures now, until it is given to `drop`. */
  entry(fn: Target): FunctionEntry {
    const fixed = this.fixed(fn)
    if (fixed !== undefined) return fixed
    const entry = this.#store(fn, (fn as AnyFunction).name)
    this.#held.add(entry)
    return entry
  }

  /** The work that the entry was for is done, or given up. */
  drop(entry: FunctionEntry): void {
    if (this.#held.delete(entry)) this.#dropped.add(entry)
  }

  /** No task is under way that a worker may still have to load a function for. */
  free(): void {
    for (const entry of this.#dropped) this.#messages.discard(entry)
    this.#dropped.clear()
  }

  /** For messages that hold their function. */
  get anonymous(): FunctionEntry {
    return this.#named({ module: INTRINSIC, export: 'Object' })
  }

  #named(data: FunctionReferenceData): FunctionEntry {
    const name = `${data.module} ${data.export}`
    let entry = this.#byName.get(name)
    if (entry === undefined) {
      entry = this.#store(data, data.export)
      this.#byName.set(name, entry)
    }
    return entry
  }

  #store(data: unknown, name: string): FunctionEntry {
    return { id: this.#count++, name, ...this.#messages.block(data, 'fn') }
  }

  /** Gives the memory of their definitions back, once no worker runs. */
  clear(): void {
    this.free()
    for (const entry of [...this.#byName.values(), ...this.#held, ...this.#kept]) this.#messages.discard(entry)
    this.#byName.clear()
    this.#held.clear()
    this.#kept.length = 0
  }
}

/** What cannot cross at all is told of when it is written. */
function isSame(fn: AnyFunction): boolean {
  try {
    return isFixed(fn)
  } catch (error) {
    if (error instanceof Refused) return false
    throw error
  }
}
