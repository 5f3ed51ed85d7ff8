/** In a worker: whether what is left of a chunk is better shared with workers that have nothing to do. */
import { monotonicMs } from '../../ground/os/time.ts'
import type { ParkingLot } from '../../ground/waiting/parking-lot.ts'
import type { TaskTable } from '../shared/task-table.ts'

/** The milliseconds after which a chunk is looked at. */
const LONG_CHUNK_MS = 2
/** The milliseconds that the rest of a chunk must seem to take to be worth sharing: to send it again takes time, too. */
const WORTH_SHARING_MS = 10
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
    this.#begin = monotonicMs()
    this.#lastLook = this.#begin
    this.#stride = 1
  }

  /**
   * Between two items. 0: another worker idles, no task waits, and much is left of this chunk. Else the number of items after which
   * to look again: short ones are not worth a look each.
   * @param done items @param left items
   */
  readonly look = (done: number, left: number): number => {
    const now = monotonicMs()
    this.#stride = now - this.#lastLook < SHORT_ITEM_MS * this.#stride ? Math.min(MAX_STRIDE, this.#stride * 2) : 1
    this.#lastLook = now
    const spent = now - this.#begin
    const isLong = spent > LONG_CHUNK_MS && (spent / done) * left > WORTH_SHARING_MS
    return isLong && this.#lot.hasSleepers(this.#table.signalAt) && !this.#table.hasReady ? 0 : this.#stride
  }
}
