/**
 * A platform: all that differs between processes and threads. Everything else, here and in later rooms, is written once over it.
 */

import { describe } from '../../checks.ts'
import { ValueError } from '../../errors.ts'
import type { Backing } from '../arena/memory.ts'
import type { OwnerId, ProcessTable } from '../arena/process-table.ts'

/** How members of a family are started; the name is Python's. */
export type StartMethod = 'spawn' | 'thread'

export const START_METHODS: readonly StartMethod[] = ['spawn', 'thread']

/** Returns `method` if it is a start method. @throws ValueError if it is not */
export function checkMethod(method: unknown): StartMethod {
  if (START_METHODS.includes(method as StartMethod)) return method as StartMethod
  const name = typeof method === 'string' ? `'${method}'` : describe(method)
  throw new ValueError(`unknown start method ${name}; use 'spawn' (processes) or 'thread'`)
}

/** A bell that rings in its owner's event loop. It does not keep the loop alive until `ref()`. */
export interface Bell {
  ref(): void
  unref(): void
}

export interface Bells {
  /** Opens the bell of `self`: `onRing` runs in the event loop. A bell that was rung several times may ring once. */
  open(self: OwnerId, onRing: () => void): Bell
  /** Rings a bell. Returns false if the bell could not be rung although its owner may live; true if the owner is gone. */
  ring(owner: OwnerId): boolean
  /** Returns a descriptor that is readable once the bell that was opened here has rung; -1 if there is none. */
  descriptor(): number
  /** Forgets a bell: its owner is gone. */
  forget(owner: OwnerId): void
}

export interface Platform {
  readonly method: StartMethod
  readonly backing: Backing
  bells(table: ProcessTable): Bells
  /** Writes the pid and start time of `self` to the table. */
  register(table: ProcessTable, self: OwnerId): void
  isAlive(table: ProcessTable, id: OwnerId): boolean
}

/** A started process or thread, as its parent sees it. */
export interface Member {
  readonly id: OwnerId
  readonly pid: number
  /** null while it runs; then its exit status, or -N if signal N ended it. */
  readonly exitcode: number | null
  /** The reason why it could not start, as far as this process knows; undefined if it has started, or the reason is unknown. */
  readonly startFailure: unknown
  /** True once it has ended, even if its exit status is not known yet. */
  readonly hasEnded: boolean
  /**
   * Calls `listener` once, when this process notices the end, before the resources of the member are freed.
   * @returns a function that removes the listener
   */
  onEnd(listener: (exitcode: number) => void): () => void
  /** Blocks until the member ends. @returns false if the timeout, in milliseconds, expired first */
  waitSync(timeout: number): boolean
  /** Returns a descriptor that is readable when the member has ended, and that the caller has to close; -1 if there is none. */
  openEnd(): number
  /** Sends a signal. Does nothing if the member has ended. */
  kill(signal: NodeJS.Signals): void
  /** Keeps the parent alive as long as the member runs; each `unref()` takes back one `ref()`. */
  ref(): void
  unref(): void
}
