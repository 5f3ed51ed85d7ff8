/** What was measured of one contestant in one part. */
import type { ContestantInfo } from './contestants.ts'
import type { Sample, Settings } from './parts/part.ts'
import { type Spread, spread } from './statistics.ts'

export interface Row extends Omit<ContestantInfo, 'open'> {
  readonly version: string | null
  readonly settings: Settings
  readonly samples: readonly Sample[]
  /** Null when no round of it succeeded. */
  readonly spread: Spread | null
  /** Why it has no figures, or fewer than asked for; what was odd. */
  readonly notes: readonly string[]
}

export function makeRow(
  { open: _open, ...described }: ContestantInfo,
  version: string | null,
  settings: Settings,
  samples: readonly Sample[],
  notes: readonly string[]
): Row {
  const values = samples.map(({ value }) => value)
  return { ...described, version, settings, samples, spread: values.length > 0 ? spread(values) : null, notes }
}
