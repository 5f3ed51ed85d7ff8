/**
 * Tells a server which of its tokens are gone. The tokens are linked to blocks of words, one word for each token:
 *
 *     WAKE    of a block: slept on by the server, never changed; woken when one of its words became 1
 *     words   0, free or waiting → 1: by the last process that releases the token; → 0: by the server, when it has seen it
 *
 * The server first goes to sleep on WAKE and then examines the words, so it misses none.
 */

import { WINDOW_BYTES } from '../../ground/arena/layout.ts'
import type { Family } from '../../ground/family.ts'
import { setTimeout } from '../../ground/os/time.ts'
import { payloadAt } from '../../memory/shared-object.ts'

const WORDS = 4096
/** The pause between two examinations, in milliseconds: garbage collection releases many tokens at once. */
const PAUSE_MS = 5

interface WordBlock {
  readonly at: number
  readonly words: Int32Array
  readonly index: number
  readonly listeners: ((() => void) | undefined)[]
  readonly free: number[]
}

export class GoneWords {
  readonly #family: Family
  readonly #blocks: WordBlock[] = []
  readonly #onWake: () => void
  readonly #over = new AbortController()

  /**
   * Its waiting does not keep the process alive.
   * @param onWake runs after each wake-up, including one after every death in the family
   */
  constructor(family: Family, onWake: () => void) {
    this.#family = family
    this.#onWake = onWake
    this.#add()
  }

  /** Stops the calls of `onGone`. */
  stop(): void {
    this.#over.abort()
  }

  /**
   * Creates a token, held by this process until `drop`.
   * @param onGone runs once, when nothing has the token any more
   * @returns its block
   */
  createToken(onGone: () => void): number {
    const { shared } = this.#family
    const block = this.#blocks.find(({ free }) => free.length > 0) ?? this.#add()
    const place = block.free.pop() as number
    // The token has only its link, three words.
    const token = shared.create(12)
    const wake = payloadAt({ family: this.#family, at: block.at }) - block.at
    shared.link(token, [{ block: block.at, gone: wake + 4 + place * 4, wake }])
    block.listeners[place] = onGone
    return token
  }

  #add(): WordBlock {
    const at = this.#family.shared.create(4 + WORDS * 4)
    const wake = payloadAt({ family: this.#family, at })
    const { words } = this.#family.memory.windowOf(wake)
    const free = Array.from({ length: WORDS }, (_, i) => WORDS - 1 - i)
    const block: WordBlock = { at, words, index: ((wake % WINDOW_BYTES) >> 2) + 1, listeners: [], free }
    this.#blocks.push(block)
    void this.#watch(block, wake)
    return block
  }

  async #watch(block: WordBlock, wake: number): Promise<void> {
    const { lot, loop } = this.#family
    const { signal } = this.#over
    while (!signal.aborted) {
      const woken = lot.parkAsync(wake, 0, { signal }).catch(() => {})
      loop.release()
      this.#look(block)
      await woken
      loop.hold()
      if (signal.aborted) return
      this.#onWake()
      await new Promise(resolve => void setTimeout(resolve, PAUSE_MS).unref())
    }
  }

  #look({ words, index, listeners, free }: WordBlock): void {
    for (let place = 0; place < listeners.length; place++) {
      if (Atomics.load(words, index + place) === 0) continue
      Atomics.store(words, index + place, 0)
      const listener = listeners[place]
      listeners[place] = undefined
      free.push(place)
      listener?.()
    }
  }
}
