import { Piscina } from 'piscina'
import type { TaskName } from '../task-by-name.ts'
import type { Contestant } from './contestant.ts'

/** Piscina keeps its defaults (`atomics: 'sync'` among them); only the number of threads and the concurrency are set. */
export async function openPiscina(
  workers: number,
  task: TaskName,
  concurrentTasksPerWorker: number
): Promise<Contestant> {
  const pool = new Piscina<unknown, unknown>({
    filename: new URL('../tasks.js', import.meta.url).href,
    name: task,
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker
  })
  return { run: argument => pool.run(argument), close: () => pool.close() }
}
