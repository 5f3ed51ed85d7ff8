/** The name of the owner of a shared object, as far as this process knows it. This module takes no lock. */
import type { OwnerId } from './arena/process-table.ts'
import type { Family } from './family.ts'
import { printable } from './inspect.ts'

/** Returns the name of a member of the family; undefined if it is not known. */
export type OwnerNamer = (family: Family, owner: OwnerId) => string | undefined

const namers: OwnerNamer[] = []

export function addOwnerNamer(namer: OwnerNamer): void {
  namers.push(namer)
}

/** Returns text such as `Process-1 (pid 812)`, or `pid 812` for a process whose name is not known here. */
export function ownerText(family: Family, owner: OwnerId): string {
  const { table, platform } = family
  const isThread = platform.method === 'thread'
  if (!table.isLive(owner) && !table.isStarting(owner)) return `a ${isThread ? 'thread' : 'process'} that is gone`
  const isDead = !table.isStarting(owner) && !platform.isAlive(table, owner)
  const place = `${isThread ? 'thread' : 'pid'} ${table.pid(owner)}${isDead ? ', dead' : ''}`
  const name = ownerName(family, owner)
  return name === undefined ? place : `${printable(name)} (${place})`
}

/** Returns the name alone. */
export function ownerName(family: Family, owner: OwnerId): string | undefined {
  for (const namer of namers) {
    const name = namer(family, owner)
    if (name !== undefined) return name
  }
  return family.table.parent(owner) === 0 ? 'MainProcess' : undefined
}
