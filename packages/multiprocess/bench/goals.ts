import type { Row } from './row.ts'

export interface Goal {
  readonly name: string
  /** Null when one of the two was not measured. */
  readonly value: number | null
  readonly atLeast: number
  readonly met: boolean | null
}

export function bestPeer(rows: readonly Row[]): Row | undefined {
  return rows
    .filter(row => row.role === 'peer' && row.tasksPerSecond !== null)
    .sort((a, b) => b.tasksPerSecond!.median - a.tasksPerSecond!.median)[0]
}

/** What this library has set itself, in medians of the same run. */
export function judgeGoals(rows: readonly Row[]): Goal[] {
  const ours = rows.find(row => row.role === 'ours')
  const best = bestPeer(rows)
  const cpython = rows.find(row => row.id === 'cpython')
  const piscina = rows.find(row => row.id === 'piscina-1')
  return [
    goal(`throughput, times the best Node peer's (${best?.id ?? 'none measured'})`, throughputRatio(ours, best), 10),
    goal("throughput, times CPython's", throughputRatio(ours, cpython), 15),
    goal("round trip, piscina's (defaults) divided by ours", roundTripRatio(ours, piscina), 8)
  ]
}

export function throughputRatio(ours: Row | undefined, other: Row | undefined): number | null {
  if (!ours?.tasksPerSecond || !other?.tasksPerSecond) return null
  return ours.tasksPerSecond.median / other.tasksPerSecond.median
}

export function roundTripRatio(ours: Row | undefined, other: Row | undefined): number | null {
  if (!ours?.roundTripUs || !other?.roundTripUs) return null
  return other.roundTripUs.median / ours.roundTripUs.median
}

function goal(name: string, value: number | null, atLeast: number): Goal {
  return { name, value, atLeast, met: value === null ? null : value >= atLeast }
}
