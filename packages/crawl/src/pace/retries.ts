import type { FailureKind } from '../http/failure.ts'
import { retryAfter } from './retry-after.ts'

/** A longer wait that a server asks for is cut to this. */
export const MAX_WAIT_MS = 120_000
/** The number of times that one page waits because its server says so; such waits do not count as retries. */
const MOST_WAITS = 8
/** Statuses of 500 and above that a retry does not change. */
const FINAL = new Set([501, 505, 506, 507, 508, 510, 511])

/** The outcome of one attempt, as far as it shows whether a retry is useful. */
export interface Attempt {
  status: number | null
  failure: FailureKind | null
  /** The `Retry-After` header. */
  retryAfter: string | null
}

/** A useful retry. */
export interface Retry {
  /** The wait before the attempt, in milliseconds. */
  waitMs: number
  /** True if the server is overloaded: no request may go to the host during the wait. */
  isForHost: boolean
}

/** Decides for one page whether it is requested again, and when. */
export class Retries {
  readonly #most: number
  readonly #pauseMs: number
  #retries = 0
  #waits = 0

  /**
   * @param most the maximum number of retries
   * @param pauseMs the pause before the first retry; it doubles before each further one
   */
  constructor(most: number, pauseMs: number) {
    this.#most = most
    this.#pauseMs = pauseMs
  }

  /**
   * @param isKnownHost true if the host's name was found before
   * @returns undefined if the outcome is final
   */
  next({ status, failure, retryAfter: header }: Attempt, isKnownHost: boolean): Retry | undefined {
    if (this.#most === 0) return undefined
    const asked = status === 429 || status === 503 ? retryAfter(header, Date.now()) : null
    if (status === 429 || asked !== null) {
      if (this.#waits >= MOST_WAITS) return undefined
      const waitMs = Math.min(asked ?? this.#pauseMs * 2 ** this.#waits, MAX_WAIT_MS)
      this.#waits++
      return { waitMs, isForHost: true }
    }
    if (!isTemporary(status, failure, isKnownHost) || this.#retries >= this.#most) return undefined
    const waitMs = Math.min(this.#pauseMs * 2 ** this.#retries * (1 + Math.random() / 4), MAX_WAIT_MS)
    this.#retries++
    return { waitMs, isForHost: status === 503 }
  }
}

function isTemporary(status: number | null, failure: FailureKind | null, isKnownHost: boolean): boolean {
  if (failure === 'dns' || failure === 'reset' || failure === 'cut') return true
  if (failure === 'unknown-host') return isKnownHost
  return failure === null && status !== null && (status === 408 || (status >= 500 && !FINAL.has(status)))
}
