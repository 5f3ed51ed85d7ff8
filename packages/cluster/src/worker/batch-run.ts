/** Runs one batch in the processes of a worker program: in portions, each of which is a task of the local Pool. */
import { type Pool, PoolTerminatedError, WorkerDiedError } from 'multiprocess'
import { encodeError } from 'multiprocess/codec'
import type { BatchBody } from '../wire/batch.ts'
import { nameModule } from '../wire/modules.ts'
import { pack, unpack } from '../wire/packed.ts'
import type { Permits } from './permits.ts'
import { type Done, runItems } from './run-items.ts'

/** Small items run together, for about this many milliseconds. */
const PORTION_MS = 10
/** If the items of a portion take longer than expected, the portion returns its other items after this many milliseconds. */
const BUDGET_MS = 50
/**
 * The maximum number of portions of a batch while nothing is known of its function: in a longer batch, items run together from the
 * beginning.
 */
const MOST_UNKNOWN = 256

/** The result of one item: its index in the batch, whether it failed, and the value or error as bytes. */
export type Outcome = readonly [index: number, isError: boolean, bytes: Uint8Array]

interface Portion {
  readonly indexes: readonly number[]
  readonly controller: AbortController
}

export class BatchRun {
  readonly #pool: Pool
  readonly #permits: Permits
  readonly #body: BatchBody
  readonly #code: Uint8Array
  readonly #items: readonly Uint8Array[]
  readonly #arrived: (outcomes: Outcome[], ms: number) => void
  readonly #portions = new Set<Portion>()
  readonly #stopped = new Set<number>()
  #isStopped = false

  /**
   * @param permits allow a portion to be given to the pool; a portion that waits for one has not begun
   * @param code the function's bytes
   * @param arrived gets results as they arrive
   */
  constructor(
    pool: Pool,
    permits: Permits,
    body: BatchBody,
    code: Uint8Array,
    arrived: (outcomes: Outcome[], ms: number) => void
  ) {
    this.#pool = pool
    this.#permits = permits
    this.#body = body
    this.#code = code
    this.#items = unpack(body.items)
    this.#arrived = arrived
  }

  /**
   * Resolves once all items are done or stopped.
   * @param isConcurrent true if each process runs several tasks at once: each item is then a separate task
   * @throws an error that makes the local pool unusable
   */
  async run(isConcurrent: boolean): Promise<void> {
    const { cost, timeout } = this.#body
    const indexes = this.#items.flatMap(({ length }, i) => (length > 0 ? [i] : []))
    let size = 1
    if (!isConcurrent && timeout === Number.POSITIVE_INFINITY) {
      const known = cost === undefined ? indexes.length / MOST_UNKNOWN : PORTION_MS / Math.max(cost, 0.001)
      size = Math.max(1, Math.floor(known))
    }
    await this.#runAll(indexes, size)
  }

  /** Leaves out items that are no longer wanted. With `isBegunToo`, ends those that have begun. */
  stop(indexes: Iterable<number>, isBegunToo: boolean): void {
    for (const index of indexes) this.#stopped.add(index)
    if (!isBegunToo) return
    for (const { indexes, controller } of this.#portions) {
      if (indexes.every(index => this.#stopped.has(index))) controller.abort()
    }
  }

  /** Ends everything: the rest of the batch goes to other workers. */
  stopAll(): void {
    this.#isStopped = true
    for (const { controller } of this.#portions) controller.abort()
  }

  async #runAll(indexes: readonly number[], size: number): Promise<void> {
    const runs: Promise<void>[] = []
    for (let at = 0; at < indexes.length; at += size) runs.push(this.#runPortion(indexes.slice(at, at + size)))
    await Promise.all(runs)
  }

  async #runPortion(all: readonly number[]): Promise<void> {
    await this.#permits.acquire()
    let rest: readonly number[] = []
    try {
      rest = await this.#runNow(all)
    } finally {
      this.#permits.release()
    }
    if (rest.length > 0) await this.#runAll(rest, Math.ceil(rest.length / 4))
  }

  /** Runs items. Returns those that must run again, in smaller portions. */
  async #runNow(all: readonly number[]): Promise<readonly number[]> {
    const indexes = all.filter(index => !this.#stopped.has(index))
    if (indexes.length === 0 || this.#isStopped) return []
    const portion = { indexes, controller: new AbortController() }
    this.#portions.add(portion)
    let done: Done | null
    try {
      done = (await this.#task(portion, null)) ?? (await this.#task(portion, this.#code))
    } catch (error) {
      if (error instanceof PoolTerminatedError) throw error
      if (portion.controller.signal.aborted) return []
      // Smaller and smaller portions find the item that ended the process.
      if (error instanceof WorkerDiedError && indexes.length > 1) return indexes
      const bytes = encodeError(error, { audience: 'program', nameModule })
      this.#arrived(
        indexes.map(index => [index, true, bytes]),
        0
      )
      return []
    } finally {
      this.#portions.delete(portion)
    }
    if (done === null) return []
    const { errors, values, ms } = done
    this.#arrived(
      unpack(values).map((bytes, i) => [indexes[i], errors[i] === 1, bytes]),
      ms
    )
    return indexes.slice(errors.length)
  }

  #task({ indexes, controller }: Portion, code: Uint8Array | null): Promise<Done | null> {
    const { hash, passing, timeout, killAfter, retries } = this.#body
    const items = pack(indexes.map(index => this.#items[index]))
    const work = { hash, code, passing, items, budget: BUDGET_MS }
    return this.#pool.apply(runItems, [work], {
      // A single item may be retried; of several items, it is unknown which one is to blame.
      retries: indexes.length === 1 ? retries : 0,
      killAfter,
      signal: controller.signal,
      ...(timeout === Number.POSITIVE_INFINITY ? {} : { timeout })
    })
  }
}
