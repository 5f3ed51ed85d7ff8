/** The pools of this process that have memory. */
import type { TaskTable } from '../shared/task-table.ts'

export const openPools = new Set<TaskTable>()
