/**
 * What a process is called and does, in its slot of the process table, for those who look at a family from outside: nobody in the
 * family reads it.
 *
 *     ROLE                 an index of ROLES, by the parent once it has started it, or by the process itself
 *     SERVED, CLIENTS      of a manager's server: objects that it keeps, + 1, and clients; by itself
 *     JOINED, SINCE        three pairs: the member whose end it waits for, and when it began to (see `toWord`), with BLOCKED if its
 *                          thread is blocked; by itself
 *     TITLE_BYTES, TITLE   the name, cut to what has room, by the parent before ROLE, and by the process when it is renamed
 *
 * A death between two steps leaves a name that is half another, or a wait of a process that is gone. Freeing the slot clears all.
 */
import { monotonicMs, toWord } from '../os/time.ts'
import { SLOT_BYTES } from './layout.ts'
import type { Memory } from './memory.ts'
import type { OwnerId, ProcessTable } from './process-table.ts'

export const ROLE = 19
export const SERVED = 20
export const CLIENTS = 21
export const JOINED = 22
export const JOIN_COUNT = 3
export const TITLE_BYTES = 28
export const TITLE = 30
export const BLOCKED = -0x80000000
export const MOST_TITLE_BYTES = SLOT_BYTES - TITLE * 4

/** The first is that of a program's first process. */
export const ROLES = ['main', 'process', 'worker', 'manager', 'reserve'] as const
export type ProcessRole = (typeof ROLES)[number]

export class Titles {
  readonly #memory: Memory
  readonly #table: ProcessTable
  readonly #self: OwnerId

  constructor(memory: Memory, table: ProcessTable, self: OwnerId) {
    this.#memory = memory
    this.#table = table
    this.#self = self
  }

  /** @param id left out: this process */
  setName(name: string, id: OwnerId = this.#self): void {
    const { words, bytes } = this.#memory.first
    const base = this.#table.slotWord(id)
    const text = new TextEncoder().encode(name).subarray(0, MOST_TITLE_BYTES)
    words[base + TITLE_BYTES] = 0
    bytes.set(text, (base + TITLE) * 4)
    words[base + TITLE_BYTES] = text.length
  }

  setRole(role: ProcessRole, id: OwnerId = this.#self): void {
    this.#memory.first.words[this.#table.slotWord(id) + ROLE] = ROLES.indexOf(role)
  }

  /** This process serves so many objects of a manager to so many clients; undefined: none any more. */
  setServed(objects: number | undefined, clients = 0): void {
    const { words } = this.#memory.first
    const base = this.#table.slotWord(this.#self)
    words[base + SERVED] = objects === undefined ? 0 : objects + 1
    words[base + CLIENTS] = clients
  }

  /** This process waits for the end of another until what it answers is called. A fourth wait at once is not told. */
  join(id: OwnerId, isBlocking: boolean): () => void {
    const { words } = this.#memory.first
    const base = this.#table.slotWord(this.#self) + JOINED
    for (let at = base; at < base + JOIN_COUNT * 2; at += 2) {
      if (words[at] !== 0) continue
      words[at + 1] = toWord(monotonicMs()) | (isBlocking ? BLOCKED : 0)
      words[at] = id
      return () => {
        words[at] = 0
      }
    }
    return () => {}
  }
}
