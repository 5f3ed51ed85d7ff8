/** Reports what all processes of a family wait for, as text for the person who runs the program. */

import type { OwnerId } from './arena/process-table.ts'
import type { Family } from './family.ts'
import { monotonicMs } from './os/time.ts'
import type { Wait, Waits } from './waiting/waits.ts'

const ID = 0x3fffffff
const NUMBER = 0x7fffffff

/** @param waits the records of the family's waits */
export function waitReport(family: Family, waits: Waits): string {
  const { table } = family
  const blocks = [...table.members()].map(id => {
    const parent = table.parent(id)
    const from = parent === 0 ? '' : `, started by ${nameOf(family, waits, parent)}`
    const lines = waits.of(id).map(wait => `  ${lineOf(family, waits, wait)}\n`)
    return `${nameOf(family, waits, id)}${from}\n${lines.join('') || `  ${idle(family, id)}\n`}`
  })
  const count = `${blocks.length} ${family.platform.method === 'thread' ? 'thread' : 'process'}${blocks.length === 1 ? '' : 'es'}`
  return `multiprocess: what ${count.replace('threades', 'threads')} wait for, ${new Date().toISOString()}\n${blocks.join('')}`
}

function idle(family: Family, id: OwnerId): string {
  if (family.table.isStarting(id)) return 'is starting'
  return family.platform.isAlive(family.table, id) ? 'waits for nothing that is told here' : 'has ended'
}

function lineOf(family: Family, waits: Waits, { subject, place, since, isBlocking }: Wait): string {
  const how = isBlocking ? 'blocked' : 'in its event loop'
  const seconds = Math.max(0, (monotonicMs() - since) / 1000).toFixed(1)
  return `waits ${resolve(family, waits, subject)}; ${how}, for ${seconds} s, at ${place}`
}

/** Returns the name of a process, and its pid. */
function nameOf(family: Family, waits: Waits, id: OwnerId): string {
  const { table, platform } = family
  const pid = table.pid(id)
  if (pid === 0) return 'a process that is gone'
  const isDead = !table.isStarting(id) && !platform.isAlive(table, id)
  const name = waits.nameOf(id) || (table.parent(id) === 0 ? 'MainProcess' : 'a process')
  return `${name} (${platform.method === 'thread' ? 'thread' : 'pid'} ${pid}${isDead ? ', dead' : ''})`
}

/** Replaces what is in braces, as `Wait.subject` describes. */
function resolve(family: Family, waits: Waits, subject: string): string {
  const load = (at: number) => {
    const { words } = family.memory.windowOf(at)
    return Atomics.load(words, family.memory.indexOf(at))
  }
  const forms: Record<string, (at: number, other: number) => string | number> = {
    word: at => load(at) & NUMBER,
    difference: (at, other) => (load(at) - load(other)) | 0,
    owner: at => {
      const id = load(at) & ID
      return id === 0 ? 'nobody' : nameOf(family, waits, id)
    },
    block: at => family.shared.originOf(at) || 'a shared object'
  }
  return subject.replaceAll(/\{(\w+) (\d+)(?: (\d+))?\}/g, (_, form: string, at: string, other: string) =>
    String(forms[form](Number(at), Number(other)))
  )
}
