import { Piscina } from 'piscina'
import type { Contestant } from './contestant.ts'

/** Piscina keeps its defaults (`atomics: 'sync'` among them); only the number of threads and the concurrency are set. */
export async function openPiscina(workers: number, concurrentTasksPerWorker: number): Promise<Contestant> {
  const pool = new Piscina<number, number>({
    filename: new URL('../tasks.js', import.meta.url).href,
    name: 'square',
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker
  })
  return { run: n => pool.run(n), close: () => pool.close() }
}
