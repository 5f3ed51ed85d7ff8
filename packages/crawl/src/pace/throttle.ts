/** How many requests are to be under way at one host on average: the rate follows from its latency. */
const TARGET = 4
const MAX_DELAY_MS = 60_000
/** The least delay after a server said that it is asked too often. */
const FIRST_DELAY_MS = 50
/** What remains of that delay after each answer that is no such complaint. */
const RECOVERY = 0.95
/** Of so many answers the latency is known. */
const SAMPLES = 200

/**
 * The pause between two requests to one host that its answers suggest: Scrapy's AutoThrottle, with more requests at a time,
 * and a slow return after each complaint of the server.
 */
export class Throttle {
  readonly #followsLatency: boolean
  readonly #latencies: number[] = []
  #next = 0
  #latencyDelayMs = 0
  #complaintDelayMs = 0

  /** @param followsLatency whether the rate follows the server's latency; without, only its complaints count */
  constructor(followsLatency: boolean) {
    this.#followsLatency = followsLatency
  }

  /** Between two requests, in milliseconds. */
  get delayMs(): number {
    return Math.min(MAX_DELAY_MS, Math.max(this.#latencyDelayMs, this.#complaintDelayMs))
  }

  /** The time to the headers that 95 % of the last 200 answers kept, in milliseconds; 0: there were none. */
  get p95Ms(): number {
    const sorted = [...this.#latencies].sort((a, b) => a - b)
    return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0
  }

  /** @param isGood a page, or anything else that took the server its usual time; errors are often answered faster */
  answered(latencyMs: number, isGood: boolean): void {
    this.#latencies[this.#next++ % SAMPLES] = latencyMs
    this.#complaintDelayMs = this.#complaintDelayMs < 1 ? 0 : this.#complaintDelayMs * RECOVERY
    if (!this.#followsLatency) return
    const target = latencyMs / TARGET
    const mean = (this.#latencyDelayMs + target) / 2
    if (isGood || mean > this.#latencyDelayMs) this.#latencyDelayMs = Math.max(target, mean)
  }

  /** The server said that it is asked too often. */
  complained(): void {
    this.#complaintDelayMs = Math.min(MAX_DELAY_MS, Math.max(FIRST_DELAY_MS, this.#complaintDelayMs * 2))
  }
}
