import { setTimeout as sleep } from 'node:timers/promises'
import { Throttle } from './throttle.ts'

/** Gives out the moments at which requests to a host may start. */
export class Pacer {
  readonly #followsLatency: (host: string) => boolean
  readonly #hosts = new Map<string, HostPace>()

  /** @param followsLatency whether the rate of a host follows its latency. Left out: of none */
  constructor(followsLatency: (host: string) => boolean = () => false) {
    this.#followsLatency = followsLatency
  }

  /** What is known of a host's pace. */
  of(host: string): HostPace {
    let pace = this.#hosts.get(host)
    if (!pace) this.#hosts.set(host, (pace = new HostPace(this.#followsLatency(host))))
    return pace
  }

  /**
   * Waits for a turn. Turns are given in the order of the calls.
   *
   * @param host whose turns are apart
   * @param delayMs least time from the host's turn before to this one
   * @param signal ends the wait: the promise rejects with its reason, and so do those of the turns after it
   */
  turn(host: string, delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.of(host).turn(delayMs, signal)
  }
}

export class HostPace {
  readonly throttle: Throttle
  /** When the last turn was given, or will be; in the time of `performance.now()`. */
  #last: Promise<number> = Promise.resolve(Number.NEGATIVE_INFINITY)
  #pausedUntil = Number.NEGATIVE_INFINITY

  constructor(followsLatency: boolean) {
    this.throttle = new Throttle(followsLatency)
  }

  async turn(delayMs: number, signal?: AbortSignal): Promise<void> {
    const turn = this.#last.then(last => this.#wait(last, delayMs, signal))
    this.#last = turn
    await turn
  }

  /** The server says that it is asked too often: no turn is given for so many milliseconds, and fewer after that. */
  complain(ms: number): void {
    const now = performance.now()
    // The requests that were under way together are refused together: that is one complaint.
    if (now >= this.#pausedUntil) this.throttle.complained()
    this.#pausedUntil = Math.max(this.#pausedUntil, now + ms)
  }

  /** @returns the time at its end: a timer may be late, and the next turn is counted from there */
  async #wait(last: number, delayMs: number, signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted()
    for (let left = 0; (left = this.#left(last, delayMs)) > 0; ) {
      await sleep(Math.min(Math.ceil(left), MAX_SLEEP_MS), undefined, { signal })
    }
    return performance.now()
  }

  /** Asked again after each sleep, as a pause may have come meanwhile. */
  #left(last: number, delayMs: number): number {
    return Math.max(last + Math.max(delayMs, this.throttle.delayMs), this.#pausedUntil) - performance.now()
  }
}

/** Longer ones overflow Node's timers. */
const MAX_SLEEP_MS = 2 ** 31 - 1
