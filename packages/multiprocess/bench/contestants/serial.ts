/** No pool at all: the tasks one after the other, here. */

import type { TaskName } from '../task-by-name.ts'
import { taskByName } from '../task-by-name.ts'
import type { Contestant } from './contestant.ts'

export async function openSerial(task: TaskName): Promise<Contestant> {
  const fn = taskByName(task)
  return { run: async argument => fn(argument), close: async () => {} }
}
