/** The items that wait for the same function with the same options, and the number of items in a batch. */
import { FifoQueue, type Task } from 'multiprocess/pooling'
import type { Passing } from '../wire/batch.ts'
import type { Code } from './code.ts'

/** One item, or the arguments of one call. */
export interface Unit {
  readonly task: Task
  readonly bytes: Uint8Array
  readonly lane: Lane
  /** How many worker programs were lost while they had only this item. */
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
  /** The number of items in a batch, if the caller chose it. */
  readonly chunksize: number | undefined
}

/** The amount of work that a batch should hold. */
const BATCH_MS = 100
const MOST_ITEMS = 4096
const MOST_BYTES = 1 << 20
/** The number of items while nothing is known of a function. */
const FIRST_ITEMS = 16
/** Batches get smaller towards the end of the items, but never smaller than this amount of work. */
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

  /** The milliseconds that an item takes; undefined if not known. */
  get cost(): number | undefined {
    return this.#cost
  }

  push(unit: Unit): void {
    this.#waiting.push(unit)
  }

  /** Removes items that were settled while they waited. */
  clean(): void {
    this.#waiting.filter(unit => !unit.isSettled)
  }

  /** Takes all items. */
  drain(): Unit[] {
    return this.#waiting.filter(() => false)
  }

  /** @param ms the milliseconds that the items took together */
  observe(ms: number, items: number): void {
    if (items === 0) return
    const cost = ms / items
    this.#cost = this.#cost === undefined ? cost : this.#cost * (1 - NEWEST) + cost * NEWEST
  }

  /** The number of items in a batch, however many wait. */
  get size(): number {
    const { chunksize } = this.kind
    if (chunksize !== undefined) return chunksize
    if (this.#cost === undefined) return FIRST_ITEMS
    return Math.max(1, Math.min(MOST_ITEMS, Math.floor(BATCH_MS / Math.max(this.#cost, 0.001))))
  }

  /** Takes the next batch. @param places the number of places that each want a batch */
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

/** A batch that was sent. */
export interface Batch {
  readonly number: number
  readonly lane: Lane
  readonly units: readonly Unit[]
  /** What is sent, one after the other, once these have settled: the other halves of a batch that was lost. */
  readonly after: readonly (readonly Unit[])[]
  attempt: number
  left: number
  /** True if it keeps its function on the server. */
  holds: boolean
  /** True if the server has confirmed that it has the batch. */
  isQueued: boolean
  looks: number
}
