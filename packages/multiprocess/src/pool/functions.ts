/** The functions that a pool's workers were given: each is sent once, and named by a number from then on. */
import { checkTarget, type Target, targetReference } from '../process/target.ts'
import type { FunctionEntry } from './dispatcher.ts'
import type { Messages } from './message.ts'

export class Functions {
  readonly #messages: Messages
  readonly #byFunction = new WeakMap<object, FunctionEntry>()
  readonly #byName = new Map<string, FunctionEntry>()

  constructor(messages: Messages) {
    this.#messages = messages
  }

  /** @throws TypeError, SerializationError when it is no function, or cannot cross */
  entry(fn: Target): FunctionEntry {
    const known = typeof fn === 'function' ? this.#byFunction.get(fn) : undefined
    if (known !== undefined) return known
    checkTarget(fn, 'fn')
    const data = targetReference(fn, 'fn')
    const name = `${data.module} ${data.export}`
    let entry = this.#byName.get(name)
    if (entry === undefined) {
      entry = { id: this.#byName.size, ...this.#messages.block(data, 'fn') }
      this.#byName.set(name, entry)
    }
    if (typeof fn === 'function') this.#byFunction.set(fn, entry)
    return entry
  }

  /** Gives the memory of their definitions back, once no worker runs. */
  clear(): void {
    for (const { block } of this.#byName.values()) this.#messages.free(block)
    this.#byName.clear()
  }
}
