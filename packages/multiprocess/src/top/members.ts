/** The processes of a family, by their places in its table. */

import { UNIT } from '../ground/arena/layout.ts'
import {
  CLIENTS,
  JOIN_COUNT,
  JOINED,
  MOST_TITLE_BYTES,
  ROLE,
  ROLES,
  SERVED,
  TITLE,
  TITLE_BYTES
} from '../ground/arena/titles.ts'
import type { ArenaView } from './arena-view.ts'
import type { Holder } from './proc.ts'
import type { ProcessEntry, ProcessState } from './snapshot.ts'

const MOST_RECORDS = 256

/** A member of the family, and its process, if that runs. */
export interface SeenMember {
  readonly id: number
  readonly pid: number
  readonly name: string
  readonly role: ProcessEntry['role']
  readonly state: ProcessState
  readonly parent: number
  readonly process: Holder | undefined
  /** Of a manager's server. */
  readonly served: { readonly objects: number; readonly clients: number } | undefined
  /** Whose end it waits for, and since when, as a word. */
  readonly joins: readonly { readonly id: number; readonly since: number }[]
  /** In debug mode: its waits, as texts, with their places in the program. */
  readonly told: readonly { readonly subject: string; readonly place: string }[]
}

/** By their ids. */
export function membersOf(view: ArenaView, holders: readonly Holder[]): Map<number, SeenMember> {
  const byInner = new Map(holders.map(holder => [holder.innerPid, holder]))
  const members = new Map<number, SeenMember>()
  for (const id of view.table.members()) {
    const inner = view.table.pid(id)
    const found = byInner.get(inner)
    const start = view.table.startTime(id)
    const process = found !== undefined && (start === 0 || start === found.startTime) ? found : undefined
    const base = view.table.slotWord(id)
    const word = (index: number) => view.first[base + index]
    members.set(id, {
      id,
      pid: process?.pid ?? inner,
      name: nameOf(view, base) || (view.table.parent(id) === 0 ? 'MainProcess' : `member ${id}`),
      role: view.table.isOfThread(id) ? 'thread' : (ROLES[word(ROLE)] ?? 'process'),
      state: process !== undefined ? 'running' : view.table.isStarting(id) ? 'starting' : 'ended',
      parent: view.table.parent(id),
      process,
      served: word(SERVED) > 0 ? { objects: word(SERVED) - 1, clients: word(CLIENTS) } : undefined,
      joins: Array.from({ length: JOIN_COUNT }, (_, i) => ({
        id: word(JOINED + i * 2),
        since: word(JOINED + i * 2 + 1)
      })).filter(({ id }) => id !== 0),
      told: toldBy(view, view.first[view.table.waitsWord(id)])
    })
  }
  return members
}

function nameOf(view: ArenaView, base: number): string {
  const length = Math.max(0, Math.min(view.first[base + TITLE_BYTES], MOST_TITLE_BYTES))
  return Buffer.from(view.first.buffer, (base + TITLE) * 4, length).toString()
}

/** What ground/waiting/waits.ts writes. */
function toldBy(view: ArenaView, first: number): { subject: string; place: string }[] {
  const told: { subject: string; place: string }[] = []
  for (let unit = first; unit > 0 && told.length < MOST_RECORDS; ) {
    const [next, length] = view.words(unit * UNIT, 2)
    try {
      told.push(JSON.parse(view.text(unit * UNIT + 8, length)))
    } catch {
      // It was given back meanwhile.
      break
    }
    unit = next
  }
  return told
}
