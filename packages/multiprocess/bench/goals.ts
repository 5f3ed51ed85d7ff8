import type { Part } from './parts/part.ts'
import type { Row } from './row.ts'

/** What this library has set itself, in medians of one run. */
export interface Goal {
  readonly name: string
  /** Null when one of the two was not measured. */
  readonly value: number | null
  readonly atLeast: number
  readonly isMet: boolean | null
}

export function goal(name: string, { value, atLeast }: { value: number | null; atLeast: number }): Goal {
  return { name, value, atLeast, isMet: value === null ? null : value >= atLeast }
}

export function ours(rows: readonly Row[]): Row | undefined {
  return rows.find(row => row.role === 'ours')
}

/** Of others than ours. */
export function best(part: Part, rows: readonly Row[], isWanted: (row: Row) => boolean): Row | undefined {
  const sign = part.isMoreBetter ? -1 : 1
  return rows
    .filter(row => row.role !== 'ours' && row.spread !== null && isWanted(row))
    .sort((a, b) => sign * (a.spread!.median - b.spread!.median))[0]
}

/** How many times better ours is. */
export function ratioOf(part: Pick<Part, 'isMoreBetter'>, own: Row | undefined, other: Row | undefined): number | null {
  if (!own?.spread || !other?.spread) return null
  const [a, b] = [own.spread.median, other.spread.median]
  return part.isMoreBetter ? a / b : b / a
}
