/**
 * A family: the processes that share one arena. The first creates it when it first needs it; a child attaches to the one
 * it inherits.
 */
import { MultiprocessError } from '../errors.ts'
import { Arena } from './arena.ts'
import { EventLoop } from './event-loop.ts'
import { ARENA_FD, inheritedId } from './inheritance.ts'
import { MAGIC, MAGIC_WORD } from './layout.ts'
import { createArenaFile, mapArenaFile } from './memfd.ts'
import { Memory } from './memory.ts'
import { ParkingLot } from './parking-lot.ts'
import { type OwnerId, ProcessTable } from './process-table.ts'
import { cpuCount } from './processors.ts'
import { Seats } from './seats.ts'

const RETRY_MS = 20

export class Family {
  /** The arena's file descriptor in this process. */
  readonly fd: number
  readonly self: OwnerId
  readonly memory: Memory
  readonly table: ProcessTable
  readonly arena: Arena
  readonly seats: Seats
  readonly loop: EventLoop
  readonly lot: ParkingLot

  private constructor(fd: number, memory: Memory, table: ProcessTable, self: OwnerId) {
    this.fd = fd
    this.memory = memory
    this.table = table
    this.self = self
    const isAlive = (owner: OwnerId) => table.isAlive(owner)
    this.arena = new Arena(memory, self, isAlive)
    this.seats = new Seats(memory, self, cpuCount)
    this.loop = new EventLoop(memory, table, self, this.seats)
    this.lot = new ParkingLot(memory, this.arena, this.loop, self, isAlive)
    table.setProcess(self, process.pid)
    table.setLive(self)
  }

  static create(): Family {
    const fd = createArenaFile()
    const memory = new Memory(mapArenaFile(fd))
    const table = new ProcessTable(memory)
    const family = new Family(fd, memory, table, table.claim(0))
    family.arena.format()
    Atomics.store(memory.first.words, MAGIC_WORD, MAGIC)
    return family
  }

  static attach(fd: number, self: OwnerId): Family {
    const memory = new Memory(mapArenaFile(fd))
    if (memory.first.words[MAGIC_WORD] !== MAGIC) {
      throw new MultiprocessError(
        `file descriptor ${fd} is not a family's arena: parent and child load different versions`
      )
    }
    return new Family(fd, memory, new ProcessTable(memory), self)
  }

  /**
   * After a process has ended: its memory, its place in every wait, and its slot are freed, and so are those of its
   * descendants, which the kernel has killed with it.
   */
  reap(dead: OwnerId): void {
    for (const { id, parent } of this.table.members()) {
      if (parent === dead) this.#reapOnceDead(id)
    }
    this.loop.forget(dead)
    this.lot.purge(dead)
    this.arena.freeAllOf(dead)
    this.seats.freeAllOf(dead)
    this.table.free(dead)
  }

  #reapOnceDead(id: OwnerId): void {
    if (this.table.isAlive(id)) setTimeout(() => this.#reapOnceDead(id), RETRY_MS).unref()
    else if (this.table.pid(id) !== 0 || this.table.isStarting(id)) this.reap(id)
  }
}

let family: Family | undefined

/** The family of this process: attached to or, in a program's first process, created when it is first asked for. */
export function currentFamily(): Family {
  if (family === undefined) {
    const id = inheritedId()
    family = id === undefined ? Family.create() : Family.attach(ARENA_FD, id)
  }
  return family
}
