/**
 * What a ground is: all that differs between processes and threads. Everything else, here and above, is written once over
 * it.
 */
import { ValueError } from '../../errors.ts'
import type { Backing } from '../arena/memory.ts'
import type { OwnerId, ProcessTable } from '../arena/process-table.ts'

/** How members of a family are started: Python's word for it. */
export type StartMethod = 'spawn' | 'thread'

export const START_METHODS: readonly StartMethod[] = ['spawn', 'thread']

/** @throws ValueError for what is no start method */
export function checkMethod(method: unknown): StartMethod {
  if (START_METHODS.includes(method as StartMethod)) return method as StartMethod
  const name = typeof method === 'string' ? `'${method}'` : String(method)
  throw new ValueError(`there is no start method ${name}: there are 'spawn', for processes, and 'thread'`)
}

/** A bell that rings in its owner's event loop, which it does not keep alive until `ref()`. */
export interface Bell {
  ref(): void
  unref(): void
}

export interface Bells {
  /** The bell of `self`: `onRing` runs in the event loop. A bell that was rung a few times may ring once. */
  open(self: OwnerId, onRing: () => void): Bell
  /** False when the bell could not be rung though its owner may live; of one whose owner is gone it is true. */
  ring(owner: OwnerId): boolean
  /** What can be read once the bell that was opened here has rung; -1: that is no descriptor, or none was opened. */
  descriptor(): number
  /** The owner is gone. */
  forget(owner: OwnerId): void
}

export interface Platform {
  readonly method: StartMethod
  readonly backing: Backing
  bells(table: ProcessTable): Bells
  /** Writes to the table who `self` is. */
  register(table: ProcessTable, self: OwnerId): void
  isAlive(table: ProcessTable, id: OwnerId): boolean
}

/** A started process or thread, as its parent has it. */
export interface Member {
  readonly id: OwnerId
  readonly pid: number
  /** null while it runs; its exit status; or -N when signal N ended it. */
  readonly exitcode: number | null
  /** Why it could not start, as far as this process was told; undefined: it has started, or nobody knows. */
  readonly startFailure: unknown
  /** True from its end on, also in the moment before it is known how it ended. */
  readonly hasEnded: boolean
  /**
   * `listener` runs once, when the end is noticed, before what the member left is freed.
   * @returns a function that takes it back
   */
  onEnd(listener: (exitcode: number) => void): () => void
  /** Blocks until the end. @returns false when the timeout, in milliseconds, ran out */
  waitSync(timeout: number): boolean
  /** A descriptor that can be read from when it has ended, and is the caller's to close; -1: there is none. */
  openEnd(): number
  /** Nothing happens when it has ended. */
  kill(signal: NodeJS.Signals): void
  /** It keeps its parent alive as long as it runs; each `unref()` takes back one `ref()`. */
  ref(): void
  unref(): void
}
