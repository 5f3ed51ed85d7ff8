/**
 * A family: the processes that share one arena. The first creates it when it first needs it; a child attaches to the one
 * it inherits.
 */
import { MultiprocessError } from '../errors.ts'
import { Arena } from './arena.ts'
import { isDebug } from './debug-mode.ts'
import { EventLoop } from './event-loop.ts'
import { ARENA_FD, type Inheritance, inherited } from './inheritance.ts'
import { FAMILY_WORD, MAGIC, MAGIC_WORD } from './layout.ts'
import { Memory } from './memory.ts'
import { ParkingLot } from './parking-lot.ts'
import type { Platform, StartMethod } from './platform.ts'
import { ProcessPlatform } from './process-platform.ts'
import { type OwnerId, ProcessTable } from './process-table.ts'
import { cpuCount } from './processors.ts'
import { addReport } from './report-signal.ts'
import { Seats } from './seats.ts'
import { SharedBlocks } from './shared-blocks.ts'
import { ThreadPlatform } from './thread-platform.ts'
import { waitReport } from './wait-report.ts'
import { Waits } from './waits.ts'

const RETRY_MS = 20

export class Family {
  readonly platform: Platform
  readonly self: OwnerId
  readonly memory: Memory
  readonly table: ProcessTable
  readonly arena: Arena
  readonly shared: SharedBlocks
  readonly seats: Seats
  readonly loop: EventLoop
  readonly lot: ParkingLot
  /** In debug mode. */
  readonly waits: Waits | undefined

  private constructor(platform: Platform, claim: (table: ProcessTable) => OwnerId) {
    const memory = new Memory(platform.backing)
    const table = new ProcessTable(memory)
    const self = claim(table)
    const isAlive = (owner: OwnerId) => platform.isAlive(table, owner)
    this.platform = platform
    this.memory = memory
    this.table = table
    this.self = self
    this.arena = new Arena(memory, self, isAlive)
    this.shared = new SharedBlocks(memory, this.arena, table, self, at => this.lot.unpark(at))
    this.seats = new Seats(memory, self, cpuCount)
    this.loop = new EventLoop(memory, table, self, this.seats, platform.bells(table))
    this.lot = new ParkingLot(memory, this.arena, this.loop, self, isAlive)
    this.waits = isDebug ? new Waits(memory, this.arena, table, self, isAlive) : undefined
    platform.register(table, self)
    table.setLive(self)
    this.#answerSignal()
  }

  #answerSignal(): void {
    const { waits } = this
    if (waits !== undefined) addReport(() => (waits.mayReport() ? waitReport(this, waits) : undefined))
  }

  static create(platform: Platform): Family {
    const family = new Family(platform, table => table.claim(0))
    family.arena.format()
    family.memory.first.words[FAMILY_WORD] = Math.floor(Math.random() * 2 ** 31)
    Atomics.store(family.memory.first.words, MAGIC_WORD, MAGIC)
    return family
  }

  static attach(platform: Platform, self: OwnerId): Family {
    const family = new Family(platform, () => self)
    if (family.memory.first.words[MAGIC_WORD] !== MAGIC) {
      throw new MultiprocessError(
        'what was inherited is no arena of a family: parent and child load different versions'
      )
    }
    return family
  }

  /** The same in all its processes. */
  get number(): number {
    return this.memory.first.words[FAMILY_WORD]
  }

  /**
   * After a process has ended: its memory, its place in every wait, and its slot are freed, and so are those of its
   * descendants, which the kernel has killed with it.
   */
  reap(dead: OwnerId): void {
    const orphans = [...this.table.members()].filter(
      id => id !== this.self && id !== dead && this.table.isOrphanOf(id, dead)
    )
    this.loop.forget(dead)
    this.lot.purge(dead)
    this.waits?.forget(dead)
    this.arena.freeAllOf(dead)
    this.shared.countOut(dead)
    this.seats.freeAllOf(dead)
    this.table.free(dead)
    // Once more: from now on all can see that it is gone.
    this.lot.wakeAll()
    for (const id of this.table.members()) this.loop.ringAnyway(id)
    // Only now: two of them that are gone are orphans of each other as long as both have their slots.
    for (const id of orphans) this.#reapOnceDead(id)
  }

  #reapOnceDead(id: OwnerId): void {
    if (this.platform.isAlive(this.table, id)) setTimeout(() => this.#reapOnceDead(id), RETRY_MS).unref()
    else this.reap(id)
  }
}

const families = new Map<StartMethod, Family>()

/**
 * The family of this process or thread: attached to or, where none was inherited, created when it is first asked for.
 * @param method left out: the one that this process or thread was itself started with
 */
export function currentFamily(method: StartMethod = inherited()?.method ?? 'spawn'): Family {
  let family = families.get(method)
  if (family === undefined) {
    const from = inherited()
    if (from?.method === method) family = Family.attach(platformOf(from), from.self)
    else family = Family.create(method === 'spawn' ? new ProcessPlatform() : new ThreadPlatform())
    families.set(method, family)
  }
  return family
}

/** The family with a number, if this process belongs to it. */
export function familyWith(number: number): Family | undefined {
  const own = currentFamily()
  return [own, ...families.values()].find(family => family.number === number)
}

function platformOf(from: Inheritance): Platform {
  return from.method === 'spawn' ? new ProcessPlatform(ARENA_FD) : new ThreadPlatform(from.buffer)
}
