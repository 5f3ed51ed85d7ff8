/** In a worker: whether what is left of a chunk is better shared with workers that have nothing to do. */
import type { ParkingLot } from '../ground/parking-lot.ts'
import type { TaskTable } from './task-table.ts'

/** A chunk is worth sharing after so many milliseconds. */
const LONG_CHUNK_MS = 2
/** Items that take less are looked between only now and then. */
const SHORT_ITEM_MS = 0.05
const MAX_STRIDE = 64

export class ChunkWatch {
  readonly #table: TaskTable
  readonly #lot: ParkingLot
  #begin = 0
  #lastLook = 0
  #stride = 1

  constructor(table: TaskTable, lot: ParkingLot) {
    this.#table = table
    this.#lot = lot
  }

  /** A chunk begins. Only one can be under way. */
  begin(): void {
    this.#begin = performance.now()
    this.#lastLook = this.#begin
    this.#stride = 1
  }

  /**
   * Between two items. 0: another worker idles, no task waits, and this chunk is a long one. Else the number of items after which
   * to look again: short ones are not worth a look each.
   */
  readonly look = (): number => {
    const now = performance.now()
    this.#stride = now - this.#lastLook < SHORT_ITEM_MS * this.#stride ? Math.min(MAX_STRIDE, this.#stride * 2) : 1
    this.#lastLook = now
    const isLong = now - this.#begin > LONG_CHUNK_MS
    return isLong && this.#lot.hasSleepers(this.#table.signalAt) && !this.#table.hasReady ? 0 : this.#stride
  }
}
