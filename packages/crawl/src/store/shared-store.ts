import type { Lease, Store, Visit } from './store.ts'

/** A request that is to start. */
export interface TurnRequest {
  readonly host: string
  /** Least time from the end of a request to the start of the next one, over all programs, in milliseconds. */
  readonly delayMs: number
  /** Least time from the start of a request to the start of the next one, in milliseconds. */
  readonly intervalMs: number
  /** What the request is for; null when it is for no page. */
  readonly lease: Lease | null
}

/** When requests to a host may start, over all programs that share a store. */
export interface HostTurns {
  /**
   * Waits for a turn.
   *
   * @param signal ends the wait: the promise rejects with its reason
   * @returns a function to call once the request is done; null when the lease is no longer valid
   */
  turn(request: TurnRequest, signal: AbortSignal): Promise<(() => void) | null>

  /** Keeps all programs from asking a host for so many milliseconds. */
  rest(host: string, ms: number): void
}

/** What a program of a shared crawl has stored. */
export interface StoredVisit extends Pick<Visit, 'depth' | 'page' | 'links' | 'hops' | 'skipped'> {
  readonly lease: Lease
}

/** A store on a server, which several programs use at once. */
export interface SharedStore extends Store {
  readonly turns: HostTurns

  /**
   * Takes part in the crawl of this store's name, and begins it when there is none.
   *
   * @param plan what all programs have to agree on
   * @param fresh removes what the store holds first
   * @throws Error when the crawl is of another plan: it names what differs
   */
  join(plan: Readonly<Record<string, unknown>>, fresh: boolean): Promise<void>

  /**
   * The visits of all programs that found something, in the order in which they were stored.
   *
   * @param after the position of the last one that is known; '' for none
   * @param most how many
   */
  results(after: string, most: number): Promise<{ readonly position: string; readonly visit: StoredVisit }[]>
}
