/**
 * A count that can be taken from while it is above 0: Python's `multiprocessing.Semaphore` and `BoundedSemaphore`.
 *
 *     VALUE     n > 0 → n − 1     by the acquirer, compare-and-exchange
 *               n → n + 1         by the releaser, which then wakes as lock.ts does
 *               its sign is the FLAG, and the next words are TURN and UNUSED, see turns.ts
 *     CEILING   the highest value of a bounded semaphore; written once
 *
 * What a process had acquired when it died stays acquired, as in Python: no word says which process has which part of the count.
 */
import { checkInteger } from '../checks.ts'
import { ValueError } from '../errors.ts'
import type { BlockKind } from '../ground/arena/block-kinds.ts'
import { inspectAs } from '../ground/inspect.ts'
import { isNew } from '../memory/shared-object.ts'
import { Lock, type Outcome } from './lock.ts'
import { REST, type Turn } from './turns.ts'

const VALUE = 0
const CEILING = 3
const LARGEST = REST

/**
 * A lock that several callers may hold at once: `acquire` lowers its value, or waits while that is 0; `release` raises it. See Python's
 * `multiprocessing.Semaphore`.
 * @example
 * import { Semaphore } from 'multiprocess'
 *
 * const semaphore = new Semaphore(2)
 * await semaphore.acquire()
 * console.log(semaphore.value) // 1
 */
export class Semaphore extends Lock {
  protected static override readonly size: number = 16
  protected static override readonly kind: BlockKind = 'Semaphore'

  static {
    inspectAs(Semaphore, semaphore => {
      const ceiling = semaphore.words[semaphore.index + CEILING]
      return `value: ${semaphore.value}${ceiling === LARGEST ? '' : ` of ${ceiling}`}`
    })
  }

  /** @param value an integer of 0 or more. Default: 1 @throws TypeError if it is not a number, ValueError if it is another number */
  constructor(value = 1) {
    checkInteger('value', value, 0, LARGEST)
    const isFirst = isNew()
    super()
    if (!isFirst) return
    this.words[this.index + CEILING] = this.ceiling(value)
    Atomics.store(this.words, this.index + VALUE, value)
  }

  protected ceiling(_value: number): number {
    return LARGEST
  }

  /** The number of times that the semaphore can be acquired without waiting. */
  get value(): number {
    return Atomics.load(this.words, this.index + VALUE) & REST
  }

  /** True if `acquire` would wait. */
  override get locked(): boolean {
    return this.value === 0
  }

  /** Does the same as `acquire`, and blocks the thread. @param options.timeout milliseconds. Default: Infinity */
  override acquireSync(options?: { timeout?: number }): boolean {
    return (options === undefined && this.tryAtOnce()) || this.acquireBlocking(options)
  }

  /** @throws ValueError if a bounded semaphore would rise above its first value */
  override release(): void {
    const ceiling = this.words[this.index + CEILING]
    for (;;) {
      const former = this.on.load(this.at)
      const value = former & REST
      if (value >= ceiling)
        throw new ValueError(
          `cannot release the semaphore: it was released more often than acquired, and its value is ${value}`
        )
      if (this.on.compareExchange(this.at, former, former + 1) === former) {
        this.wakeNext(former)
        return
      }
    }
  }

  protected override stateAt(at: number): string {
    return `whose value is {word ${at}}`
  }

  protected override tryAtOnce(): boolean {
    const value = this.on.load(this.at)
    return value > 0 && this.on.compareExchange(this.at, value, value - 1) === value
  }

  protected override tryOnce(turn: Turn, looksClosely: boolean): Outcome | undefined {
    for (;;) {
      const value = Atomics.load(this.words, this.index + VALUE)
      if (value < 0 && !turn.mayPass((value & REST) > 0, looksClosely)) return undefined
      if ((value & REST) === 0) return undefined
      if (Atomics.compareExchange(this.words, this.index + VALUE, value, value - 1) === value) return 'acquired'
    }
  }

  protected override available(rest: number): number {
    return rest
  }
}

/** A semaphore whose value never rises above its first one. */
export class BoundedSemaphore extends Semaphore {
  protected static override readonly kind: BlockKind = 'BoundedSemaphore'

  protected override ceiling(value: number): number {
    return value
  }
}
