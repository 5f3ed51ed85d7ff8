/** The average number of simultaneous requests to one host: with the latency, it determines the rate. */
const TARGET = 4
const MAX_DELAY_MS = 60_000
/** The minimum delay after a server said that it gets too many requests. */
const FIRST_DELAY_MS = 50
/** The share of that delay that remains after each answer that is not such a complaint. */
const RECOVERY = 0.95
/** The number of answers whose latency is kept. */
const SAMPLES = 200

/**
 * The pause between two requests to one host that its answers suggest. It is Scrapy's AutoThrottle, with more simultaneous requests, and a
 * slow return after each complaint of the server.
 */
export class Throttle {
  readonly #followsLatency: boolean
  readonly #latencies: number[] = []
  #next = 0
  #latencyDelayMs = 0
  #complaintDelayMs = 0

  /** @param followsLatency true if the rate follows the server's latency; otherwise, only its complaints count */
  constructor(followsLatency: boolean) {
    this.#followsLatency = followsLatency
  }

  /** The pause between two requests, in milliseconds. */
  get delayMs(): number {
    return Math.min(MAX_DELAY_MS, Math.max(this.#latencyDelayMs, this.#complaintDelayMs))
  }

  /** True if the pause is that long because the server says that it gets too many requests. */
  get isAfterComplaint(): boolean {
    return this.#complaintDelayMs > this.#latencyDelayMs
  }

  /** The time to the headers that 95 % of the last 200 answers did not exceed, in milliseconds; 0 without answers. */
  get p95Ms(): number {
    const sorted = [...this.#latencies].sort((a, b) => a - b)
    return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0
  }

  /** @param isGood true for a page, or anything else that took the server its usual time; errors are often faster */
  answered(latencyMs: number, isGood: boolean): void {
    this.#latencies[this.#next++ % SAMPLES] = latencyMs
    this.#complaintDelayMs = this.#complaintDelayMs < 1 ? 0 : this.#complaintDelayMs * RECOVERY
    if (!this.#followsLatency) return
    const target = latencyMs / TARGET
    const mean = (this.#latencyDelayMs + target) / 2
    if (isGood || mean > this.#latencyDelayMs) this.#latencyDelayMs = Math.max(target, mean)
  }

  /** Notes that the server says it gets too many requests. */
  complained(): void {
    this.#complaintDelayMs = Math.min(MAX_DELAY_MS, Math.max(FIRST_DELAY_MS, this.#complaintDelayMs * 2))
  }
}
