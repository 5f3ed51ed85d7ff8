/** Looks at the families again and again; what changed since the look before gives rates, processor time and deadlocks. */
import { setTimeout } from '../ground/os/time.ts'
import { FamilyLook } from './look.ts'
import type { SeenMember } from './members.ts'
import { type ArenaFile, Proc } from './proc.ts'
import type { SeenPool } from './seen-pools.ts'
import type { SeenObject } from './shared-objects.ts'
import type { DeadlockEntry, LockEntry, PoolEntry, ProcessEntry, QueueEntry, Snapshot } from './snapshot.ts'

export interface WatcherOptions {
  /** The families of this process alone. */
  readonly pid?: number
  /** Milliseconds until the next look: pools measure their tasks' times until then. */
  readonly interval: number
  /** Whether pools are asked to measure how long tasks wait and run; default: true. */
  readonly asksTimes?: boolean
  readonly proc?: Proc
}

/** Looks that take longer than planned still find pools that measure. */
const EXTRA_MS = 2000
/** Longer than a sleep takes to begin anew. */
const AGAIN_MS = 30
/** On a busy machine a sleeper may have to wait for a processor before it sleeps again. */
const MOST_LOOKS = 10

export class Watcher {
  readonly #options: WatcherOptions
  readonly #proc: Proc
  #former = new Map<number, FamilyLook>()

  /** @throws LookError where nothing can be seen */
  constructor(options: WatcherOptions) {
    this.#options = options
    this.#proc = options.proc ?? new Proc()
    this.#proc.check()
  }

  /** @throws LookError when the process asked for is not there */
  async look(): Promise<Snapshot> {
    const files = this.#proc.arenas(this.#options.pid)
    const looks = new Map<number, FamilyLook>()
    const parts: (Entries & Pick<Snapshot, 'deadlocks'>)[] = []
    const { interval, asksTimes = true } = this.#options
    for (const file of files) {
      const look = FamilyLook.at(file, asksTimes ? interval * 2 + EXTRA_MS : 0)
      if (look === undefined) continue
      looks.set(look.family, look)
      const circles = look.circles.length === 0 ? [] : await this.#stillThere(file, look)
      parts.push({ ...entriesOf(file, look, this.#former.get(look.family)), deadlocks: deadlocksOf(look, circles) })
    }
    this.#former = looks
    return {
      version: 1,
      time: new Date().toISOString(),
      families: parts.flatMap(part => part.families),
      processes: parts.flatMap(part => part.processes),
      pools: parts.flatMap(part => part.pools),
      queues: parts.flatMap(part => part.queues),
      locks: parts.flatMap(part => part.locks),
      managers: parts.flatMap(part => part.managers),
      waits: parts.flatMap(part => part.waits),
      deadlocks: parts.flatMap(part => part.deadlocks)
    }
  }

  /** The circles that a later look finds too: what is read of a program that runs may not fit together. */
  async #stillThere(file: ArenaFile, { circles }: FamilyLook): Promise<FamilyLook['circles']> {
    const again = new Set<string>()
    for (let looks = 0; looks < MOST_LOOKS && circles.some(({ key }) => !again.has(key)); looks++) {
      await new Promise(resolve => setTimeout(resolve, AGAIN_MS))
      for (const { key } of FamilyLook.at(file, 0)?.circles ?? []) again.add(key)
    }
    return circles.filter(({ key }) => again.has(key))
  }
}

type Entries = Omit<Snapshot, 'version' | 'time' | 'deadlocks'>

function entriesOf(file: ArenaFile, look: FamilyLook, former: FamilyLook | undefined): Entries {
  const { family } = look
  const members = [...look.members.values()]
  const seconds = former === undefined ? 0 : (look.time - former.time) / 1000
  const first = members.find(({ parent, role }) => parent === 0 && role !== 'thread')
  const processes = members.filter(({ pid }) => pid !== 0).map(member => processEntry(look, member, former, seconds))
  const objects = [...look.objects.values()]
  return {
    families: [
      {
        family,
        pid: first?.process?.pid ?? null,
        command: (first?.process ?? file.holders[0]).command,
        processes: processes.filter(({ state }) => state !== 'ended').length
      }
    ],
    processes,
    pools: look.pools.map(pool => poolEntry(look, pool, former, seconds)),
    queues: objects.filter(({ isQueue }) => isQueue).map(object => queueEntry(family, object)),
    locks: objects.filter(({ isLock }) => isLock).map(object => lockEntry(look, object)),
    managers: members.flatMap(({ served, state, pid, name }) =>
      served === undefined || state !== 'running' ? [] : [{ family, pid, name, ...served }]
    ),
    waits: look.waits.map(({ entry }) => entry)
  }
}

function processEntry(
  look: FamilyLook,
  { id, pid, name, role, state, parent, process }: SeenMember,
  former: FamilyLook | undefined,
  seconds: number
): ProcessEntry {
  const before = former?.members.get(id)?.process?.cpuSeconds
  const spent = process === undefined || before === undefined ? 0 : process.cpuSeconds - before
  return {
    family: look.family,
    pid,
    name,
    role,
    state,
    parent: parent === 0 ? null : look.pidOf(parent),
    cpu: seconds === 0 ? 0 : Math.round((spent / seconds) * 1000) / 10,
    memory: process?.memory ?? 0
  }
}

function poolEntry(look: FamilyLook, pool: SeenPool, former: FamilyLook | undefined, seconds: number): PoolEntry {
  const { counts, times, id } = pool
  const workers = pool.workers(look.members)
  const before = former?.pools.find(other => other.at === pool.at && other.owner === pool.owner)
  const done = before === undefined ? 0 : counts.completed - before.counts.completed
  return {
    family: look.family,
    pid: look.pidOf(pool.owner) ?? 0,
    id,
    processes: counts.shape?.processes ?? workers.length,
    pending: counts.pending,
    submitted: counts.submitted,
    completed: counts.completed,
    rate: seconds === 0 ? 0 : Math.max(0, Math.round((done / seconds) * 10) / 10),
    busy: workers.filter(({ busy }) => busy).length,
    restarts: counts.restarts,
    wait: times?.wait ?? null,
    run: times?.run ?? null,
    workers
  }
}

function queueEntry(family: number, { id, kind, length, maxsize, unfinished, place }: SeenObject): QueueEntry {
  const left = kind === 'JoinableQueue' ? unfinished : null
  return { family, id, kind, length, maxsize: maxsize === 0 ? null : maxsize, unfinished: left, place }
}

function lockEntry(look: FamilyLook, object: SeenObject): LockEntry {
  const { id, kind, place, isSemaphore } = object
  const waiters = look.waits
    .filter(({ entry }) => entry.for === 'lock' && entry.id === id)
    .map(({ entry }) => entry.pid)
  return {
    family: look.family,
    id,
    kind,
    holder: object.holder === 0 ? null : look.pidOf(object.holder),
    value: isSemaphore ? object.value : null,
    waiters,
    place
  }
}

function deadlocksOf({ family }: FamilyLook, circles: FamilyLook['circles']): DeadlockEntry[] {
  return circles.map(({ edges }) => {
    const waits = edges.map(({ entry }) => entry)
    return { family, pids: waits.map(({ pid }) => pid), waits, certain: waits.every(({ blocked }) => blocked) }
  })
}
