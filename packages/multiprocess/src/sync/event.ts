/**
 * A flag that can be waited for: Python's `multiprocessing.Event`.
 *
 *     FLAG   generation << 1 | is set; `set` of a flag that is not begins a new generation
 *
 * Who waits is done when the flag is set or the generation is another: a `clear` right after a `set` takes nobody's wake-up.
 */
import type { Family } from '../ground/family.ts'
import { inspectAs } from '../ground/inspect.ts'
import { type Waitable, type WaitOptions, waitable } from '../ground/waitable.ts'
import { handleOf, payloadAt, SharedObject } from '../memory/shared-object.ts'
import { type Step, WaitWord, waitOptions } from './waiting.ts'

export class Event extends SharedObject implements Waitable {
  static {
    inspectAs(Event, event => (event.isSet() ? 'set' : 'not set'))
  }

  readonly #word: WaitWord
  readonly #family: Family

  constructor() {
    super()
    const handle = handleOf(this)
    this.#family = handle.family
    this.#word = new WaitWord(
      handle.family,
      payloadAt(handle),
      undefined,
      handle.family.waits && `for {block ${handle.at}} to be set`
    )
  }

  isSet(): boolean {
    return (this.#word.load() & 1) === 1
  }

  /** All who wait go on. */
  set(): void {
    const { words, index } = this.#word
    for (;;) {
      const flag = this.#word.load()
      if (flag & 1) return
      if (Atomics.compareExchange(words, index, flag, (((flag >> 1) + 1) << 1) | 1) === flag) break
    }
    this.#word.wake(Number.POSITIVE_INFINITY)
  }

  clear(): void {
    Atomics.and(this.#word.words, this.#word.index, ~1)
  }

  /** Resolves to true once the flag is set, to false when the timeout, in milliseconds, ran out. */
  async wait(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOptions(options)
    return (await this.#word.wait(this.#step(), timeout, signal)) ?? false
  }

  /** The same, blocking the thread. */
  waitSync(options?: { timeout?: number }): boolean {
    return this.#word.waitSync(this.#step(), waitOptions(options).timeout) ?? false
  }

  get [waitable](): unknown {
    return { family: this.#family, word: this.#word, isReady: () => this.isSet() }
  }

  #step(): Step<true> {
    const generation = this.#word.load() >> 1
    return () => {
      const flag = this.#word.load()
      return flag & 1 || flag >> 1 !== generation ? true : undefined
    }
  }
}
