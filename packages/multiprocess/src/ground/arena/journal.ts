/**
 * An undo log for words guarded by a lock. If the holder of the lock dies in the middle of a change, the next holder takes back
 * what was changed, so it finds either the whole change or nothing of it.
 *
 * Protocol: `set` writes the old value to the log, then raises the count, then changes the word. `commit` sets the count to 0.
 * `undo` puts the old values back from the last to the first; undoing twice does no harm, so the next `undo` finishes one that a
 * death interrupted. Only the holder of the lock touches the log.
 */
import { JOURNAL_CAPACITY, JOURNAL_COUNT_WORD, JOURNAL_WORD, WINDOW_BYTES } from './layout.ts'
import { type Memory, windowIndex } from './memory.ts'

const ENTRY_WORDS = 3

export class Journal {
  readonly #memory: Memory
  readonly #log: Int32Array

  constructor(memory: Memory) {
    this.#memory = memory
    this.#log = memory.first.words
  }

  /** Changes the word at `at`, and logs its old value. */
  set(at: number, value: number): void {
    const index = windowIndex(at)
    const word = (at % WINDOW_BYTES) >> 2
    const words = this.#memory.window(index).words
    const count = this.#log[JOURNAL_COUNT_WORD]
    if (count >= JOURNAL_CAPACITY) throw new Error('the journal is full')
    const entry = JOURNAL_WORD + count * ENTRY_WORDS
    this.#log[entry] = index
    this.#log[entry + 1] = word
    this.#log[entry + 2] = words[word]
    Atomics.store(this.#log, JOURNAL_COUNT_WORD, count + 1)
    words[word] = value
  }

  commit(): void {
    Atomics.store(this.#log, JOURNAL_COUNT_WORD, 0)
  }

  undo(): void {
    for (let count = this.#log[JOURNAL_COUNT_WORD]; count > 0; count--) {
      const entry = JOURNAL_WORD + (count - 1) * ENTRY_WORDS
      this.#memory.window(this.#log[entry]).words[this.#log[entry + 1]] = this.#log[entry + 2]
    }
    this.commit()
  }
}
