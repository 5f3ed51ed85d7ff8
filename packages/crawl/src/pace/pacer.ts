import { setTimeout as sleep } from 'node:timers/promises'
import { Throttle } from './throttle.ts'

/** Decides when requests to a host may start. */
export class Pacer {
  readonly #followsLatency: (host: string) => boolean
  readonly #hosts = new Map<string, HostPace>()

  /** @param followsLatency returns true if the rate of a host follows its latency. Default: always false */
  constructor(followsLatency: (host: string) => boolean = () => false) {
    this.#followsLatency = followsLatency
  }

  /** Returns the pace of a host. */
  of(host: string): HostPace {
    let pace = this.#hosts.get(host)
    if (!pace) this.#hosts.set(host, (pace = new HostPace(this.#followsLatency(host))))
    return pace
  }

  /** The hosts that were asked for a pace, in that order. */
  get hosts(): ReadonlyMap<string, HostPace> {
    return this.#hosts
  }

  /**
   * Waits for a turn. Turns are given in the order of the calls.
   * @param host the host whose turns are apart
   * @param delayMs the minimum time from the host's previous turn to this one
   * @param signal ends the wait: the promise rejects with its reason, and so do those of later turns
   */
  turn(host: string, delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.of(host).turn(delayMs, signal)
  }
}

export class HostPace {
  readonly throttle: Throttle
  /** When the last turn was given, or will be, as in `performance.now()`. */
  #last: Promise<number> = Promise.resolve(Number.NEGATIVE_INFINITY)
  #pausedUntil = Number.NEGATIVE_INFINITY
  #longestDelayMs = 0

  constructor(followsLatency: boolean) {
    this.throttle = new Throttle(followsLatency)
  }

  /** The longest time between two turns that a caller has asked for, in milliseconds. */
  get longestDelayMs(): number {
    return this.#longestDelayMs
  }

  /** The milliseconds until turns are given again, after a complaint; 0 if they are. */
  get restsMs(): number {
    return Math.max(0, this.#pausedUntil - performance.now())
  }

  async turn(delayMs: number, signal?: AbortSignal): Promise<void> {
    this.#longestDelayMs = Math.max(this.#longestDelayMs, delayMs)
    const turn = this.#last.then(last => this.#wait(last, delayMs, signal))
    this.#last = turn
    await turn
  }

  /** Notes that the server says it gets too many requests: no turn is given for this many milliseconds, and fewer after that. */
  complain(ms: number): void {
    const now = performance.now()
    // Simultaneous requests are refused together: this counts as one complaint.
    if (now >= this.#pausedUntil) this.throttle.complained()
    this.#pausedUntil = Math.max(this.#pausedUntil, now + ms)
  }

  /** Waits. @returns the time at its end: a timer may be late, and the next turn is counted from there */
  async #wait(last: number, delayMs: number, signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted()
    for (let left = 0; (left = this.#left(last, delayMs)) > 0; ) {
      await sleep(Math.min(Math.ceil(left), MAX_SLEEP_MS), undefined, { signal })
    }
    return performance.now()
  }

  /** Computed again after each sleep, because a pause may have begun meanwhile. */
  #left(last: number, delayMs: number): number {
    return Math.max(last + Math.max(delayMs, this.throttle.delayMs), this.#pausedUntil) - performance.now()
  }
}

/** A longer delay would overflow Node's timers. */
const MAX_SLEEP_MS = 2 ** 31 - 1
