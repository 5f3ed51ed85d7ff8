import type { Lease, Store, Visit } from './store.ts'

/** A request that is to start. */
export interface TurnRequest {
  /** The host of the request. */
  readonly host: string
  /** The minimum time from the end of a request to the start of the next one, over all programs, in milliseconds. */
  readonly delayMs: number
  /** The minimum time from the start of a request to the start of the next one, in milliseconds. */
  readonly intervalMs: number
  /** The lease for which the request is made; null if it is for no page. */
  readonly lease: Lease | null
}

/** Decides when requests to a host may start, over all programs that share a store. */
export interface HostTurns {
  /**
   * Waits for a turn.
   * @param signal ends the wait: the promise rejects with its reason
   * @returns a function to call once the request is done; null if the lease is no longer valid
   */
  turn(request: TurnRequest, signal: AbortSignal): Promise<(() => void) | null>

  /** Keeps all programs from sending requests to a host for this many milliseconds. */
  rest(host: string, ms: number): void
}

/** A visit that a program of a shared crawl has stored. */
export interface StoredVisit extends Pick<Visit, 'depth' | 'page' | 'links' | 'hops' | 'skipped'> {
  /** The lease of the visit. */
  readonly lease: Lease
}

/** A store on a server, which several programs use at once. */
export interface SharedStore extends Store {
  /** Decides when requests may start. */
  readonly turns: HostTurns

  /**
   * Takes part in the crawl with this store's name, and begins it if it does not exist.
   * @param plan the options on which all programs have to agree
   * @param fresh true to remove first what the store holds
   * @throws Error if the crawl has another plan; the message names the difference
   */
  join(plan: Readonly<Record<string, unknown>>, fresh: boolean): Promise<void>

  /**
   * Returns the visits of all programs that found something, in the order in which they were stored.
   * @param after the position of the last known visit; '' for none
   * @param most the maximum number of visits
   */
  results(after: string, most: number): Promise<{ readonly position: string; readonly visit: StoredVisit }[]>
}
