/**
 * A robust lock on one word, for short sections inside this package. Uncontended, it never leaves JavaScript.
 *
 *     0                    free
 *     owner                held
 *     owner | SLEEPERS     held, and processes may sleep on the word
 *
 * Free → held: any process, by compare-and-exchange. Held → free: the holder, by exchange; it wakes one sleeper if SLEEPERS was
 * set. A process that has slept takes the lock with SLEEPERS set, because others may still sleep. Every `SLICE_MS`, a sleeper
 * checks that the holder still lives. One process takes over a dead holder's lock by compare-and-exchange; `acquire` returns true
 * there, and this process must repair what the lock guards. If a woken sleeper dies at once, it leaves the lock free: the next
 * sleeper finds it free after its slice.
 */
import { type Instructions, plainInstructions } from './instructions.ts'
import { WINDOW_BYTES } from './layout.ts'
import type { Memory } from './memory.ts'
import type { OwnerId } from './process-table.ts'

export const SLEEPERS = 0x40000000
const SLICE_MS = 100
const SPINS = 200

export class WordLock {
  readonly #memory: Memory
  readonly #on: Instructions
  readonly #at: number
  /** The place of the word for `#on`. */
  readonly #word: number
  readonly #self: OwnerId
  readonly #isAlive: (owner: OwnerId) => boolean

  /**
   * @param at bytes from the beginning of the arena
   * @param on the instructions that change the word, for a lock that is taken often; by default those that take no time to create
   */
  constructor(
    memory: Memory,
    at: number,
    self: OwnerId,
    isAlive: (owner: OwnerId) => boolean,
    on: Instructions = plainInstructions(memory.windowOf(at).words)
  ) {
    this.#memory = memory
    this.#on = on
    this.#at = at
    this.#word = (at % WINDOW_BYTES) | 0
    this.#self = self | 0
    this.#isAlive = isAlive
  }

  /** Acquires the lock. @returns true if the former holder died: what the lock guards may be half-written */
  acquire(): boolean {
    if (this.#on.compareExchange(this.#word, 0, this.#self) === 0) return false
    return this.#acquireSlow()
  }

  #acquireSlow(): boolean {
    for (let i = 0; i < SPINS; i++) {
      if (this.#on.load(this.#word) === 0 && this.#on.compareExchange(this.#word, 0, this.#self) === 0) {
        return false
      }
    }
    for (;;) {
      const seen = this.#on.load(this.#word)
      if (seen === 0) {
        if (this.#on.compareExchange(this.#word, 0, this.#self | SLEEPERS) === 0) return false
        continue
      }
      const flagged = seen | SLEEPERS
      if (seen !== flagged && this.#on.compareExchange(this.#word, seen, flagged) !== seen) continue
      if (this.#memory.wait(this.#at, flagged, SLICE_MS) !== 'timed-out') continue
      if (this.#isAlive(flagged & ~SLEEPERS)) continue
      if (this.#on.compareExchange(this.#word, flagged, this.#self | SLEEPERS) === flagged) return true
    }
  }

  release(): void {
    if (this.#on.exchange(this.#word, 0) & SLEEPERS) this.wakeNext()
  }

  /** Wakes the next sleeper. For a caller that has freed the word by itself, and found SLEEPERS in it. */
  wakeNext(): void {
    this.#memory.wake(this.#at, 1)
  }
}
