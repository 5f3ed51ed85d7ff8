/** The pools of this process that have yet to end, for whoever shows or measures all of them. */
import type { TaskTable } from '../shared/task-table.ts'
import type { Insights } from './insights.ts'
import type { PoolStats } from './stats.ts'

export interface OpenPool {
  readonly method: string
  readonly processes: number
  readonly table: TaskTable
  readonly events: { readonly number: number; readonly insights: Insights | undefined }
  stats(): PoolStats
}

export const openPools = new Set<OpenPool>()
