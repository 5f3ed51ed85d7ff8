import type { TaskName } from '../task-by-name.ts'

/** JSON, the default of pools over Node's IPC, does not carry typed arrays; what does costs numbers more, and is set only for them. */
export function serializationOf(task: TaskName): { serialization?: 'advanced' } {
  return task === 'touch' ? { serialization: 'advanced' } : {}
}
