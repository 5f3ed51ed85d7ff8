/** Items that wait for the same function with the same options, and how many of them travel in one batch. */
import { FifoQueue, type Task } from 'multiprocess/pooling'
import type { Passing } from '../wire/batch.ts'
import type { Code } from './code.ts'

/** One item, or the arguments of one call. */
export interface Unit {
  readonly task: Task
  readonly bytes: Uint8Array
  readonly lane: Lane
  /** How many worker programs were lost while they had this item alone. */
  lost: number
  /** How often its batch has vanished from the server. */
  vanished: number
  isSettled: boolean
}

/** What the items of a lane have in common. */
export interface LaneKind {
  readonly code: Code
  readonly passing: Passing
  readonly timeout: number
  readonly killAfter: number
  readonly retries: number
  /** Items in a batch, if somebody asked for a number. */
  readonly chunksize: number | undefined
}

/** The work that a batch is made to hold. */
const BATCH_MS = 100
const MOST_ITEMS = 4096
const MOST_BYTES = 1 << 20
/** While nothing is known of a function. */
const FIRST_ITEMS = 16
/** Batches get smaller towards the end of the items, and never smaller than this work. */
const LEAST_MS = 5
/** The weight of the newest batch in the average. */
const NEWEST = 0.4

export class Lane {
  readonly kind: LaneKind
  readonly #waiting = new FifoQueue<Unit>()
  #cost: number | undefined

  constructor(kind: LaneKind) {
    this.kind = kind
  }

  get length(): number {
    return this.#waiting.length
  }

  /** Milliseconds that an item takes; undefined: not known. */
  get cost(): number | undefined {
    return this.#cost
  }

  push(unit: Unit): void {
    this.#waiting.push(unit)
  }

  /** Takes out what was settled while it waited. */
  clean(): void {
    this.#waiting.filter(unit => !unit.isSettled)
  }

  /** Takes all. */
  drain(): Unit[] {
    return this.#waiting.filter(() => false)
  }

  /** @param ms that the items took together */
  observe(ms: number, items: number): void {
    if (items === 0) return
    const cost = ms / items
    this.#cost = this.#cost === undefined ? cost : this.#cost * (1 - NEWEST) + cost * NEWEST
  }

  /** How many items make a batch, however many wait. */
  get size(): number {
    const { chunksize } = this.kind
    if (chunksize !== undefined) return chunksize
    if (this.#cost === undefined) return FIRST_ITEMS
    return Math.max(1, Math.min(MOST_ITEMS, Math.floor(BATCH_MS / Math.max(this.#cost, 0.001))))
  }

  /** Takes the next batch. @param places that want one each */
  take(places: number): Unit[] {
    const { chunksize } = this.kind
    const share = chunksize ?? Math.ceil(this.#waiting.length / places)
    const least = this.#cost === undefined ? 1 : Math.ceil(LEAST_MS / Math.max(this.#cost, 0.001))
    const most = Math.min(this.size, Math.max(least, share))
    const units: Unit[] = []
    let bytes = 0
    while (units.length < most && this.#waiting.length > 0) {
      const unit = this.#waiting.shift() as Unit
      if (unit.isSettled) continue
      units.push(unit)
      bytes += unit.bytes.length
      if (bytes >= MOST_BYTES) break
    }
    return units
  }
}
