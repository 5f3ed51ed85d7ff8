import type { Contestant } from '../contestants/contestant.ts'
import type { ContestantInfo } from '../contestants.ts'
import type { Goal } from '../goals.ts'
import type { Row } from '../row.ts'
import type { TaskName } from '../task-by-name.ts'

/** What one run asks of each contestant alike. */
export interface Settings {
  readonly workers: number
  /** Tasks of one batch. */
  readonly count: number
  /** Milliseconds that warming up lasts at least. */
  readonly warmupMs: number
  /** Milliseconds that a sample lasts at least. */
  readonly sampleMs: number
}

/** What one round found: the figure that counts, and others by the way. */
export interface Sample {
  readonly value: number
  readonly [other: string]: number
}

/** One thing that contestants are compared in. */
export interface Part {
  readonly id: string
  readonly title: string
  /** Of `value`. */
  readonly unit: string
  /** Whether more of it is better. */
  readonly isMoreBetter: boolean
  /** What is done, in half a sentence; `count` is that of the settings. */
  describe(settings: Settings): string
  readonly task: TaskName
  takesPart(info: ContestantInfo): boolean
  /** Left out what is measured, for a first impression, and as it should be. */
  readonly quick: Omit<Settings, 'workers'>
  readonly full: Omit<Settings, 'workers'>
  measure(contestant: Contestant, settings: Settings): Promise<Sample>
  judge(rows: readonly Row[]): Goal[]
}
