/**
 * What a process is called and what it does, in its slot of the process table. Only observers outside the family read these
 * words, but for LINES:
 *
 *     ROLE                 an index of ROLES, by the parent once it has started the process, or by the process itself
 *     SERVED, CLIENTS      of a manager's server: objects that it keeps, + 1, and clients; by itself
 *     JOINED, SINCE        three pairs: the member whose end it waits for, and when this wait began (see `toWord`), with BLOCKED if its
 *                          thread is blocked; by itself
 *     LINES                the lines of progress that it draws on the terminal; by itself. The others of the family draw above and below
 *     TITLE_BYTES, TITLE   the name, cut to fit, by the parent before ROLE, and by the process when it is renamed
 *
 * A death between two steps leaves a name that is half another, or a wait of a process that is gone. Freeing the slot clears all
 * words.
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
export const LINES = 30
export const TITLE = 31
export const BLOCKED = -0x80000000
export const MOST_TITLE_BYTES = SLOT_BYTES - TITLE * 4

/** The roles of members. The first is that of a program's first process. */
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

  /** Sets the name of a member. @param id this process by default */
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

  /** Records how many lines of progress this process draws. */
  setLines(count: number): void {
    Atomics.store(this.#memory.first.words, this.#table.slotWord(this.#self) + LINES, count)
  }

  /** Returns how many lines other members draw above those of this process, and below. */
  otherLines(): { above: number; below: number } {
    const { words } = this.#memory.first
    const lines = { above: 0, below: 0 }
    let place: 'above' | 'below' = 'above'
    for (const id of this.#table.members()) {
      if (id === this.#self) place = 'below'
      else lines[place] += Atomics.load(words, this.#table.slotWord(id) + LINES)
    }
    return lines
  }

  /** Records that this process serves this many objects of a manager to this many clients; undefined: it serves none any more. */
  setServed(objects: number | undefined, clients = 0): void {
    const { words } = this.#memory.first
    const base = this.#table.slotWord(this.#self)
    words[base + SERVED] = objects === undefined ? 0 : objects + 1
    words[base + CLIENTS] = clients
  }

  /**
   * Records that this process waits for the end of another, until the returned function is called. A fourth simultaneous wait is
   * not recorded.
   */
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
