import { setTimeout as sleep } from 'node:timers/promises'

/** Gives out the moments at which requests to a host may start, as far apart as was asked. */
export class Pacer {
  /** By host: when its last turn was given, or will be; in the time of `performance.now()`. */
  readonly #turns = new Map<string, Promise<number>>()

  /**
   * Waits for a turn. Turns are given in the order of the calls.
   *
   * @param host whose turns are apart
   * @param delayMs from the host's turn before to this one
   * @param signal ends the wait: the promise rejects with its reason, and so do those of the turns after it
   */
  async turn(host: string, delayMs: number, signal?: AbortSignal): Promise<void> {
    const before = this.#turns.get(host)
    const turn = before ? before.then(last => wait(last + delayMs, signal)) : wait(Number.NEGATIVE_INFINITY, signal)
    this.#turns.set(host, turn)
    await turn
  }
}

/** @returns the time at its end: a timer may be late, and the next turn is counted from there */
async function wait(until: number, signal: AbortSignal | undefined): Promise<number> {
  signal?.throwIfAborted()
  for (let left = 0; (left = until - performance.now()) > 0; ) {
    await sleep(Math.min(Math.ceil(left), MAX_SLEEP_MS), undefined, { signal })
  }
  return performance.now()
}

/** Longer ones overflow Node's timers. */
const MAX_SLEEP_MS = 2 ** 31 - 1
