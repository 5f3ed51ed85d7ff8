/** Keeps the shared objects that a message names, from the time when it is written until its reader holds them itself. */
import type { OwnerId } from './arena/process-table.ts'
import { type Family, keeperIn } from './family.ts' // lazy

/** A parcel is held by this process until `drop`, and also by the process that it was handed to. */
export class Parcel {
  /** For each family, the parcel in it. */
  readonly #parts = new Map<Family, number>()

  /** Adds a block that the message names. This process must hold the block. */
  add(family: Family, block: number): void {
    const part = this.#parts.get(family) ?? family.parcels.create()
    this.#parts.set(family, part)
    this.#parts.set(family, family.parcels.add(part, block))
  }

  /** Adds what another parcel keeps, and drops that parcel. */
  join(other: Parcel): void {
    for (const [family, at] of other.#parts) this.add(family, at)
    other.drop()
  }

  /** Returns the one parcel in a family that keeps everything. */
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
      // The keeper's bit belongs to the parcel now, even if this process is the keeper.
      if (keeper !== other.self) other.shared.drop(at)
      this.#parts.delete(other)
    }
    return part
  }

  /** Gives the parcel to another process or thread of a family, and releases it here. @returns the block */
  giveTo(family: Family, to: OwnerId): number {
    const at = this.in(family)
    family.parcels.give(at, to)
    this.drop()
    return at
  }

  /** Releases the parcel. */
  drop(): void {
    for (const [family, at] of this.#parts) family.shared.drop(at)
    this.#parts.clear()
  }
}

/** Joins the parcels of several messages that become one. */
export function joinParcels([first, ...others]: readonly Parcel[]): Parcel {
  for (const other of others) first.join(other)
  return first
}

/** A parcel that this process has taken, while its message is read. */
interface Taken {
  readonly family: Family
  readonly at: number
  /** How many parts of the message, including itself, are still to be read. */
  readers: number
}

let reading: Taken | undefined

/** Runs `read`, which reads the message of a parcel that this process has taken, and then releases the parcel. */
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

/** Keeps the parcel of the message that is being read until a part that is read later has been read. */
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
