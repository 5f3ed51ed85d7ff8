/** What keeps the shared objects that a message names, from when it is written until its reader holds them by itself. */
import type { OwnerId } from './arena/process-table.ts'
import { type Family, keeperIn } from './family.ts' // lazy

/** This process holds a parcel until `drop`; whoever it was handed to holds it besides. */
export class Parcel {
  /** By family: the parcel there. */
  readonly #parts = new Map<Family, number>()

  /** The message names a block, which this process holds. */
  add(family: Family, block: number): void {
    const part = this.#parts.get(family) ?? family.parcels.create()
    this.#parts.set(family, part)
    this.#parts.set(family, family.parcels.add(part, block))
  }

  /** The message names what another one, which is given up, does. */
  join(other: Parcel): void {
    for (const [family, at] of other.#parts) this.add(family, at)
    other.drop()
  }

  /** The one block of a family that keeps all. */
  in(family: Family): number {
    let part = this.#parts.get(family)
    if (part === undefined) {
      part = family.parcels.create()
      this.#parts.set(family, part)
    }
    for (const [other, at] of this.#parts) {
      if (other === family) continue
      const keeper = keeperIn(other)
      other.shared.hold(at, keeper)
      family.parcels.addOther(part, other.number, at)
      // The keeper's bit is the parcel's now, also where this process is the keeper.
      if (keeper !== other.self) other.shared.drop(at)
      this.#parts.delete(other)
    }
    return part
  }

  /** Gives it to another process or thread of a family, and lets go of it. @returns the block */
  giveTo(family: Family, to: OwnerId): number {
    const at = this.in(family)
    family.parcels.give(at, to)
    this.drop()
    return at
  }

  /** This process has it no more. */
  drop(): void {
    for (const [family, at] of this.#parts) family.shared.drop(at)
    this.#parts.clear()
  }
}

/** The one parcel of a message that is made of others. */
export function joinParcels([first, ...others]: readonly Parcel[]): Parcel {
  for (const other of others) first.join(other)
  return first
}

/** A parcel that this process has taken, while its message is read. */
interface Taken {
  readonly family: Family
  readonly at: number
  /** The message, and what of it is yet to be read. */
  readers: number
}

let reading: Taken | undefined

/** Runs `read`, which reads the message of a parcel that this process has taken, and lets go of the parcel. */
export function withParcel(family: Family, at: number, read: () => void): void {
  const outer = reading
  const taken = { family, at, readers: 1 }
  reading = taken
  try {
    read()
  } finally {
    reading = outer
    leave(taken)
  }
}

/** Keeps the parcel of the message that is being read until a part of it, which is to be read later, has been. */
export function keepParcelFor(later: Promise<unknown>): void {
  const taken = reading
  if (taken === undefined) return
  taken.readers++
  const left = () => leave(taken)
  later.then(left, left)
}

function leave(taken: Taken): void {
  if (--taken.readers === 0) taken.family.shared.drop(taken.at)
}
