import type { FailureKind } from '../http/failure.ts'
import { retryAfter } from './retry-after.ts'

/** Longer waits that a server asks for are cut to this. */
export const MAX_WAIT_MS = 120_000
/** How often one page waits because its server says so; those waits are not counted as retries. */
const MOST_WAITS = 8
/** Statuses of 500 and above that asking again does not change. */
const FINAL = new Set([501, 505, 506, 507, 508, 510, 511])

/** What came of one attempt, as far as it tells whether another one is worth it. */
export interface Attempt {
  status: number | null
  failure: FailureKind | null
  /** The `Retry-After` header. */
  retryAfter: string | null
}

/** Another attempt is worth it. */
export interface Retry {
  /** Before the attempt, in milliseconds. */
  waitMs: number
  /** The server has too much to do: no request may go to the host in that time. */
  isForHost: boolean
}

/** Decides for one page whether it is asked for again, and when. */
export class Retries {
  readonly #most: number
  readonly #pauseMs: number
  #retries = 0
  #waits = 0

  /**
   * @param most retries
   * @param pauseMs before the first retry; twice as long before each further one
   */
  constructor(most: number, pauseMs: number) {
    this.#most = most
    this.#pauseMs = pauseMs
  }

  /**
   * @param isKnownHost the host's name was found before
   * @returns undefined: what came is final
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
