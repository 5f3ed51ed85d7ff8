/** What was measured of one contestant. */
import type { ContestantInfo } from './contestants.ts'
import type { Sample } from './measure.ts'
import { type Spread, spread } from './statistics.ts'

export interface Row extends Omit<ContestantInfo, 'open'> {
  readonly version: string | null
  readonly samples: readonly Sample[]
  /** Null when no round of it succeeded. */
  readonly tasksPerSecond: Spread | null
  readonly roundTripUs: Spread | null
  /** Why it has no figures, or fewer than asked for; what was odd. */
  readonly notes: readonly string[]
}

export function makeRow(info: ContestantInfo, version: string | null, samples: Sample[], notes: string[]): Row {
  const { open: _open, ...described } = info
  const measured = samples.length > 0
  return {
    ...described,
    version,
    samples,
    tasksPerSecond: measured ? spread(samples.map(sample => sample.tasksPerSecond)) : null,
    roundTripUs: measured ? spread(samples.map(sample => sample.roundTripUs)) : null,
    notes
  }
}
