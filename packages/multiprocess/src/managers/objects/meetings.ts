/** Events and barriers, as a server keeps them. */
import { BrokenBarrierError } from '../../errors.ts'
import { checkTimeout } from '../../ground/waitable.ts'
import { type BarrierOptions, checkBarrier } from '../../sync/barrier-options.ts'
import { atOnce } from './at-once.ts'
import { WaitLine } from './wait-line.ts'

export class EventObject {
  #isSet = false
  readonly #line = new WaitLine<boolean>()

  isSet(): boolean {
    return this.#isSet
  }

  set(): void {
    this.#isSet = true
    for (const waiter of this.#line) waiter.settle(() => true)
  }

  clear(): void {
    this.#isSet = false
  }

  /** Returns true once the event is set, false if the timeout ran out. */
  wait(timeout = Number.POSITIVE_INFINITY): boolean | Promise<boolean> {
    if (this.#isSet || timeout === 0) return this.#isSet
    return this.#line.wait(timeout, () => false, undefined)
  }
}

/** Who gives up waiting, or dies, breaks it: the others would wait for ever. */
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

  /** Returns a number from 0 to parties - 1, another one to each party. @throws BrokenBarrierError */
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

  reset(): void {
    this.#breakAll()
    this.#isBroken = false
  }

  abort(): void {
    this.#isBroken = true
    this.#breakAll()
  }

  parties(): number {
    return this.#parties
  }

  nWaiting(): number {
    return this.#line.size
  }

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
