/** One look at one family, and what two looks tell: rates, and waits that go in a circle. */
import { SHARED_OWNER } from '../ground/arena/process-table.ts'
import { BLOCKED } from '../ground/arena/titles.ts'
import { monotonicMs, toWord, wordsBetween } from '../ground/os/time.ts'
import { ArenaView, type Parked } from './arena-view.ts'
import { type Circle, circlesOf, type Edge } from './circles.ts'
import { membersOf, type SeenMember } from './members.ts'
import { type ArenaFile, openArena } from './proc.ts'
import { poolAt, type SeenPool, watchPool } from './seen-pools.ts'
import { objectIn, type SeenObject, waitersOf } from './shared-objects.ts'
import type { WaitEntry } from './snapshot.ts'

/** A wait, and whom it waits for, if that is one member. */
export interface SeenWait extends Edge {
  readonly entry: WaitEntry
}

export class FamilyLook {
  readonly family: number
  readonly time = monotonicMs()
  readonly members: Map<number, SeenMember>
  readonly objects = new Map<number, SeenObject>()
  readonly pools: SeenPool[] = []
  readonly waits: SeenWait[]
  readonly circles: Circle<SeenWait>[]
  readonly #waiters = new Map<number, SeenObject>()
  readonly #now = new Date()

  private constructor(file: ArenaFile, view: ArenaView, watchMs: number) {
    this.family = file.inode
    this.members = membersOf(view, file.holders)
    for (const { at, owner, words } of view.blocks()) {
      if (words === undefined) {
        const pool = owner === SHARED_OWNER || !this.#isRunning(owner) ? undefined : poolAt(view, at, owner)
        if (pool !== undefined) this.pools.push(pool)
      } else {
        const object = objectIn(at, words)
        if (object === undefined) continue
        this.objects.set(at, object)
        for (const node of waitersOf(view, object)) this.#waiters.set(node, object)
      }
    }
    this.waits = [...this.#parked(view), ...this.#joins()]
    this.circles = circlesOf(this.waits)
    if (watchMs > 0) for (const pool of this.pools) watchPool(view, pool, watchMs)
  }

  /**
   * Undefined when the family is gone, or is of another version.
   * @param watchMs its pools measure times for so long from now on; 0: nothing is asked of them
   */
  static at(file: ArenaFile, watchMs: number): FamilyLook | undefined {
    const arena = openArena(file.path)
    if (arena === undefined) return undefined
    try {
      const view = new ArenaView(arena.fd)
      return view.isReadable ? new FamilyLook(file, view, watchMs) : undefined
    } finally {
      arena.close()
    }
  }

  /** The pid of a member; null for one that is gone. */
  pidOf(id: number): number | null {
    return this.members.get(id)?.pid ?? null
  }

  #isRunning(id: number): boolean {
    return this.members.get(id)?.state === 'running'
  }

  *#parked(view: ArenaView): Generator<SeenWait> {
    for (const parked of view.parked()) {
      const member = this.members.get(parked.owner)
      if (member === undefined || member.state !== 'running') continue
      const at = view.blockOf(parked.at)
      const pool = this.pools.find(pool => parked.at >= pool.at && parked.at < pool.at + pool.bytes)
      const object = this.objects.get(at) ?? this.#waiters.get(at)
      const target = pool?.targetAt(parked.at) ?? targetOf(object, parked.at)
      const held = object?.isLock ? object.holder : 0
      const kind = pool !== undefined ? 'Pool' : (object?.kind ?? '')
      const entry = this.#entry(member, parked, {
        for: target,
        kind,
        id: pool?.id ?? object?.id ?? null,
        holder: held === 0 ? null : this.pidOf(held),
        place: object === undefined ? null : placeOf(member, object)
      })
      yield { from: member.id, to: held, key: `${at}:${parked.since}`, mayBeOwn: parked.isBlocked, entry }
    }
  }

  *#joins(): Generator<SeenWait> {
    for (const member of this.members.values()) {
      if (member.state !== 'running') continue
      for (const { id, since } of member.joins) {
        const other = this.members.get(id)
        if (other === undefined) continue
        const parked = { since, ends: false, isBlocked: (since & BLOCKED) !== 0 }
        const target = { for: 'end', kind: 'Process', id: other.name, holder: other.pid, place: null } as const
        const entry = this.#entry(member, parked, target)
        yield { from: member.id, to: id, key: `join ${id}:${since}`, mayBeOwn: false, entry }
      }
    }
  }

  #entry(
    { pid, name }: SeenMember,
    { since, ends, isBlocked }: Pick<Parked, 'since' | 'ends' | 'isBlocked'>,
    target: Pick<WaitEntry, 'for' | 'kind' | 'id' | 'holder' | 'place'>
  ): WaitEntry {
    const begun = new Date(this.#now.valueOf() - wordsBetween(since, toWord(this.time) + 1)).toISOString()
    return { family: this.family, pid, name, ...target, since: begun, blocked: isBlocked, timeout: ends }
  }
}

function targetOf(object: SeenObject | undefined, at: number): WaitEntry['for'] {
  switch (object?.kind) {
    case 'Event':
      return 'event'
    case 'Condition':
      return 'condition'
    case 'Barrier':
      return 'barrier'
    case 'Mailbox':
      return 'reply'
    case 'Queue':
    case 'JoinableQueue':
    case 'SimpleQueue':
    case 'Pipe':
      return object.targetAt(at)
    default:
      return object?.isLock ? 'lock' : 'other'
  }
}

/** Where in the program a member waits for an object: known in debug mode. */
function placeOf({ told }: SeenMember, { at }: SeenObject): string | null {
  return told.find(({ subject }) => subject.includes(`{block ${at}}`))?.place ?? null
}
