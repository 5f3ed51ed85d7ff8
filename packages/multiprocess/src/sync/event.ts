/**
 * A flag that can be waited for: Python's `multiprocessing.Event`.
 *
 *     FLAG   generation << 1 | isSet; a `set` of a cleared flag begins a new generation
 *
 * A wait ends when the flag is set or the generation has changed, so a `clear` right after a `set` takes away no wake-up.
 */
import type { BlockKind } from '../ground/arena/block-kinds.ts'
import type { Family } from '../ground/family.ts'
import { inspectAs } from '../ground/inspect.ts'
import { type Waitable, type WaitOptions, waitable } from '../ground/waitable.ts'
import { handleOf, payloadAt, SharedObject } from '../memory/shared-object.ts'
import { type Step, WaitWord, waitOptions } from './waiting.ts'

/**
 * A flag that processes set and wait for. See Python's `multiprocessing.Event`.
 * @example
 * import { Event, Process } from 'multiprocess'
 *
 * const ready = new Event()
 * const child = new Process({ target: () => ready.set() })
 * child.start()
 * console.log(await ready.wait({ timeout: 10_000 })) // true
 */
export class Event extends SharedObject implements Waitable {
  protected static override readonly kind: BlockKind = 'Event'

  static {
    inspectAs(Event, event => (event.isSet() ? 'set' : 'not set'))
  }

  readonly #word: WaitWord
  readonly #family: Family

  /** Creates an event whose flag is not set. */
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

  /** Returns true if the flag is set. */
  isSet(): boolean {
    return (this.#word.load() & 1) === 1
  }

  /** Sets the flag and wakes all waiters. */
  set(): void {
    const { words, index } = this.#word
    for (;;) {
      const flag = this.#word.load()
      if (flag & 1) return
      if (Atomics.compareExchange(words, index, flag, (((flag >> 1) + 1) << 1) | 1) === flag) break
    }
    this.#word.wake(Number.POSITIVE_INFINITY)
  }

  /** Clears the flag. */
  clear(): void {
    Atomics.and(this.#word.words, this.#word.index, ~1)
  }

  /** Resolves to true once the flag is set, or to false if the timeout, in milliseconds, runs out. */
  async wait(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOptions(options)
    return (await this.#word.wait(this.#step(), timeout, signal)) ?? false
  }

  /** Does the same and blocks the thread. */
  waitSync(options?: { timeout?: number }): boolean {
    return this.#word.waitSync(this.#step(), waitOptions(options).timeout) ?? false
  }

  /** Makes the event an object that `wait` accepts: ready while the flag is set. */
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
