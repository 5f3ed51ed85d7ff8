import type { Family } from '../ground/family.ts'
import type { TaskTable } from './task-table.ts'

/** Wakes a worker for what is ready, unless one is awake for it. */
export function wakeOne({ lot }: Family, table: TaskTable): void {
  if (!lot.hasSleepers(table.signalAt) || !table.claimWake()) return
  if (lot.unpark(table.signalAt, 1) === 0) table.wakeFailed()
}
