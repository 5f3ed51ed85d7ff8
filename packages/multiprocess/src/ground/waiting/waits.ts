/**
 * The waits of a program's processes, in shared memory, so that any process can report them: a blocked process runs no code that could.
 * They are kept in debug mode only.
 *
 *     WAITS    of a process's slot: its first record, in units of 64 bytes; 0: the process waits for nothing
 *     NAME     of a process's slot: a record of its name
 *     record   NEXT | LENGTH | LENGTH bytes of JSON. It belongs to its process
 *
 * All records are read and written under WAITS_LOCK, a robust lock. A record is complete before it is linked, and one store links it or
 * takes it out, so a death leaves lists that can be walked. The process that reaps a dead one empties its list before its blocks are freed.
 */
import type { Arena } from '../arena/arena.ts'
import { REPORTED_WORD, UNIT, WAITS_LOCK_WORD } from '../arena/layout.ts'
import type { Memory } from '../arena/memory.ts'
import type { OwnerId, ProcessTable } from '../arena/process-table.ts'
import { WordLock } from '../arena/word-lock.ts'
import { callerPlace } from '../os/debug-mode.ts'
import { monotonicMs } from '../os/time.ts'

const NEXT = 0
const LENGTH = 4
const TEXT = 8
/** A report covers all processes: others that get the same signal do not report again within this many milliseconds. */
const ONE_REPORT_MS = 300

/** One wait, as its process described it. */
export interface Wait {
  /**
   * What the process waits for, in words that follow "waits". A report replaces the braces by what it reads then: `{block AT}`,
   * `{owner AT}`, `{word AT}`, `{difference AT AT}`, where AT is in bytes from the beginning of the arena.
   */
  readonly subject: string
  /** The place in the program. */
  readonly place: string
  /** The time when the wait began, on the clock that all processes share. */
  readonly since: number
  readonly isBlocking: boolean
}

export class Waits {
  readonly #memory: Memory
  readonly #arena: Arena
  readonly #table: ProcessTable
  readonly #self: OwnerId
  readonly #lock: WordLock

  constructor(memory: Memory, arena: Arena, table: ProcessTable, self: OwnerId, isAlive: (owner: OwnerId) => boolean) {
    this.#memory = memory
    this.#arena = arena
    this.#table = table
    this.#self = self
    this.#lock = new WordLock(memory, WAITS_LOCK_WORD * 4, self, isAlive)
  }

  /** Records a wait. @returns a function to call when the wait is over */
  begin(subject: string, isBlocking: boolean): () => void {
    const wait: Wait = { subject, place: callerPlace(), since: monotonicMs(), isBlocking }
    const head = this.#table.waitsWord(this.#self) * 4
    const record = this.#write(wait)
    this.#exclusive(() => {
      this.#memory.set(record + NEXT, this.#memory.get(head))
      this.#memory.set(head, record / UNIT)
    })
    return () => {
      this.#exclusive(() => this.#unlink(head, record))
      this.#arena.free(record)
    }
  }

  setName(name: string): void {
    const word = this.#table.nameWord(this.#self) * 4
    const record = this.#write(name)
    const former = this.#exclusive(() => {
      const former = this.#memory.get(word)
      this.#memory.set(word, record / UNIT)
      return former
    })
    if (former !== 0) this.#arena.free(former * UNIT)
  }

  /** Forgets the waits of a process that is gone, before its blocks are freed. */
  forget(dead: OwnerId): void {
    this.#exclusive(() => {
      this.#memory.set(this.#table.waitsWord(dead) * 4, 0)
      this.#memory.set(this.#table.nameWord(dead) * 4, 0)
    })
  }

  /** Returns the waits of a process, the oldest first. */
  of(owner: OwnerId): Wait[] {
    return this.#exclusive(() => {
      const waits: Wait[] = []
      for (let unit = this.#memory.get(this.#table.waitsWord(owner) * 4); unit !== 0; ) {
        waits.unshift(this.#read(unit * UNIT) as Wait)
        unit = this.#memory.get(unit * UNIT + NEXT)
      }
      return waits
    })
  }

  /** Returns the name of a process; '' if it has none here. */
  nameOf(owner: OwnerId): string {
    return this.#exclusive(() => {
      const unit = this.#memory.get(this.#table.nameWord(owner) * 4)
      return unit === 0 ? '' : (this.#read(unit * UNIT) as string)
    })
  }

  /** Returns true to one of several processes that are asked for a report at once. */
  mayReport(): boolean {
    return this.#exclusive(() => {
      const now = Math.floor(monotonicMs()) | 0
      const isRecent = Math.abs((now - this.#memory.get(REPORTED_WORD * 4)) | 0) < ONE_REPORT_MS
      if (!isRecent) this.#memory.set(REPORTED_WORD * 4, now)
      return !isRecent
    })
  }

  #write(value: unknown): number {
    const text = Buffer.from(JSON.stringify(value))
    const at = this.#arena.allocate(TEXT + text.length, this.#self)
    this.#memory.set(at + NEXT, 0)
    this.#memory.set(at + LENGTH, text.length)
    this.#memory.withBytes(at + TEXT, text.length, (bytes, start) => bytes.set(text, start))
    return at
  }

  #read(at: number): unknown {
    const length = this.#memory.get(at + LENGTH)
    return this.#memory.withBytes(at + TEXT, length, (bytes, start) =>
      JSON.parse(Buffer.from(bytes.subarray(start, start + length)).toString())
    )
  }

  #unlink(head: number, record: number): void {
    let link = head
    while (this.#memory.get(link) !== record / UNIT) {
      if (this.#memory.get(link) === 0) return
      link = this.#memory.get(link) * UNIT + NEXT
    }
    this.#memory.set(link, this.#memory.get(record + NEXT))
  }

  #exclusive<R>(action: () => R): R {
    this.#lock.acquire()
    try {
      return action()
    } finally {
      this.#lock.release()
    }
  }
}
