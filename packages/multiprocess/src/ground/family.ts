/**
 * A family: the processes that share one arena. The first process creates the arena when it first needs it; a child attaches to
 * the arena that it inherits.
 */

import { MultiprocessError, ProcessError } from '../errors.ts'
import { Arena } from './arena/arena.ts'
import { FAMILY_WORD, MAGIC, MAGIC_WORD } from './arena/layout.ts'
import { Memory } from './arena/memory.ts'
import { Parcels } from './arena/parcels.ts'
import { type OwnerId, ProcessTable } from './arena/process-table.ts'
import { SharedBlocks } from './arena/shared-blocks.ts'
import { Titles } from './arena/titles.ts'
import { defaultMethod } from './default-method.ts'
import { ARENA_FD, inherited } from './members/inheritance.ts'
import { createArenaFile } from './members/memfd.ts'
import type { Platform, StartMethod } from './members/platform.ts'
import { ProcessDirectory } from './members/process-directory.ts'
import { ProcessPlatform } from './members/process-platform.ts'
import { ThreadPlatform } from './members/thread-platform.ts'
import { isDebug } from './os/debug-mode.ts'
import { cpuCount } from './os/processors.ts'
import { addReport } from './os/report-signal.ts'
import { system } from './os/system.ts'
import { monotonicMs, setTimeout } from './os/time.ts'
import { ownerName } from './owner-names.ts'
import { waitReport } from './wait-report.ts'
import { EventLoop } from './waiting/event-loop.ts'
import { ParkingLot } from './waiting/parking-lot.ts'
import { Seats } from './waiting/seats.ts'
import { Waits } from './waiting/waits.ts'

const RETRY_MS = 20
const CREATION_MS = 5000

export class Family {
  readonly platform: Platform
  readonly self: OwnerId
  readonly memory: Memory
  readonly table: ProcessTable
  readonly titles: Titles
  readonly arena: Arena
  readonly shared: SharedBlocks
  readonly parcels: Parcels
  readonly seats: Seats
  readonly loop: EventLoop
  readonly lot: ParkingLot
  /** The records of waits, in debug mode only. */
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
    this.titles = new Titles(memory, table, self)
    this.arena = new Arena(memory, self, isAlive)
    this.shared = new SharedBlocks(memory, this.arena, table, self, at => this.lot.unpark(at), dropElsewhere)
    this.parcels = new Parcels(memory, this.arena, this.shared, self)
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

  /** @param thread the id among threads of a thread that creates the family */
  static create(platform: Platform, thread: OwnerId = 0): Family {
    const family = new Family(platform, table => table.claim(0, thread))
    family.arena.format()
    family.memory.first.words[FAMILY_WORD] = Math.floor(Math.random() * 2 ** 31)
    Atomics.store(family.memory.first.words, MAGIC_WORD, MAGIC)
    return family
  }

  static attach(platform: Platform, self: OwnerId | ((table: ProcessTable) => OwnerId)): Family {
    const family = new Family(platform, table => (typeof self === 'number' ? self : self(table)))
    family.#awaitCreation()
    if (family.memory.first.words[MAGIC_WORD] !== MAGIC) {
      throw new MultiprocessError(
        'what was inherited is no arena of a family: parent and child load different versions'
      )
    }
    return family
  }

  /** Waits until the arena is complete: another thread of this process may be creating it. */
  #awaitCreation(): void {
    const end = monotonicMs() + CREATION_MS
    while (Atomics.load(this.memory.first.words, MAGIC_WORD) === 0 && monotonicMs() < end) {
      this.memory.wait(MAGIC_WORD * 4, 0, 1)
    }
  }

  /** A number that all processes of the family share. */
  get number(): number {
    return this.memory.first.words[FAMILY_WORD]
  }

  /**
   * Frees, after a process has ended, its memory, its place in every wait, and its slot, and those of its descendants, which the
   * kernel has killed with it.
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
    // Again, because from now on every process can see that the dead one is gone.
    this.lot.wakeAll()
    for (const id of this.table.members()) this.loop.ringAnyway(id)
    // Not before: two dead processes can be orphans of each other as long as both have their slots.
    for (const id of orphans) this.#reapOnceDead(id)
  }

  /**
   * Releases what dead processes hold that are not reaped yet, for a blocked thread whose event loop would have noticed their
   * end.
   */
  countOutUnnoticed(): void {
    for (const id of this.table.members()) {
      if (id === this.self || !this.table.isLive(id) || this.table.pid(id) === 0) continue
      if (!this.platform.isAlive(this.table, id)) this.shared.countOut(id)
    }
  }

  #reapOnceDead(id: OwnerId): void {
    if (this.platform.isAlive(this.table, id)) setTimeout(() => this.#reapOnceDead(id), RETRY_MS).unref()
    else this.reap(id)
  }
}

const families = new Map<StartMethod, Family>()

/**
 * Returns the family of this process or thread. Attaches to the inherited family, or creates one, at the first call.
 * @param method the start method by which this process or thread was itself started, by default
 */
export function currentFamily(method: StartMethod = inherited()?.method ?? defaultMethod()): Family {
  let family = families.get(method)
  if (family === undefined) {
    family = method === 'spawn' ? openProcesses() : openThreads()
    families.set(method, family)
    if (inherited() === undefined) family.titles.setName(ownerName(family, family.self) ?? '')
  }
  return family
}

/** Makes `currentFamily` return a family that this process or thread has attached to by itself. */
export function setFamily(family: Family): void {
  families.set(family.platform.method, family)
}

/** Returns the family of this process or thread if it is already in use. */
export function openFamily(method: StartMethod): Family | undefined {
  return families.get(method)
}

/**
 * Returns the process or thread that holds what one family's parcel keeps in another: it lives as long as any reader of the
 * parcel.
 */
export function keeperIn(family: Family): OwnerId {
  if (family.platform.method === 'spawn') return directory()?.owner || family.self
  const [first] = family.table.members()
  return first
}

function dropElsewhere(number: number, parcel: number): void {
  const family = familyWith(number)
  family?.shared.drop(parcel, keeperIn(family))
}

/** Returns the family with this number, if this process belongs to it. */
export function familyWith(number: number): Family | undefined {
  const open = openFamilyWith(number)
  if (open !== undefined) return open
  // This process may not have attached yet to the family that it inherited, or that another of its threads has created.
  const from = inherited()
  if (from !== undefined) currentFamily(from.method)
  if (!families.has('spawn') && (directory()?.fd ?? -1) >= 0) currentFamily('spawn')
  return openFamilyWith(number)
}

function openFamilyWith(number: number): Family | undefined {
  for (const family of families.values()) if (family.number === number) return family
  return undefined
}

function openThreads(): Family {
  const from = inherited()
  if (from?.method === 'thread') return Family.attach(new ThreadPlatform(from.buffer), from.self)
  const family = Family.create(new ThreadPlatform())
  const processes = families.get('spawn')
  const owner = from?.self ?? processes?.self
  if (owner !== undefined) {
    const known = new ProcessDirectory(family.memory)
    known.setOwner(owner)
    known.publish(processes === undefined ? ARENA_FD : (processes.platform as ProcessPlatform).fd)
  }
  return family
}

function openProcesses(): Family {
  const from = inherited()
  if (from?.method === 'spawn') return Family.attach(new ProcessPlatform(ARENA_FD), from.self)
  const known = directory()
  if (known === undefined) return Family.create(new ProcessPlatform())
  const thread = from?.self ?? 0
  if (thread !== 0) currentFamily('thread').table.setAbroad(thread)
  const family = known.fd < 0 ? createAmongThreads(known, thread) : joinAmongThreads(known, thread)
  if (thread === 0) known.setOwner(family.self)
  return family
}

function createAmongThreads(known: ProcessDirectory, thread: OwnerId): Family {
  const fd = createArenaFile()
  if (known.publish(fd)) return Family.create(new ProcessPlatform(fd, known.windows, thread !== 0), thread)
  // Another thread was faster.
  system().close(fd)
  return joinAmongThreads(known, thread)
}

function joinAmongThreads(known: ProcessDirectory, thread: OwnerId): Family {
  return Family.attach(new ProcessPlatform(known.fd, known.windows, thread !== 0), table => {
    const id = table.claim(thread === 0 ? 0 : known.owner, thread)
    if (id === 0) throw new ProcessError('cannot use what processes share in this thread: the family already has 1,023')
    return id
  })
}

/** Returns what the threads of this process share, if it has threads of its own. */
function directory(): ProcessDirectory | undefined {
  const isThere = inherited()?.method === 'thread' || families.has('thread')
  return isThere ? new ProcessDirectory(currentFamily('thread').memory) : undefined
}

/** Records that a thread was told to stop: it counts as dead among processes, too, once it must have come to a halt. */
export function stopAmongProcesses(thread: OwnerId): void {
  for (const [{ table }, id] of slotsAmongProcesses(thread)) table.setStopped(id)
}

/** Frees what a thread had among processes. Call it after the thread has ended, and before it is reaped among threads. */
export function reapAmongProcesses(thread: OwnerId): void {
  for (const [family, id] of slotsAmongProcesses(thread)) {
    const bell = family.table.bell(id)
    family.reap(id)
    if (bell >= 0) system().close(bell)
  }
}

function slotsAmongProcesses(thread: OwnerId): [Family, OwnerId][] {
  if (!currentFamily('thread').table.isAbroad(thread) || (directory()?.fd ?? -1) < 0) return []
  const family = currentFamily('spawn')
  const owner = (directory() as ProcessDirectory).owner
  return [...family.table.slotsOfThread(thread, owner)].map(id => [family, id])
}
