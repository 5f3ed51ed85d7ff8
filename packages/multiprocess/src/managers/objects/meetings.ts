/** The events and barriers of a server. */
import { BrokenBarrierError } from '../../errors.ts'
import { checkTimeout } from '../../ground/waitable.ts'
import { type BarrierOptions, checkBarrier } from '../../sync/barrier-options.ts'
import { atOnce } from './at-once.ts'
import { WaitLine } from './wait-line.ts'

/** An event at the server. */
export class EventObject {
  #isSet = false
  readonly #line = new WaitLine<boolean>()

  /** Returns true if the event is set. */
  isSet(): boolean {
    return this.#isSet
  }

  /** Sets the event, and wakes all who wait for it. */
  set(): void {
    this.#isSet = true
    for (const waiter of this.#line) waiter.settle(() => true)
  }

  /** Clears the event. */
  clear(): void {
    this.#isSet = false
  }

  /** Returns true once the event is set, or false if the timeout expires first. */
  wait(timeout = Number.POSITIVE_INFINITY): boolean | Promise<boolean> {
    if (this.#isSet || timeout === 0) return this.#isSet
    return this.#line.wait(timeout, () => false, undefined)
  }
}

/** A barrier at the server. A party that gives up waiting, or dies, breaks the barrier: the others would wait for ever. */
export class BarrierObject {
  readonly #parties: number
  readonly #action: (() => unknown) | undefined
  readonly #timeout: number
  readonly #line = new WaitLine<number, number>()
  #isBroken = false

  /** @throws TypeError, ValueError if `parties` is not an integer of 1 or more; TypeError for an unknown option */
  constructor(parties: number, options: BarrierOptions = {}) {
    checkBarrier(parties, options)
    const { action, timeout } = options
    this.#parties = parties
    this.#action = action
    this.#timeout = checkTimeout(timeout)
  }

  /**
   * Waits until all parties have arrived. Returns a different number from 0 to parties - 1 to each party. @throws BrokenBarrierError if the
   * barrier breaks
   */
  wait(timeout = this.#timeout): number | Promise<number> {
    if (this.#isBroken) throw new BrokenBarrierError()
    const index = this.#line.size
    if (index + 1 === this.#parties) {
      this.#pass()
      return index
    }
    return this.#line.wait(
      timeout,
      () => {
        this.abort()
        throw new BrokenBarrierError()
      },
      index,
      () => this.abort()
    )
  }

  /** Resets the barrier: waiting parties get a BrokenBarrierError, later ones can use it. */
  reset(): void {
    this.#breakAll()
    this.#isBroken = false
  }

  /** Breaks the barrier: waiting and later parties get a BrokenBarrierError. */
  abort(): void {
    this.#isBroken = true
    this.#breakAll()
  }

  /** Returns the number of parties. */
  parties(): number {
    return this.#parties
  }

  /** Returns the number of parties that wait. */
  nWaiting(): number {
    return this.#line.size
  }

  /** Returns true if the barrier is broken. */
  broken(): boolean {
    return this.#isBroken
  }

  #pass(): void {
    try {
      atOnce(this.#action?.(), 'action')
    } catch (error) {
      this.abort()
      throw error
    }
    for (const waiter of this.#line) waiter.settle(() => waiter.detail)
  }

  #breakAll(): void {
    for (const waiter of this.#line) {
      waiter.settle(() => {
        throw new BrokenBarrierError()
      })
    }
  }
}
