/**
 * Seats limit how many processes spin at once: as many as there are processors, and none if there is one processor. A spinner takes a
 * seat by compare-and-exchange of 0 with its id, and leaves it by writing 0. The process that reaps a dead spinner frees its seat.
 */
import { SEAT_COUNT, SEATS_WORD } from '../arena/layout.ts'
import type { Memory } from '../arena/memory.ts'
import type { OwnerId } from '../arena/process-table.ts'

export class Seats {
  readonly #words: Int32Array
  readonly #self: OwnerId
  readonly #processors: () => number
  #count = -1
  #taken = -1

  constructor(memory: Memory, self: OwnerId, processors: () => number) {
    this.#words = memory.first.words
    this.#self = self
    this.#processors = processors
  }

  /** Takes a seat. Returns false if this process must not spin now. */
  take(): boolean {
    if (this.#taken >= 0) return true
    if (this.#count < 0) {
      const processors = this.#processors()
      this.#count = processors < 2 ? 0 : Math.min(processors, SEAT_COUNT)
    }
    for (let seat = 0; seat < this.#count; seat++) {
      if (Atomics.compareExchange(this.#words, SEATS_WORD + seat, 0, this.#self) === 0) {
        this.#taken = seat
        return true
      }
    }
    return false
  }

  leave(): void {
    if (this.#taken < 0) return
    Atomics.store(this.#words, SEATS_WORD + this.#taken, 0)
    this.#taken = -1
  }

  freeAllOf(owner: OwnerId): void {
    for (let seat = 0; seat < SEAT_COUNT; seat++) Atomics.compareExchange(this.#words, SEATS_WORD + seat, owner, 0)
  }
}
