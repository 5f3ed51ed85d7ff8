import type { Family } from '../../ground/family.ts'
import type { TaskTable } from './task-table.ts'

/**
 * Wakes a worker for what is ready, unless one is awake for it. A blocked one is as good as awake, and passes on what it
 * does not take; of those that sleep in their event loops none can be counted on, so all are woken.
 */
export function wakeOne({ lot }: Family, table: TaskTable): void {
  if (!lot.hasSleepers(table.signalAt) || !table.claimWake()) return
  if (!lot.unparkReadiest(table.signalAt)) table.wakeFailed()
}
