import { Pool } from 'multiprocess'
import type { TaskName } from '../task-by-name.ts'
import { taskByName } from '../task-by-name.ts'
import type { Contestant } from './contestant.ts'

export async function openMultiprocess(workers: number, task: TaskName): Promise<Contestant> {
  const pool = new Pool(workers)
  const fn = taskByName(task)
  return {
    run: argument => pool.applyAsync(fn, [argument]),
    map: items => pool.map(fn, items),
    close: async () => {
      pool.close()
      await pool.join()
    }
  }
}
